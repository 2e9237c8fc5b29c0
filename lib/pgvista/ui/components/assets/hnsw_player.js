const SPEEDS = [1, 2, 5, 10, 25, 60];
const ROW_REM = 1.45;
const LOOK_MS = 700;
const SHAPES = {
  first: "M5 4h2v12H5zM17 4v12l-9-6z",
  back: "M15 4v12l-9-6z",
  play: "M6 3v14l11-7z",
  pause: "M5 4h3.5v12H5zM11.5 4H15v12h-3.5z",
  forward: "M5 4v12l9-6z",
  last: "M13 4h2v12h-2zM3 4v12l9-6z",
};

function icon(shape) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[shape]);
  svg.append(path);
  return svg;
}

function button(name, label, press) {
  const node = el("button", `step ${name}`);
  node.type = "button";
  node.append(icon(name));
  setAttr(node, "aria-label", label);
  setAttr(node, "title", label);
  node.addEventListener("click", press);
  return node;
}

function makePlayer() {
  const root = el("div", "root player");
  const stage = el("div", "stage");
  const canvas = el("canvas");
  const tip = el("div", "tip");
  const side = el("div", "side");
  const chips = el("div", "chips");
  const where = el("div", "where");
  const cost = el("div", "cost");
  cost.append(el("strong"), el("span"));
  const track = el("div", "track");
  const fill = el("div", "fill");
  const head = el("div", "listhead");
  head.append(el("strong"), el("span"));
  const list = el("ol", "list");
  const more = el("div", "more");
  const legend = el("div", "legend");
  const controls = el("div", "controls");
  const scrub = el("input", "scrub");
  const speed = el("select", "speed");
  const zoom = el("label", "zoom");
  const check = el("input");
  const count = el("span", "count");
  const account = el("p", "account");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.dataset.arrows = "";
  tip.hidden = true;
  legend.setAttribute("aria-hidden", "true");
  scrub.type = "range";
  scrub.min = "0";
  setAttr(scrub, "aria-label", "Step of the walk");
  for (const value of SPEEDS) {
    const option = el("option", "", `${value} steps/s`);
    option.value = String(value);
    speed.append(option);
  }
  setAttr(speed, "aria-label", "Speed");
  check.type = "checkbox";
  zoom.append(check, el("span", "", "zoom to the walk"));
  setAttr(account, "role", "status");
  track.append(fill);
  stage.append(canvas, tip);
  side.append(chips, where, cost, track, head, list, more);
  const buttons = {
    first: button("first", "To the first step", () => go(root, 0)),
    back: button("back", "A step back", () => go(root, root.state.at - 1)),
    play: button("play", "Play", () => (root.state.playing ? stop(root) : start(root))),
    forward: button("forward", "A step on", () => go(root, root.state.at + 1)),
    last: button("last", "To the end", () => go(root, root.state.walk.kind.length - 1)),
  };
  const group = el("div", "buttons");
  group.append(...Object.values(buttons));
  controls.append(group, scrub, count, speed, zoom);
  const body = el("div", "body");
  body.append(stage, side);
  root.append(body, legend, controls, account);
  root.parts = {
    body, stage, canvas, tip, side, chips, where, cost, fill, head, list, more, legend, controls, scrub, speed, check,
    count, account, buttons,
  };
  root.state = { at: 0, playing: false, speed: 5, zoom: true, painted: 0, shown: 0, serial: undefined };
  listen(root);
  return root;
}

// -- what a person does

