// Keys that a form's own parts need, and JupyterLab would take for the cell; its shortcuts with Ctrl stay.

function keepKeys(root) {
  const decide = (event) => {
    if (!root.contains(event.target)) return;
    const isForJupyter =
      event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape" || (event.shiftKey && event.key === "Enter");
    if (isForJupyter) event.target.removeAttribute("data-lm-suppress-shortcuts");
    else event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  // The window hears a key before the document does, where JupyterLab listens.
  window.addEventListener("keydown", decide, true);
  return () => window.removeEventListener("keydown", decide, true);
}

export default {
  render({ model, el }) {
    let end = () => {};
    // This view is made before it hangs in the page, below the form's root.
    const find = () => {
      const root = el.closest(model.get("selector"));
      if (root) end = keepKeys(root);
      else waiting = setTimeout(find, 50);
    };
    let waiting = setTimeout(find, 0);
    return () => {
      clearTimeout(waiting);
      end();
    };
  },
};
