const THROTTLE_MS = 90;
// Positions that have not come back yet hold the next ones up for at most this long.
const PATIENCE_MS = 600;
const UNIT = 100;
// With length 1 there is nothing to see farther out: the picture is drawn larger.
const UNIT_OF_ONE = 260;
const MARGIN = 30;
const RADIUS = 21;
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, className) {
  const node = document.createElementNS(SVG, tag);
  if (className) node.setAttribute("class", className);
  return node;
}

function makePlane() {
  const root = el("div", "root plane");
  const picture = svg("svg", "picture");
  const parts = {};
  picture.setAttribute("role", "group");
  for (const name of ["grid", "near", "line", "vectors", "points"]) {
    parts[name] = svg("g", name);
    picture.append(parts[name]);
  }
  root.append(picture);
  root.parts = { ...parts, picture };
  root.marks = new Map();
  root.state = { sent: 0, echo: 0, sentAt: -1e9, set: undefined, dragged: null, pending: false, timer: 0 };
  return root;
}

/** A position as it is drawn: with length 1 when vectors are normalised. */
function shown(state, [x, y]) {
  if (!state.data.normalise) return [x, y];
  const length = Math.hypot(x, y);
  return length ? [x / length, y / length] : [0, 0];
}

const unit = (state) => (state.data.normalise ? UNIT_OF_ONE : UNIT);
/** The part of the plane that is drawn, in pixels: left, top, width, height. */
function view(state) {
  const [[left, right], [bottom, top]] = state.data.range;
  const width = (right - left) * UNIT + 2 * MARGIN;
  const height = (top - bottom) * UNIT + 2 * MARGIN;
  if (state.data.normalise) return [-width / 2, -height / 2, width, height];
  return [left * UNIT - MARGIN, -top * UNIT - MARGIN, width, height];
}

function pixel(state, [x, y]) {
  return [x * unit(state), -y * unit(state)];
}

function snap(state, value, [low, high]) {
  const { step } = state.data;
  const inside = Math.min(high, Math.max(low, value));
  return Number((Math.round(inside / step) * step).toPrecision(6));
}

/** Where a point lies after the hand moved it to `to`, in the units that are drawn. */
function moved(state, from, to) {
  const [rangeX, rangeY] = state.data.range;
  let [x, y] = to;
  if (state.data.normalise) {
    const length = Math.hypot(...from) || 1;
    const there = Math.hypot(x, y);
    if (!there) return from;
    // beyond the border the vector is shortened, not bent
    [x, y] = [x / there, y / there];
    const room = (value, [low, high]) => (value > 0 ? high / value : value < 0 ? low / value : Infinity);
    const reach = Math.min(length, room(x, rangeX), room(y, rangeY));
    [x, y] = [x * reach, y * reach];
    return [Number(x.toFixed(4)), Number(y.toFixed(4))];
  }
  return [snap(state, x, rangeX), snap(state, y, rangeY)];
}

const two = (value) => (Math.round(value * 100) / 100 || 0).toString();

// -- the line of equal distance, in units of the plane

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("") + "Z";

function equalDistance(state) {
  const { data } = state;
  const index = data.points.findIndex(([name]) => name === data.nearest);
  if (!data.metric || index < 0) return null;
  const q = shown(state, state.places[0]);
  const p = shown(state, state.places[index]);
  const u = unit(state);
  const far = 40; // beyond the border, whatever is drawn
  const at = (points) => path(points.map((point) => pixel(state, point)));
  const [cx, cy] = pixel(state, q);
  if (data.metric === "l2") {
    const r = Math.hypot(p[0] - q[0], p[1] - q[1]);
    const d = `M${cx - r * u} ${cy}a${r * u} ${r * u} 0 1 0 ${2 * r * u} 0a${r * u} ${r * u} 0 1 0 ${-2 * r * u} 0Z`;
    return { shape: "circle", measure: r, line: d, near: d };
  }
  if (data.metric === "l1") {
    const r = Math.abs(p[0] - q[0]) + Math.abs(p[1] - q[1]);
    const d = at([[q[0] + r, q[1]], [q[0], q[1] + r], [q[0] - r, q[1]], [q[0], q[1] - r]]);
    return { shape: "diamond", measure: r, line: d, near: d };
  }
  const length = Math.hypot(...q);
  if (!length) return null;
  const [ux, uy] = [q[0] / length, q[1] / length];
  if (data.metric === "inner_product") {
    const along = p[0] * ux + p[1] * uy;
    const foot = [ux * along, uy * along];
    const one = [foot[0] - uy * far, foot[1] + ux * far];
    const two = [foot[0] + uy * far, foot[1] - ux * far];
    const beyond = [ux * far, uy * far];
    return {
      shape: "line",
      measure: along * length,
      line: at([one, two]),
      near: at([one, two, [two[0] + beyond[0], two[1] + beyond[1]], [one[0] + beyond[0], one[1] + beyond[1]]]),
    };
  }
  const reach = Math.hypot(...p);
  if (!reach) return null;
  const cosine = Math.min(1, Math.max(-1, (p[0] * ux + p[1] * uy) / reach));
  const middle = Math.atan2(uy, ux);
  const half = Math.acos(cosine);
  const ray = (angle) => [Math.cos(angle) * far, Math.sin(angle) * far];
  const fan = [];
  for (let i = 0; i <= 24; i += 1) fan.push(ray(middle - half + (2 * half * i) / 24));
  return {
    shape: "rays",
    measure: 1 - cosine,
    line: `${at([[0, 0], fan[0]])}${at([[0, 0], fan[24]])}`,
    near: at([[0, 0], ...fan]),
  };
}