function listen(root) {
  const { canvas, scrub, speed, check, tip } = root.parts;
  const { state } = root;
  scrub.addEventListener("input", () => go(root, Number(scrub.value)));
  speed.addEventListener("change", () => (state.speed = Number(speed.value)));
  check.addEventListener("change", () => {
    state.zoom = check.checked;
    wake(root);
  });
  // Without the focus, arrow keys go on turning the lesson's steps after a click.
  canvas.addEventListener("mousedown", (event) => event.preventDefault());
  canvas.addEventListener("click", (event) => {
    if (!state.ready || !state.walk.header.click) return;
    const [x, y] = planeAt(state, event.offsetX, event.offsetY);
    state.pending = [x, y];
    state.asked = true;
    wake(root);
    state.setTriggerValue("clicked", { x, y, token: state.walk.header.token });
  });
  canvas.addEventListener("pointermove", (event) => hover(root, event));
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));
  canvas.addEventListener("keydown", (event) => {
    if (!state.ready || state.walk.header.still || event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = {
      ArrowRight: () => go(root, state.at + 1), ArrowLeft: () => go(root, state.at - 1),
      Home: () => go(root, 0), End: () => go(root, state.walk.kind.length - 1),
      " ": () => (state.playing ? stop(root) : start(root)),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  });
}

function hover(root, event) {
  const { tip } = root.parts;
  const { state } = root;
  if (!state.ready) return;
  const node = pointAt(state, event.offsetX, event.offsetY);
  tip.hidden = node < 0;
  if (node < 0) return;
  const { graph, walk } = state;
  const known = state.known.get(node);
  const level = graph.levels[node];
  tip.replaceChildren(el("strong", "", graph.titles?.[node] ?? `node ${node}`));
  const layers = level ? `on layers 0 to ${level}` : "on layer 0";
  tip.append(el("span", "", graph.titles ? `node ${node} · ${layers}` : layers));
  if (walk.kind.length) tip.append(el("span", "", known === undefined ? "distance never computed" : `distance ${short(known)}`));
  const right = event.offsetX > state.width * 0.6;
  tip.style.left = right ? "" : `${event.offsetX + 14}px`;
  tip.style.right = right ? `${state.width - event.offsetX + 14}px` : "";
  tip.style.top = `${Math.min(event.offsetY + 12, state.height - 70)}px`;
}

function go(root, at) {
  stop(root);
  root.state.at = Math.max(0, Math.min(at, root.state.walk.kind.length - 1));
  wake(root);
}

function start(root) {
  const { state } = root;
  const last = state.walk.kind.length - 1;
  if (last < 1) return;
  if (state.at >= last) state.at = 0;
  state.playing = true;
  state.due = undefined;
  wake(root);
}

function stop(root) {
  root.state.playing = false;
}

// -- the clock: one frame of the screen after the other while something moves

function wake(root) {
  const { state } = root;
  if (state.frame || !state.ready) return;
  state.before = undefined;
  const tick = (now) => {
    state.frame = 0;
    if (!root.isConnected || !state.ready) return;
    const elapsed = state.before === undefined ? 16 : now - state.before;
    state.before = now;
    if (state.playing) advance(root, now);
    state.moving = moveCamera(state, elapsed);
    show(root);
    if (state.playing || state.moving) state.frame = requestAnimationFrame(tick);
  };
  state.frame = requestAnimationFrame(tick);
}

function advance(root, now) {
  const { state } = root;
  const pause = 1000 / state.speed;
  state.due ??= now + pause;
  if (now < state.due) return;
  state.at += 1;
  state.due = Math.max(state.due + pause, now);
  if (state.at >= state.walk.kind.length - 1) {
    state.at = state.walk.kind.length - 1;
    stop(root);
  }
}

// -- what is shown

const remOf = () => parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
const short = (value) => (Math.abs(value) >= 100 ? value.toFixed(1) : Math.abs(value) >= 10 ? value.toFixed(2) : value.toFixed(3));
const whole = (value) => value.toLocaleString("en-US");

/** Draw the present moment: the plane, and where it changed, the list and the words. */
function show(root) {
  const { state, parts } = root;
  paint(state, parts.canvas);
  const { walk } = state;
  const key = `${state.serial}.${state.at}.${state.playing}`;
  if (state.shownKey === key) return;
  if (state.shownAt !== state.at) state.shown += 1;
  state.shownKey = key;
  state.shownAt = state.at;
  const i = Math.min(state.at, walk.kind.length - 1);
  // While it plays, a reader of the screen would hear half sentences.
  setAttr(parts.account, "aria-live", state.playing ? "off" : "polite");
  setText(parts.account, walk.texts[i] ?? walk.texts[0] ?? "");
  setAttr(parts.canvas, "aria-label", walk.header.alt);
  if (walk.header.still || i < 0) return;
  const { first, back, play, forward, last } = parts.buttons;
  first.disabled = back.disabled = i === 0;
  forward.disabled = last.disabled = i === walk.kind.length - 1;
  const name = state.playing ? "Pause" : "Play";
  if (play.getAttribute("aria-label") !== name) {
    play.replaceChildren(icon(state.playing ? "pause" : "play"));
    setAttr(play, "aria-label", name);
    setAttr(play, "title", name);
  }
  parts.scrub.value = String(i);
  setAttr(parts.scrub, "aria-valuetext", `step ${i + 1} of ${walk.kind.length}`);
  parts.scrub.style.setProperty("--share", `${(100 * i) / Math.max(1, walk.kind.length - 1)}%`);
  setText(parts.count, `${i + 1} / ${walk.kind.length}`);
  showSide(root, i);
}

function showSide(root, i) {
  const { state, parts } = root;
  const { walk, graph } = state;
  const layer = walk.layer[i];
  [...parts.chips.children].forEach((chip) => {
    const own = Number(chip.dataset.layer);
    chip.classList.toggle("now", own === layer);
    chip.classList.toggle("past", own > layer);
  });
  const ef = walk.header.ef[layer];
  const nodes = graph.header.layers[layer];
  setText(parts.where, `Layer ${layer}: ${whole(nodes)} of ${whole(graph.count)} points`);
  const more = walk.computed[i] > graph.count;
  setText(
    parts.cost.lastChild,
    more ? ` distances for ${whole(graph.count)} points` : ` of ${whole(graph.count)} distances computed`,
  );
  setText(parts.cost.firstChild, whole(walk.computed[i]));
  parts.fill.style.width = `${Math.min(100, (100 * walk.computed[i]) / graph.count)}%`;
  const over = walk.kind[i] === ANSWER;
  const { list, fresh, from } = state.frames[i];
  const title = over ? "Result list" : "Candidate list";
  const places = ef === 1 ? "1 place" : `${list.length} of ${whole(ef)} places`;
  setText(parts.head.firstChild, title);
  setText(parts.head.lastChild, over ? `${walk.header.found.length} are the answer` : places);
  fillList(root, { list, fresh, over, visited: visitedOf(walk, from, i), here: walk.node[i] });
}

function fillList(root, { list, fresh, over, visited, here }) {
  const { parts, state } = root;
  const rem = remOf();
  const room = Math.max(1, Math.floor((parts.list.clientHeight || 12 * ROW_REM * rem) / (ROW_REM * rem)));
  const rows = list.slice(0, room);
  while (parts.list.children.length > rows.length) parts.list.lastChild.remove();
  while (parts.list.children.length < rows.length) {
    const row = el("li");
    row.append(el("span", "mark"), el("span", "node"), el("span", "far"));
    parts.list.append(row);
  }
  const answer = new Set(state.walk.header.found);
  rows.forEach(([node, far], place) => {
    const row = parts.list.children[place];
    const kind = over ? (answer.has(node) ? "answer" : "") : !visited.has(node) ? "waits" : node === here ? "here" : "visited";
    setAttr(row, "class", `${kind}${fresh.has(node) && !over ? " fresh" : ""}`);
    const [mark, name, distance] = row.children;
    setAttr(mark, "title", { answer: "in the answer", waits: "waits", here: "visited now", visited: "visited" }[kind] ?? null);
    setText(name, state.graph.titles?.[node] ?? `node ${node}`);
    setText(distance, short(far));
  });
  const left = list.length - rows.length;
  setText(parts.more, left ? `and ${whole(left)} more, the farthest at ${short(list[list.length - 1][1])}` : "");
}

function legendOf(root) {
  const { state, parts } = root;
  const { walk } = state;
  const items = [["star", "query"]];
  if (walk.kind.length) {
    items.push(["looked", "distance computed"]);
    if (!walk.header.still) items.push(["here", "visited now"], ["waits", "waits in the list"]);
    items.push(["found", "found"]);
    items.push(["missed", "missed"]);
  }
  if (state.graph.others?.length) items.push(["other", "another query"]);
  parts.legend.replaceChildren(
    ...items.map(([kind, text]) => {
      const item = el("span", "item");
      item.append(el("i", kind), el("span", "", text));
      return item;
    }),
  );
}

function chipsOf(root) {
  const { graph } = root.state;
  const chips = graph.header.layers.map((count, layer) => {
    const chip = el("span", "chip", String(layer));
    chip.dataset.layer = String(layer);
    setAttr(chip, "title", `Layer ${layer}: ${whole(count)} points`);
    return chip;
  });
  root.parts.chips.replaceChildren(el("span", "label", "Layer"), ...chips.reverse());
}

// -- size, theme, and what Python hands over

function measure(root) {
  const { state, parts } = root;
  const { canvas } = parts;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const ratio = window.devicePixelRatio || 1;
  if (!width || !height) return false;
  state.theme = themeOf(root);
  state.unit = remOf() / 16;
  if (state.width !== width || state.height !== height || state.ratio !== ratio) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    Object.assign(state, { width, height, ratio, camera: undefined });
  }
  state.fullScale = cameraOf(state.graph.box, width, height).scale;
  return true;
}

