// How long a key is waited for to come back: then the keyboard works again, whatever happened.
const PATIENCE_MS = 4000;
const KEYS = {
  ArrowRight: "next",
  PageDown: "next",
  " ": "next",
  ArrowLeft: "back",
  PageUp: "back",
  n: "notes",
  N: "notes",
  Escape: "leave",
};

function makeKeys() {
  const root = el("div", "root keys");
  for (const [key, text] of [["←", ""], ["→", "step"], ["N", "notes"], ["Esc", "leave"]]) {
    root.append(el("kbd", "", key));
    if (text) root.append(el("span", "what", text));
  }
  root.state = { presenting: false, turn: undefined, waits: false, timer: 0 };
  root.listen = (event) => press(root, event);
  return root;
}

/** Whether a key belongs to something that is typed into or moved by keys. */
function isTaken(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (event.key === " " && target.closest("button, summary, a, [role=button], [role=radio]")) return true;
  return Boolean(
    target.isContentEditable ||
      target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [data-arrows]") ||
      target.closest("[role=combobox], [role=listbox], [role=slider], [role=dialog]"),
  );
}

function press(root, event) {
  const { state } = root;
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || isTaken(event)) return;
  const value = state.presenting ? KEYS[event.key] : { p: "present", P: "present" }[event.key];
  if (value === undefined || state.waits || !root.isConnected) return;
  event.preventDefault();
  state.waits = true;
  clearTimeout(state.timer);
  state.timer = setTimeout(() => (state.waits = false), PATIENCE_MS);
  state.setTriggerValue("pressed", { value });
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = rootOf(parentElement, makeKeys);
  root.state.setTriggerValue = setTriggerValue;
  if (root.state.turn !== data.turn) root.state.waits = false;
  root.state.turn = data.turn;
  root.state.presenting = data.presenting;
  root.hidden = !data.presenting;
  document.addEventListener("keydown", root.listen);
  return () => {
    document.removeEventListener("keydown", root.listen);
    clearTimeout(root.state.timer);
  };
}
