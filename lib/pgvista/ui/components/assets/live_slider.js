const THROTTLE_MS = 100;
// A value that has not come back yet holds the next one up for at most this long: a slow query is
// not interrupted again and again while the thumb moves.
const PATIENCE_MS = 700;
const LOG_STEPS = 400;

function makeSlider() {
  const root = el("div", "root slider");
  const head = el("div", "head");
  const label = el("label", "label");
  const help = el("span", "help");
  const mark = el("button", "mark", "?");
  const tip = el("span", "tip");
  const reset = el("button", "reset", "↺");
  const output = el("output", "value");
  const input = el("input");
  const foot = el("div", "foot");
  const parts = [el("span", "low"), el("span", "note"), el("span", "high")];
  input.type = "range";
  input.id = "input";
  label.htmlFor = "input";
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  mark.type = reset.type = "button";
  mark.setAttribute("aria-label", "What is this?");
  mark.setAttribute("aria-describedby", "tip");
  output.setAttribute("for", "input");
  // The slider speaks for itself by aria-valuetext; a live region would repeat every step.
  output.setAttribute("aria-live", "off");
  help.append(mark, tip);
  head.append(label, help, reset, output);
  foot.append(...parts);
  root.append(head, input, foot);
  root.parts = { label, help, tip, reset, output, input, low: parts[0], note: parts[1], high: parts[2] };
  root.state = { sent: 0, echo: 0, sentAt: -1e9, set: undefined, dragging: false, pending: false };
  listen(root);
  return root;
}

/** The value without anybody's doing: null where there is none until the slider is moved. */
const atFirst = (data) => (data.unset ? null : data.default);

const format = (data, value) =>
  data.prefix +
  value.toLocaleString("en-US", {
    minimumFractionDigits: data.decimals,
    maximumFractionDigits: data.decimals,
    useGrouping: data.grouping,
  }) +
  data.suffix;

/** An end of the scale: shorter than the value, without words and empty decimals. */
const formatEnd = (data, value) =>
  value.toLocaleString("en-US", { maximumFractionDigits: data.decimals, useGrouping: data.grouping });

function snap(data, value) {
  const steps = Math.round((value - data.min) / data.step);
  const onGrid = data.log ? Math.round(value / data.step) * data.step : data.min + steps * data.step;
  return Number(Math.min(data.max, Math.max(data.min, onGrid)).toPrecision(12));
}

const positions = (data) =>
  data.log ? LOG_STEPS : Math.max(1, Math.round((data.max - data.min) / data.step));

function valueAt(data, position) {
  const share = position / positions(data);
  if (data.log) return snap(data, data.min * (data.max / data.min) ** share);
  return snap(data, data.min + position * data.step);
}

function positionOf(data, value) {
  const share = data.log
    ? Math.log(value / data.min) / Math.log(data.max / data.min)
    : (value - data.min) / (data.max - data.min);
  return Math.round(share * positions(data));
}

function paint(root) {
  const { data, value } = root.state;
  const { input, output, reset } = root.parts;
  const position = positionOf(data, value ?? data.default);
  const share = position / positions(data);
  const text = value === null ? data.unset : format(data, value);
  if (Number(input.value) !== position && !root.state.dragging) input.value = String(position);
  input.style.setProperty("--share", `${share * 100}%`);
  setText(output, text);
  setAttr(input, "aria-valuetext", text);
  reset.classList.toggle("shown", value !== atFirst(data) && !data.disabled);
}

/** What sliders of the page were set to whose value is not sent. */
function heardIn() {
  return (window.pgvistaHeard ??= {});
}

function send(root) {
  const { state } = root;
  clearTimeout(state.timer);
  state.timer = 0;
  state.pending = false;
  state.sent += 1;
  state.sentAt = performance.now();
  state.setStateValue("sent", { value: state.value, seq: state.sent });
}

function schedule(root) {
  const { state } = root;
  state.pending = true;
  clearTimeout(state.timer);
  const pause = state.sent > state.echo ? PATIENCE_MS : THROTTLE_MS;
  const due = state.sentAt + pause - performance.now();
  if (due <= 0) send(root);
  else state.timer = setTimeout(() => send(root), due);
}

function choose(root, value) {
  if (value === root.state.value) return;
  root.state.value = value;
  paint(root);
  const { heard } = root.state.data;
  if (!heard) return schedule(root);
  heardIn()[heard] = value; // it stays in the page
  window.dispatchEvent(new CustomEvent(heard, { detail: value }));
}

/** Move by `count` positions, and on until the value changes: a log scale has several for one value. */
function stepBy(root, count) {
  const { data, value } = root.state;
  let position = positionOf(data, value ?? data.default) + count;
  const last = positions(data);
  while (position > 0 && position < last && valueAt(data, position) === value)
    position += Math.sign(count);
  choose(root, valueAt(data, Math.min(last, Math.max(0, position))));
}

function listen(root) {
  const { input, reset } = root.parts;
  const { state } = root;
  const toDefault = () => choose(root, atFirst(state.data));
  input.addEventListener("pointerdown", () => (state.dragging = true));
  const release = () => {
    if (!state.dragging) return;
    state.dragging = false;
    if (state.pending) send(root);
    paint(root);
  };
  input.addEventListener("pointerup", release);
  input.addEventListener("pointercancel", release);
  input.addEventListener("blur", release);
  input.addEventListener("change", release);
  input.addEventListener("input", () => choose(root, valueAt(state.data, Number(input.value))));
  input.addEventListener("dblclick", toDefault);
  reset.addEventListener("click", () => {
    toDefault();
    input.focus({ preventScroll: true });
  });
  input.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const last = positions(state.data);
    const page = Math.max(1, Math.round(last / 10));
    const moves = {
      ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1,
      PageUp: page, PageDown: -page, Home: -last, End: last,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    stepBy(root, moves[event.key]);
  });
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = rootOf(parentElement, makeSlider);
  const { state, parts } = root;
  const { input } = parts;
  state.setStateValue = setStateValue;
  state.data = data;
  if (state.set === undefined) state.sent = data.seq;
  state.echo = Math.max(state.echo, data.seq);

  setAttr(input, "min", 0);
  setAttr(input, "max", positions(data));
  setAttr(input, "step", 1);
  input.disabled = data.disabled;
  setText(parts.label, data.label);
  setText(parts.low, formatEnd(data, data.min));
  setText(parts.high, formatEnd(data, data.max));
  setText(parts.note, data.note);
  setAttr(parts.note, "title", data.note || null);
  setText(parts.tip, data.help);
  parts.help.hidden = !data.help;
  setAttr(input, "aria-describedby", data.help ? "tip" : null);
  const back = `Back to ${data.unset || format(data, data.default)}`;
  setAttr(parts.reset, "title", back);
  setAttr(parts.reset, "aria-label", `${data.label}: ${back.toLowerCase()}`);
  root.classList.toggle("disabled", data.disabled);

  // The value is taken over when Python set it, or when it answers the last one that was sent:
  // an older answer must not pull the thumb back.
  const setByPython = state.set !== data.set;
  if (data.heard) state.value = heardIn()[data.heard] ?? null;
  else if (setByPython || (!state.dragging && !state.pending && data.seq >= state.sent)) {
    state.value = data.value;
    if (setByPython) {
      state.pending = false;
      clearTimeout(state.timer);
    }
    state.set = data.set;
  }
  paint(root);
  if (state.pending) schedule(root);
  return () => clearTimeout(state.timer);
}