// -- painting

function paintGrid(root) {
  const { state, parts } = root;
  const kind = state.data.normalise ? "one" : "all";
  if (parts.grid.dataset.kind === kind) return;
  parts.grid.dataset.kind = kind;
  parts.grid.replaceChildren();
  const u = unit(state);
  const [left, top, width, height] = view(state);
  const [right, bottom] = [left + width, top + height];
  const line = (className, x1, y1, x2, y2) => {
    const node = svg("line", className);
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) node.setAttribute(name, value);
    parts.grid.append(node);
  };
  const word = (value, x, y, anchor) => {
    const node = svg("text", "tick");
    node.setAttribute("x", x);
    node.setAttribute("y", y);
    node.setAttribute("text-anchor", anchor);
    node.textContent = String(value).replace("-", "−");
    parts.grid.append(node);
  };
  for (let x = Math.ceil(left / u); x * u <= right; x += 1) {
    if (!x) continue;
    line("rule", x * u, top, x * u, bottom);
    word(x, x * u, 28, "middle");
  }
  for (let y = Math.ceil(-bottom / u); -y * u >= top; y += 1) {
    if (!y) continue;
    line("rule", left, -y * u, right, -y * u);
    word(y, -12, -y * u + 8, "end");
  }
  line("axis", left, 0, right, 0);
  line("axis", 0, top, 0, bottom);
  if (state.data.normalise) {
    const circle = svg("circle", "unit");
    circle.setAttribute("r", u);
    parts.grid.append(circle);
  }
}

