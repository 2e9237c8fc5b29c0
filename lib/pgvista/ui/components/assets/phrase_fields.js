// How long a pause in the typing is waited for before the phrases are sent, as in Streamlit's fields.
const PAUSE_MS = 250;

function makeFields() {
  const root = el("div", "fields");
  root.state = { values: [], set: undefined, seq: 0, timer: 0, setStateValue: undefined };
  return root;
}

function sendPhrases(root) {
  const { state } = root;
  clearTimeout(state.timer);
  state.timer = 0;
  const values = [...root.children].map((field) => field.lastChild.value);
  if (values.every((value, i) => value === state.values[i])) return;
  state.values = values;
  state.seq += 1;
  state.setStateValue("sent", { values, seq: state.seq, set: state.set });
}

function makeField(root, place) {
  const field = el("div", "field");
  const label = el("label");
  const input = el("input");
  input.type = "text";
  input.autocomplete = "off";
  input.id = `field-${place}`;
  label.htmlFor = input.id;
  const later = (event) => {
    clearTimeout(root.state.timer);
    // What an input method composes is not text yet.
    if (!event.isComposing) root.state.timer = setTimeout(() => sendPhrases(root), PAUSE_MS);
  };
  input.addEventListener("input", later);
  input.addEventListener("compositionend", later);
  input.addEventListener("change", () => sendPhrases(root));
  input.addEventListener("blur", () => sendPhrases(root));
  field.append(label, input);
  return field;
}

/** Draw the fields. What is typed stays as it is, unless another text was set from outside. */
function drawFields(root, data, setStateValue) {
  const { state } = root;
  state.setStateValue = setStateValue;
  while (root.children.length > data.fields.length) root.lastChild.remove();
  data.fields.forEach(({ label, placeholder, hidden }, i) => {
    if (!root.children[i]) root.append(makeField(root, i));
    const [name, input] = root.children[i].children;
    setText(name, label);
    setAttr(name, "class", hidden ? "visually-hidden" : null);
    setAttr(input, "placeholder", placeholder);
  });
  if (state.set !== data.set) {
    clearTimeout(state.timer);
    state.seq = Math.max(state.seq, data.seq);
    state.values = data.fields.map(({ value }) => value);
    state.values.forEach((value, i) => (root.children[i].lastChild.value = value));
    state.set = data.set;
  }
}
