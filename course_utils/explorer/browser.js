// Runs in the page, beside the explorer's widgets: names and the table of runs, which ipywidgets cannot give.
// Everything else works where this cannot be loaded.

const COLUMNS = [
  ["settings", "what changed"],
  ["best", "best"],
  ["epoch", "epoch"],
  ["end", "at the end"],
  ["train", "training"],
  ["accuracy", "accuracy"],
  ["verdict", "verdict"],
  ["seeds", "seeds"],
];

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "onchange") made[name] = value;
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Give sliders, fields and pictures the names and values that a screen reader says. */
function giveNames(root, words) {
  const set = (selector, attributes) => {
    for (const found of root.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (found.getAttribute(name) !== value) found.setAttribute(name, value);
      }
    }
  };
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", words.region ?? "Explorer");
  set(".explorer-controls", { role: "group", "aria-label": "Settings" });
  set(".explorer-buttons", { role: "group", "aria-label": "Actions" });
  for (const control of words.controls ?? []) {
    const row = `.explorer-control-${control.name}`;
    set(`${row} .noUi-handle`, {
      "aria-label": control.label,
      "aria-valuetext": control.value,
      "aria-description": control.help,
    });
    set(`${row} :is(.noUi-target, input[type=checkbox])`, { title: control.help });
    set(`${row} input[type=text]`, { "aria-label": `${control.label}, typed`, "aria-description": control.help });
    set(`${row} select`, { "aria-label": control.label, "aria-description": control.help, title: control.help });
    set(`${row} input[type=checkbox]`, { "aria-label": control.label, "aria-description": control.help });
  }
  set("img.explorer-curves", { alt: words.curves ?? "" });
  set("img.explorer-network", { alt: words.network ?? "" });
}

function keepNames(root, model) {
  const give = () => giveNames(root, model.get("words"));
  // Sliders write their own value, the position, whenever they move.
  const watch = new MutationObserver(give);
  watch.observe(root, { subtree: true, childList: true, attributeFilter: ["aria-valuetext", "aria-valuenow", "src"] });
  model.on("change:words", give);
  give();
  return () => {
    watch.disconnect();
    model.off("change:words", give);
  };
}

function row(run, model) {
  const swatch = element("span", { class: "explorer-swatch", style: `--line: ${run.color}`, "aria-hidden": "true" });
  const go = element("button", {
    type: "button",
    class: "explorer-go",
    "aria-label": `Go back to ${run.settings}`,
    title: "Go back to this run.",
    onclick: () => model.send({ go: run.key }),
  });
  go.append(swatch, run.settings);
  const pin = element("input", {
    type: "checkbox",
    "aria-label": `Pin ${run.settings}`,
    title: "Keep this run in the picture.",
    onchange: () => model.send({ pin: run.key }),
  });
  pin.checked = run.is_pinned;
  const cells = COLUMNS.slice(1).map(([name]) => element("td", { class: `explorer-log-${name}` }, run[name] ?? ""));
  const made = element("tr", { "data-key": String(run.key), "aria-current": run.is_shown ? "true" : null });
  made.onclick = (event) => {
    if (!event.target.closest("button, input")) model.send({ go: run.key });
  };
  made.append(element("td", {}, pin), element("th", { scope: "row" }, go), ...cells);
  return made;
}

/** The table of runs: newest first, as a real table. */
function keepLog(el, model) {
  const body = element("tbody");
  const heads = COLUMNS.map(([, words]) => element("th", { scope: "col" }, words));
  const table = element(
    "table",
    {},
    element("caption", {}, "Runs so far: click one to go back to it, tick it to keep it in the picture."),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "pin"), ...heads)),
    body,
  );
  const box = element("div", { class: "explorer-log", tabindex: "0", role: "group", "aria-label": "Runs so far" }, table);
  const show = () => {
    const runs = model.get("runs");
    const kept = document.activeElement?.closest?.("tr[data-key]");
    const wasPin = document.activeElement?.type === "checkbox";
    const key = kept && body.contains(kept) ? kept.dataset.key : null;
    const isNew = runs.length > 0 && body.rows[0]?.dataset.key !== String(runs[0].key);
    body.replaceChildren(...runs.map((run) => row(run, model)));
    if (isNew) box.scrollTop = 0;
    box.hidden = runs.length === 0;
    for (const [column, name] of COLUMNS.map(([name], at) => [at + 2, name])) {
      const isEmpty = runs.every((run) => !run[name]);
      for (const line of table.rows) line.cells[column - 1].hidden = isEmpty && column > 2;
    }
    if (key !== null) body.querySelector(`tr[data-key="${key}"] ${wasPin ? "input" : "button"}`)?.focus();
  };
  model.on("change:runs", show);
  show();
  el.append(box);
  return () => model.off("change:runs", show);
}

/** One steady place whose words are read out when they change. */
function keepSaying(el, model) {
  const place = element("div", { class: "explorer-said", role: "status", "aria-live": "polite" });
  const say = () => {
    const words = model.get("said");
    if (place.textContent !== words) place.textContent = words;
  };
  model.on("change:said", say);
  el.append(place);
  setTimeout(say, 500); // a place that is new together with its words stays silent
  return () => model.off("change:said", say);
}

async function toClipboard(message) {
  if (message.kind === "picture") {
    const bytes = Uint8Array.from(atob(message.content), (letter) => letter.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
  } else {
    await navigator.clipboard.writeText(message.content);
  }
}

/** Copy what Python hands over, and tell it whether that was possible; or bring a part into sight. */
function keepHearing(root, model) {
  const hear = (message) => {
    if (message?.show) root.querySelector(message.show)?.scrollIntoView({ block: "nearest" });
    if (!message?.content) return;
    toClipboard(message).then(
      () => model.send({ copied: message.kind }),
      () => model.send({ copied: "" }),
    );
  };
  model.on("msg:custom", hear);
  return () => model.off("msg:custom", hear);
}

export default {
  render({ model, el }) {
    let ends = [];
    const start = (root) => {
      ends = [keepNames(root, model), keepLog(el, model), keepSaying(el, model), keepHearing(root, model)];
      model.send({ ready: true });
    };
    // This view is made before it hangs in the page, below the explorer's root.
    const find = () => {
      const root = el.closest(".explorer");
      if (root) start(root);
      else waiting = setTimeout(find, 50);
    };
    let waiting = setTimeout(find, 0);
    return () => {
      clearTimeout(waiting);
      ends.forEach((end) => end());
    };
  },
};