function paint(root) {
  const { state, parts, marks } = root;
  const { data } = state;
  const [left, top, width, height] = view(state);
  setAttr(parts.picture, "viewBox", `${left} ${top} ${width} ${height}`);
  setAttr(parts.picture, "aria-label", data.label);
  root.classList.toggle("fixed", data.fixed);
  paintGrid(root);
  const found = equalDistance(state);
  for (const [name, what] of [["near", "near"], ["line", "line"]]) {
    const group = parts[name];
    if (!group.firstChild) group.append(svg("path"));
    setAttr(group.firstChild, "d", found ? found[what] : "");
  }
  setAttr(parts.line, "data-shape", found ? found.shape : "none");
  setAttr(parts.line, "data-measure", found ? found.measure.toFixed(6) : null);

  const names = new Set(data.points.map(([name]) => name));
  for (const [name, mark] of marks)
    if (!names.has(name)) {
      mark.group.remove();
      mark.vector.remove();
      marks.delete(name);
    }
  data.points.forEach(([name], index) => {
    const mark = marks.get(name) || makeMark(root, name);
    mark.index = index;
    const place = state.places[index];
    const at = shown(state, place);
    const [x, y] = pixel(state, at);
    const text = `${two(at[0])}, ${two(at[1])}`;
    setAttr(mark.group, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    setAttr(mark.vector, "x2", x.toFixed(1));
    setAttr(mark.vector, "y2", y.toFixed(1));
    setAttr(mark.group, "aria-valuenow", two(at[0]));
    setAttr(mark.group, "aria-valuetext", text);
    setAttr(mark.group, "tabindex", data.fixed ? null : "0");
    setAttr(mark.group, "aria-disabled", data.fixed ? "true" : null);
    setText(mark.where, `(${text})`);
    // the label stands where there is room: above, and inside of the picture
    const turned = x > left + width - 150;
    const below = y < top + 60;
    setAttr(mark.where, "text-anchor", turned ? "end" : "start");
    setAttr(mark.where, "x", turned ? -28 : 28);
    setAttr(mark.where, "y", below ? 40 : -24);
    if (mark.word) {
      setAttr(mark.word, "text-anchor", turned ? "end" : "start");
      setAttr(mark.word, "x", turned ? -40 : 40);
    }
    mark.group.style.setProperty("--own", data.colours[name] || "var(--text)");
    mark.vector.style.setProperty("--own", data.colours[name] || "var(--text)");
    mark.group.classList.toggle("nearest", name === data.nearest);
  });
}

function makeMark(root, name) {
  const { parts, marks, state } = root;
  const isQuery = name === state.data.query;
  const group = svg("g", isQuery ? "point query" : "point");
  const vector = svg("line", isQuery ? "vector query" : "vector");
  const disc = svg("circle", "disc");
  const where = svg("text", "where");
  setAttr(vector, "x1", 0);
  setAttr(vector, "y1", 0);
  setAttr(disc, "r", isQuery ? RADIUS + 11 : RADIUS);
  setAttr(group, "role", "slider");
  setAttr(group, "aria-label", name);
  setAttr(group, "aria-valuemin", state.data.range[0][0]);
  setAttr(group, "aria-valuemax", state.data.range[0][1]);
  setAttr(group, "aria-roledescription", "point, moved by the arrow keys");
  const mark = { group, vector, where, word: null, index: 0 };
  group.append(disc);
  const word = svg("text", isQuery ? "word" : "letter");
  word.textContent = name;
  setAttr(word, "y", isQuery ? 8 : 7);
  if (isQuery) mark.word = word;
  group.append(word, where);
  marks.set(name, mark);
  parts.vectors.append(vector);
  if (isQuery) parts.points.prepend(group); // a point inside of its ring can be taken hold of
  else parts.points.append(group);
  listen(root, mark);
  return mark;
}

// -- moving

function fromEvent(root, event) {
  const { picture } = root.parts;
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
  return [point.x / unit(root.state), -point.y / unit(root.state)];
}

function place(root, index, to) {
  const { state } = root;
  const next = moved(state, state.places[index], to);
  if (next[0] === state.places[index][0] && next[1] === state.places[index][1]) return;
  state.places[index] = next;
  paint(root);
  schedule(root);
}

function listen(root, mark) {
  const { group } = mark;
  const { state } = root;
  group.addEventListener("pointerdown", (event) => {
    if (state.data.fixed || event.button) return;
    event.preventDefault();
    group.focus({ preventScroll: true });
    group.setPointerCapture(event.pointerId);
    const [x, y] = fromEvent(root, event);
    const at = shown(state, state.places[mark.index]);
    state.dragged = { mark, off: [at[0] - x, at[1] - y] };
    group.classList.add("held");
  });
  group.addEventListener("pointermove", (event) => {
    if (state.dragged?.mark !== mark) return;
    const [x, y] = fromEvent(root, event);
    place(root, mark.index, [x + state.dragged.off[0], y + state.dragged.off[1]]);
  });
  const release = () => {
    if (state.dragged?.mark !== mark) return;
    state.dragged = null;
    group.classList.remove("held");
    if (state.pending) send(root);
  };
  group.addEventListener("pointerup", release);
  group.addEventListener("pointercancel", release);
  group.addEventListener("lostpointercapture", release);
  group.addEventListener("keydown", (event) => {
    if (state.data.fixed || event.altKey || event.ctrlKey || event.metaKey) return;
    const far = event.shiftKey ? 5 : 1;
    const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = shown(state, state.places[mark.index]);
    const { step } = state.data;
    if (!state.data.normalise || (!x && !y)) {
      place(root, mark.index, [x + by[0] * step * far, y + by[1] * step * far]);
      return;
    }
    const angle = Math.atan2(y, x) + ((by[1] || -by[0]) * far * Math.PI) / 60;
    place(root, mark.index, [Math.cos(angle), Math.sin(angle)]);
  });
}

function send(root) {
  const { state } = root;
  clearTimeout(state.timer);
  state.timer = 0;
  state.pending = false;
  state.sent += 1;
  state.sentAt = performance.now();
  state.setStateValue("sent", { places: state.places.map(([x, y]) => [x, y]), seq: state.sent, set: state.set });
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

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = rootOf(parentElement, makePlane);
  const { state } = root;
  state.setStateValue = setStateValue;
  state.data = data;
  if (state.set === undefined) state.sent = data.seq;
  state.echo = Math.max(state.echo, data.seq);
  // Positions are taken over when Python set them, or when they answer the last ones that were sent:
  // older ones must not pull a point back under the hand.
  const setByPython = state.set !== data.set;
  if (setByPython || (!state.dragged && !state.pending && data.seq >= state.sent)) {
    state.places = data.points.map(([, x, y]) => [x, y]);
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
