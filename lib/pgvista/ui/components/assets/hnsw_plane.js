// The plane: where points lie on the screen, and how a moment of the walk is drawn.
const CAMERA_MS = 110;
const SMALLEST_VIEW = 0.07;
const MOST_LINKS = 14000;
const NEAR_PX = 9;

function themeOf(node) {
  const style = getComputedStyle(node);
  const css = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    background: css("background-color"), text: css("text-color"), muted: css("gray-text-color"),
    accent: css("primary-color"), looked: css("blue-color"), missed: css("red-color"),
    surface: css("secondary-background-color"), line: css("border-color"),
    font: css("font") || "sans-serif",
  };
}

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The box [x0, x1, y0, y1] that the camera should show at the frame on the screen. */
function wantedBox(state) {
  const { graph, walk } = state;
  const [x, y] = walk.header.at;
  const all = [
    Math.min(graph.box[0], x), Math.max(graph.box[1], x), Math.min(graph.box[2], y), Math.max(graph.box[3], y),
  ];
  if (!state.zoom || !walk.kind.length) return all;
  const nodes = boxNodes(state);
  const near = boxOf(graph.xy, nodes);
  const box = [Math.min(near[0], x), Math.max(near[1], x), Math.min(near[2], y), Math.max(near[3], y)];
  const pad = Math.max((box[1] - box[0]) * 0.12, (box[3] - box[2]) * 0.12);
  const least = Math.max(all[1] - all[0], all[3] - all[2]) * SMALLEST_VIEW;
  const grow = (low, high) => {
    const more = Math.max(pad, (least - (high - low)) / 2);
    return [low - more, high + more];
  };
  return [...grow(box[0], box[1]), ...grow(box[2], box[3])];
}

/** Points that must be in view: of a layer all that are looked at there, of the answer what is true. */
function boxNodes(state) {
  const { walk } = state;
  const { truth, found, still } = walk.header;
  const frame = Math.min(state.at, walk.kind.length - 1);
  if (still) return [...truth, ...found];
  const [first, last] = state.layers.get(walk.layer[frame]);
  const nodes = new Set(walk.looked.subarray(first ? walk.end[first - 1] : 0, walk.end[last]));
  for (let i = first; i <= last; i += 1) nodes.add(walk.node[i]);
  if (walk.layer[frame] === 0) for (const node of truth) nodes.add(node);
  return nodes;
}

function cameraOf(box, width, height) {
  const scale = Math.min(width / Math.max(box[1] - box[0], 1e-12), height / Math.max(box[3] - box[2], 1e-12));
  return { x: (box[0] + box[1]) / 2, y: (box[2] + box[3]) / 2, scale };
}

/** Move the camera towards what it should show; tells whether it still moves. */
function moveCamera(state, elapsed) {
  const wanted = cameraOf(wantedBox(state), state.width, state.height);
  const camera = state.camera;
  if (!camera || isCalm() || elapsed === undefined) {
    state.camera = wanted;
    return false;
  }
  const share = 1 - Math.exp(-elapsed / CAMERA_MS);
  const scale = camera.scale * (wanted.scale / camera.scale) ** share;
  const rest = Math.abs(Math.log(wanted.scale / scale));
  const gap = Math.hypot(wanted.x - camera.x, wanted.y - camera.y) * scale * (1 - share);
  if (rest < 0.01 && gap < 0.6) {
    state.camera = wanted;
    return false;
  }
  state.camera = { x: camera.x + (wanted.x - camera.x) * share, y: camera.y + (wanted.y - camera.y) * share, scale };
  return true;
}

const toX = (state, x) => state.width / 2 + (x - state.camera.x) * state.camera.scale;
const toY = (state, y) => state.height / 2 - (y - state.camera.y) * state.camera.scale;
const placeOf = (state, node) => [
  toX(state, state.graph.xy[2 * node]), toY(state, state.graph.xy[2 * node + 1]),
];

/** Where in the plane a place on the screen lies. */
function planeAt(state, px, py) {
  const { camera, width, height } = state;
  return [camera.x + (px - width / 2) / camera.scale, camera.y - (py - height / 2) / camera.scale];
}

/** The point under the pointer, or -1. */
function pointAt(state, px, py) {
  let [best, at] = [NEAR_PX, -1];
  for (let node = 0; node < state.graph.count; node += 1) {
    const [x, y] = placeOf(state, node);
    const far = Math.hypot(x - px, y - py);
    if (far < best) [best, at] = [far, node];
  }
  return at;
}

