// How long a key is waited for to come back: then the keyboard works again, whatever happened.
const PATIENCE_MS = 4000;
const OTHERS = { u: "undo", U: "undo", s: "skip", S: "skip" };

function makeKeys() {
  const root = el("div", "root keys");
  for (const [key, text] of [["0", ""], ["1", ""], ["2", ""], ["3", "grade"], ["S", "skip"], ["U", "undo"]]) {
    root.append(el("kbd", "", key));
    if (text) root.append(el("span", "what", text));
  }
  root.state = { document: undefined, turn: undefined, waits: false, timer: 0 };
  root.listen = (event) => press(root, event);
  return root;
}

/** Whether a key belongs to something that is typed into or moved by keys. */
function isTyping(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  return Boolean(
    target.isContentEditable ||
      target.closest("input, textarea, select, [role=combobox], [role=listbox], [role=slider], [role=dialog]"),
  );
}

function press(root, event) {
  const { state } = root;
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || isTyping(event)) return;
  const value = /^[0-3]$/.test(event.key) ? Number(event.key) : OTHERS[event.key];
  if (value === undefined || state.waits || !root.isConnected) return;
  event.preventDefault();
  state.waits = true;
  root.classList.add("sent");
  clearTimeout(state.timer);
  state.timer = setTimeout(() => ready(root), PATIENCE_MS);
  state.setTriggerValue("pressed", { value, document: state.document });
}

function ready(root) {
  root.state.waits = false;
  root.classList.remove("sent");
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = rootOf(parentElement, makeKeys);
  root.state.setTriggerValue = setTriggerValue;
  if (root.state.turn !== data.turn) ready(root);
  root.state.turn = data.turn;
  root.state.document = data.document;
  document.addEventListener("keydown", root.listen);
  return () => {
    document.removeEventListener("keydown", root.listen);
    clearTimeout(root.state.timer);
  };
}