/** Take the walk that Python sent, once the graph it belongs to has come. */
function take(root) {
  const { state, parts } = root;
  const { data, board } = state;
  const graph = graphOf(board);
  if (!graph || graph.header.token !== data.header.token) return;
  const moved = state.graph !== graph;
  const asked = state.asked;
  const { still } = data.header;
  Object.assign(state, {
    graph, walk: data, frames: replay(data), layers: layersOf(data), pending: undefined, asked: false,
    known: new Map(), shownKey: undefined, serial: (state.serial ?? 0) + 1, backKey: undefined,
  });
  data.looked.forEach((node, j) => state.known.set(node, data.far[j]));
  data.node.forEach((node, i) => state.known.set(node, data.distance[i]));
  if (still) state.zoom = !data.header.whole;
  if (moved) state.camera = undefined;
  root.classList.toggle("still", still);
  root.classList.toggle("clickable", data.header.click);
  root.style.setProperty("--rest", `${data.header.rest}rem`);
  const last = Math.max(0, data.kind.length - 1);
  parts.scrub.max = String(last);
  parts.speed.value = String(state.speed);
  parts.check.checked = state.zoom;
  state.at = still ? last : 0;
  legendOf(root);
  chipsOf(root);
  state.ready = measure(root);
  if (!state.ready) return;
  moveCamera(state, moved || !state.camera ? undefined : 16);
  stop(root);
  if (asked && !still && !isCalm()) start(root);
  wake(root);
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!data) return undefined;
  const root = rootOf(parentElement, makePlayer);
  const { state } = root;
  state.setTriggerValue = setTriggerValue;
  const next = unpack(data);
  const boards = (window.pgvistaHnsw ??= {});
  const board = (boards[next.header.key] ??= {});
  state.board = board;
  board.changed = () => take(root);
  board.state = state; // what a bench reads: frames painted, steps shown
  const text = JSON.stringify(next.header);
  if (state.text !== text || state.walk?.kind.length !== next.kind.length) {
    state.text = text;
    state.data = next;
    take(root);
  }
  watch(root);
  return () => {
    state.sizes?.disconnect();
    clearInterval(state.look);
    cancelAnimationFrame(state.frame);
    Object.assign(state, { sizes: undefined, look: undefined, frame: 0 });
  };
}

/** Follow the part's size and the theme, which change without a word from Python. */
function watch(root) {
  const { state } = root;
  state.sizes ??= new ResizeObserver(() => {
    if (!state.graph) return;
    state.ready = measure(root);
    state.shownKey = undefined;
    wake(root);
  });
  state.sizes.observe(root.parts.canvas);
  state.look ??= setInterval(() => {
    if (!state.ready || themeOf(root).background === state.theme.background) return;
    state.theme = themeOf(root);
    wake(root);
  }, LOOK_MS);
}
