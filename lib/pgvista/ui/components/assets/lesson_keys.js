// How long a key is waited for to come back: then the next one is sent, whatever happened.
const PATIENCE_MS = 3000;
// Keys pressed while one is on its way; more than these were pressed in impatience.
const QUEUED = 3;
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
  root.state = { presenting: false, turn: undefined, waits: false, queue: [], timer: 0 };
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
  if (value === undefined || !root.isConnected) return;
  event.preventDefault();
  if (state.queue.length < QUEUED) state.queue.push(value);
  if (!state.waits) send(root);
}

function send(root) {
  const { state } = root;
  clearTimeout(state.timer);
  const value = state.queue.shift();
  state.waits = value !== undefined;
  if (!state.waits) return;
  state.timer = setTimeout(() => send(root), PATIENCE_MS);
  state.setTriggerValue("pressed", { value });
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = rootOf(parentElement, makeKeys);
  root.state.setTriggerValue = setTriggerValue;
  if (root.state.turn !== data.turn) setTimeout(() => send(root));
  root.state.turn = data.turn;
  root.state.presenting = data.presenting;
  root.hidden = !data.presenting;
  document.addEventListener("keydown", root.listen);
  return () => {
    document.removeEventListener("keydown", root.listen);
    clearTimeout(root.state.timer);
  };
}
