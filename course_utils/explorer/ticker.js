// Asks for what was painted, in a page where pictures do not come by themselves; see ticker.py.

const PATIENCE = 1500; // milliseconds after a move in which a beat should have arrived
const BETWEEN = 200; // milliseconds from an answer to the next question
const MOVES = ["pointerup", "keyup", "change"];

/** Unless a beat has arrived by itself: ask after each move, until all is over. */
function keepAsking(root, model) {
  let comesByItself = false;
  let isAsking = false;
  let hasMoved = false;
  let waiting = 0;
  const ask = () => model.send({ ask: true });
  const look = () => {
    if (comesByItself || isAsking) return;
    isAsking = true;
    ask();
  };
  const begin = () => {
    hasMoved = isAsking; // the answer that is on its way does not know of this move
    if (comesByItself || isAsking) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, PATIENCE);
  };
  const beat = () => {
    if (comesByItself) return;
    comesByItself = true;
    model.send({ heard: true });
  };
  const hear = (message) => {
    if (!isAsking || message?.over === undefined) return;
    if (message.over && !hasMoved) {
      isAsking = false;
      return;
    }
    waiting = setTimeout(ask, message.over ? PATIENCE : BETWEEN);
    hasMoved = hasMoved && !message.over;
  };
  model.on("change:beat", beat);
  model.on("msg:custom", hear);
  for (const move of MOVES) root.addEventListener(move, begin);
  begin();
  return () => {
    clearTimeout(waiting);
    model.off("change:beat", beat);
    model.off("msg:custom", hear);
    for (const move of MOVES) root.removeEventListener(move, begin);
  };
}

export default {
  render({ model, el }) {
    el.style.display = "none";
    let end = () => {};
    // This view is made before it hangs in the page, below the explorer's root.
    const find = () => {
      const root = el.closest(".explorer");
      if (root?.querySelector("img.explorer-curves")) end = keepAsking(root, model);
      else waiting = setTimeout(find, 50);
    };
    let waiting = setTimeout(find, 0);
    return () => {
      clearTimeout(waiting);
      end();
    };
  },
};