/** Points and links that do not change from step to step, drawn again only when the view does. */
function drawBack(state, layer) {
  const { camera, width, height, ratio, theme, graph, walk } = state;
  const key = [camera.x, camera.y, camera.scale, width, height, ratio, theme.background, layer, state.unit, walk.header.mesh,
    walk.header.token, state.moving].join();
  if (state.backKey === key) return state.back;
  state.backKey = key;
  const back = (state.back ??= document.createElement("canvas"));
  back.width = Math.round(width * ratio);
  back.height = Math.round(height * ratio);
  const pen = back.getContext("2d");
  pen.scale(ratio, ratio);
  const seen = (x, y) => x > -20 && y > -20 && x < width + 20 && y < height + 20;
  const crowded = layer === 0 && !walk.header.mesh && (walk.header.still || state.moving);
  if (!crowded) drawLinks(state, pen, graph[`links${layer}`] ?? [], seen);
  const close = Math.min(2, Math.max(1, camera.scale / state.fullScale / 2));
  const small = 1.6 * close * state.unit;
  pen.fillStyle = theme.muted;
  for (let node = 0; node < graph.count; node += 1) {
    const [x, y] = placeOf(state, node);
    if (!seen(x, y)) continue;
    const here = layer > 0 && graph.levels[node] >= layer;
    pen.globalAlpha = here ? 0.95 : layer > 0 ? 0.25 : 0.6;
    const size = here ? Math.max(3 * state.unit, small) : small;
    pen.beginPath();
    pen.arc(x, y, size, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 0.9;
  pen.strokeStyle = theme.muted;
  for (let i = 0; i < (graph.others?.length ?? 0); i += 2) {
    const [x, y] = [toX(state, graph.others[i]), toY(state, graph.others[i + 1])];
    if (!seen(x, y)) continue;
    pen.beginPath();
    pen.moveTo(x, y - 5);
    pen.lineTo(x + 5, y);
    pen.lineTo(x, y + 5);
    pen.lineTo(x - 5, y);
    pen.closePath();
    pen.stroke();
  }
  return back;
}

function drawLinks(state, pen, links, seen) {
  const lines = [];
  for (let i = 0; i < links.length; i += 2) {
    const [ax, ay] = placeOf(state, links[i]);
    const [bx, by] = placeOf(state, links[i + 1]);
    if (seen(ax, ay) || seen(bx, by)) lines.push(ax, ay, bx, by);
    if (lines.length > 4 * MOST_LINKS) return; // a web that dense shows nothing
  }
  pen.beginPath();
  for (let i = 0; i < lines.length; i += 4) {
    pen.moveTo(lines[i], lines[i + 1]);
    pen.lineTo(lines[i + 2], lines[i + 3]);
  }
  pen.lineWidth = 1;
  pen.strokeStyle = state.theme.muted;
  pen.globalAlpha = Math.max(0.05, Math.min(0.4, 300 / (lines.length / 4 + 1)));
  pen.stroke();
  pen.globalAlpha = 1;
}

function dot(pen, [x, y], radius, fill, edge, width = 2) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  if (fill) {
    pen.fillStyle = fill;
    pen.fill();
  }
  if (edge) {
    pen.lineWidth = width;
    pen.strokeStyle = edge;
    pen.stroke();
  }
}

function star(pen, [x, y], radius, fill, edge) {
  pen.beginPath();
  for (let i = 0; i < 10; i += 1) {
    const far = i % 2 ? radius * 0.45 : radius;
    const angle = (Math.PI * i) / 5 - Math.PI / 2;
    pen[i ? "lineTo" : "moveTo"](x + far * Math.cos(angle), y + far * Math.sin(angle));
  }
  pen.closePath();
  pen.lineWidth = 3;
  pen.strokeStyle = edge;
  pen.stroke();
  pen.fillStyle = fill;
  pen.fill();
}

function line(pen, state, pairs, colour, width, alpha) {
  pen.beginPath();
  for (const [a, b] of pairs) {
    pen.moveTo(...placeOf(state, a));
    pen.lineTo(...placeOf(state, b));
  }
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.globalAlpha = alpha;
  pen.stroke();
  pen.globalAlpha = 1;
}

/** From which node each visited one was first looked at, for the frames from `from` to `to`. */
function steps(walk, from, to) {
  const parent = new Map();
  const pairs = [];
  for (let i = from; i <= to; i += 1) {
    if (walk.kind[i] === ENTER) parent.clear();
    if (walk.kind[i] !== VISIT) continue;
    if (parent.has(walk.node[i])) pairs.push([parent.get(walk.node[i]), walk.node[i]]);
    for (let j = walk.end[i - 1]; j < walk.end[i]; j += 1) parent.set(walk.looked[j], walk.node[i]);
  }
  return pairs;
}

/** Paint the moment `state.at` of the walk on the canvas. */
function paint(state, canvas) {
  const { walk, theme, ratio } = state;
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  const i = Math.min(state.at, walk.kind.length - 1);
  const over = i >= 0 && walk.kind[i] === ANSWER;
  const layer = i < 0 ? 0 : walk.layer[i];
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(drawBack(state, layer), 0, 0);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const at = (node) => placeOf(state, node);
  const unit = state.unit * Math.min(1.35, Math.max(1, state.camera.scale / state.fullScale / 3));
  if (i >= 0) {
    const { list, from } = state.frames[i];
    const start = from ? walk.end[from - 1] : 0;
    line(pen, state, steps(walk, 0, from - 1), theme.accent, 1.5, 0.4);
    for (let j = 0; j < start; j += 1) dot(pen, at(walk.looked[j]), 2 * unit, theme.looked);
    if (walk.kind[i] === VISIT) {
      const now = Array.from(walk.looked.subarray(walk.end[i - 1], walk.end[i]));
      line(pen, state, now.map((node) => [walk.node[i], node]), theme.looked, 1.5, 0.9);
    }
    line(pen, state, steps(walk, from, i), theme.accent, 2.2, over ? 0.45 : 0.9);
    for (let j = start; j < walk.end[i]; j += 1) dot(pen, at(walk.looked[j]), 3 * unit, theme.looked);
    if (!over) {
      const visited = visitedOf(walk, from, i);
      for (const [node] of list)
        dot(pen, at(node), 4.5 * unit, visited.has(node) ? theme.looked : theme.background, theme.looked, 1.8);
      dot(pen, at(walk.node[i]), 7 * unit, theme.accent, theme.background, 2);
    } else {
      const missed = new Set(walk.header.missed);
      for (const node of walk.header.found) dot(pen, at(node), 5 * unit, theme.accent, theme.background, 1.5);
      for (const node of missed) dot(pen, at(node), 3 * unit, theme.missed);
      for (const node of missed) dot(pen, at(node), 8 * unit, null, theme.missed, 2.2);
    }
  }
  const query = state.pending ?? walk.header.at;
  star(pen, [toX(state, query[0]), toY(state, query[1])], 9 * state.unit, theme.text, theme.background);
  if (walk.kind.length && state.camera.scale > 1.7 * state.fullScale) drawInset(state, pen, layer);
  state.painted += 1;
}

function visitedOf(walk, from, to) {
  const visited = new Set();
  for (let i = from; i <= to; i += 1) if (walk.kind[i] === VISIT) visited.add(walk.node[i]);
  return visited;
}

/** The corner [right, bottom] where the least of a layer's walk lies, the same for all its steps. */
function cornerOf(state, layer, w, h) {
  const { walk, graph, width, height } = state;
  const key = `${state.serial}.${layer}.${width}.${height}.${state.zoom}`;
  if (state.cornerKey === key) return state.corner;
  state.cornerKey = key;
  const camera = cameraOf(wantedBox(state), width, height);
  const nodes = walk.header.still ? walk.looked : boxNodes(state);
  const seen = [walk.header.at, ...Array.from(nodes).map((i) => [graph.xy[2 * i], graph.xy[2 * i + 1]])];
  const counts = [[0, 1], [1, 1], [1, 0], [0, 0]].map(([right, bottom]) => {
    const inside = seen.filter(([x, y]) => {
      const px = width / 2 + (x - camera.x) * camera.scale;
      const py = height / 2 - (y - camera.y) * camera.scale;
      const [dx, dy] = [right ? width - px : px, bottom ? height - py : py];
      return dx < w + 20 && dy < h + 20;
    });
    return [inside.length, [right, bottom]];
  });
  state.corner = counts.reduce((best, one) => (one[0] < best[0] ? one : best))[1];
  return state.corner;
}

/** The whole plane in a corner, with a frame about what is in view. */
function drawInset(state, pen, layer) {
  const { graph, theme, width, height, camera } = state;
  const [x0, x1, y0, y1] = graph.box;
  const size = Math.min(110 * state.unit, width * 0.22);
  const scale = size / Math.max(x1 - x0, y1 - y0);
  const [w, h] = [(x1 - x0) * scale, (y1 - y0) * scale];
  const [right, bottom] = cornerOf(state, layer, w, h);
  const [left, top] = [right ? width - w - 8 : 8, bottom ? height - h - 8 : 8];
  pen.fillStyle = theme.background;
  pen.globalAlpha = 0.9;
  pen.fillRect(left, top, w, h);
  pen.globalAlpha = 0.55;
  pen.fillStyle = theme.muted;
  for (let node = 0; node < graph.count; node += 1)
    pen.fillRect(left + (graph.xy[2 * node] - x0) * scale, top + (y1 - graph.xy[2 * node + 1]) * scale, 1, 1);
  pen.globalAlpha = 1;
  pen.lineWidth = 1;
  pen.strokeStyle = theme.line;
  pen.strokeRect(left, top, w, h);
  pen.lineWidth = 1.5;
  pen.strokeStyle = theme.accent;
  const [vw, vh] = [width / camera.scale, height / camera.scale];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const fx0 = clamp((camera.x - vw / 2 - x0) * scale, 0, w);
  const fx1 = clamp((camera.x + vw / 2 - x0) * scale, 0, w);
  const fy0 = clamp((y1 - camera.y - vh / 2) * scale, 0, h);
  const fy1 = clamp((y1 - camera.y + vh / 2) * scale, 0, h);
  pen.strokeRect(left + fx0, top + fy0, Math.max(2, fx1 - fx0), Math.max(2, fy1 - fy0));
}
