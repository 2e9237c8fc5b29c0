const SEND_MS = 120;
const STEP = 0.01;

function makeCells() {
  const root = el("div", "root cells");
  const canvas = el("canvas");
  const legend = el("div", "legend");
  const told = el("div", "told");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  legend.setAttribute("aria-hidden", "true");
  told.setAttribute("aria-live", "polite");
  root.append(canvas, told, legend);
  root.parts = { canvas, legend, told };
  root.state = { sent: 0, dragging: false, timer: 0 };
  canvas.addEventListener("pointerdown", (event) => grab(root, event));
  canvas.addEventListener("pointermove", (event) => root.state.dragging && moveTo(root, event));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
    canvas.addEventListener(end, () => release(root));
  // Without the focus, arrow keys go on turning the lesson's steps after a drag.
  canvas.addEventListener("mousedown", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => step(root, event));
  new ResizeObserver(() => draw(root)).observe(canvas);
  return root;
}

function floats(text) {
  const raw = atob(text);
  const bytes = Uint8Array.from(raw, (char) => char.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const square = (x, y, array, i) => (array[2 * i] - x) ** 2 + (array[2 * i + 1] - y) ** 2;

/** The list of each row: that of its nearest centroid, the first of equally near ones. */
function listOfRows(points, centroids) {
  const found = new Uint16Array(points.length / 2);
  for (let i = 0; i < found.length; i += 1) {
    let best = Infinity;
    for (let c = 0; c < centroids.length / 2; c += 1) {
      const far = square(points[2 * i], points[2 * i + 1], centroids, c);
      if (far < best) {
        best = far;
        found[i] = c;
      }
    }
  }
  return found;
}

/** The part of the plane that is nearer to centroid `own` than to any other: corners of a polygon. */
function cellOf(own, centroids, width, height) {
  let corners = [[0, 0], [width, 0], [width, height], [0, height]];
  const [x, y] = [centroids[2 * own], centroids[2 * own + 1]];
  for (let c = 0; c < centroids.length / 2 && corners.length; c += 1) {
    const [dx, dy] = [centroids[2 * c] - x, centroids[2 * c + 1] - y];
    if (c === own || (dx === 0 && dy === 0)) continue;
    const limit = dx * (x + dx / 2) + dy * (y + dy / 2);
    const side = (corner) => corner[0] * dx + corner[1] * dy - limit;
    const kept = [];
    corners.forEach((corner, i) => {
      const next = corners[(i + 1) % corners.length];
      const [a, b] = [side(corner), side(next)];
      if (a <= 0) kept.push(corner);
      if (a < 0 !== b < 0 && a !== b) {
        const share = a / (a - b);
        kept.push([corner[0] + share * (next[0] - corner[0]), corner[1] + share * (next[1] - corner[1])]);
      }
    });
    corners = kept;
  }
  return corners;
}

function nearest(x, y, array, among, limit) {
  return among
    .map((i) => [square(x, y, array, i), i])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .slice(0, limit)
    .map((pair) => pair[1]);
}

/** What a search with the query finds: as `pgvista.science.kmeans.search` does it. */
function look(root) {
  const { state } = root;
  const { data, points, centroids, lists, rows } = state;
  const [x, y] = state.query;
  const order = nearest(x, y, centroids, [...Array(centroids.length / 2).keys()], centroids.length / 2);
  const visited = new Set(order.slice(0, data.probes));
  const inside = rows.filter((i) => visited.has(lists[i]));
  const truth = nearest(x, y, points, rows, data.limit);
  const last = truth.length ? square(x, y, points, truth[truth.length - 1]) : 0;
  const found = nearest(x, y, points, inside, data.limit).filter((i) => square(x, y, points, i) <= last);
  const got = new Set(found);
  return { own: order[0], visited, inside, truth, found: got, missed: truth.filter((i) => !got.has(i)) };
}

function themeOf(node) {
  const style = getComputedStyle(node);
  const css = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    background: css("background-color"), text: css("text-color"), muted: css("gray-text-color"),
    line: css("border-color"), near: css("primary-color"), looked: css("blue-color"),
    missed: css("red-color"), early: css("orange-color"),
  };
}

function draw(root) {
  const { canvas } = root.parts;
  const { data, points, centroids, cells } = root.state;
  if (!data || !canvas.clientWidth) return;
  const size = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  const scale = size / data.width;
  const tall = Math.round(data.height * scale);
  canvas.width = Math.round(size * ratio);
  canvas.height = Math.round(tall * ratio);
  const pen = canvas.getContext("2d");
  const colours = themeOf(root);
  const unit = Math.max(0.75, size / 700);
  pen.scale(ratio, ratio);
  const place = (array, i) => [array[2 * i] * scale, tall - array[2 * i + 1] * scale];
  const seen = look(root);

  const outline = (c) => {
    pen.beginPath();
    cells[c].forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x * scale, tall - y * scale));
    pen.closePath();
  };
  pen.lineWidth = 1;
  cells.forEach((_, c) => {
    outline(c);
    pen.strokeStyle = colours.line;
    pen.stroke();
  });
  for (const c of seen.visited) {
    outline(c);
    pen.globalAlpha = c === seen.own ? 0.2 : 0.11;
    pen.fillStyle = colours.looked;
    pen.fill();
    pen.globalAlpha = 0.75;
    pen.strokeStyle = colours.looked;
    pen.stroke();
    pen.globalAlpha = 1;
  }
  const dot = (at, radius, colour) => {
    pen.beginPath();
    pen.arc(at[0], at[1], radius * unit, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
  };
  const lit = new Set(seen.inside);
  pen.globalAlpha = 0.4;
  for (const i of root.state.rows) if (!lit.has(i)) dot(place(points, i), 1.5, colours.muted);
  pen.globalAlpha = 0.85;
  for (const i of seen.inside) dot(place(points, i), 1.9, colours.looked);
  pen.globalAlpha = 1;
  for (const i of root.state.early) dot(place(points, i), 2.6, colours.early);

  for (let c = 0; c < centroids.length / 2; c += 1) {
    const [x, y] = place(centroids, c);
    const arm = 4.5 * unit;
    pen.beginPath();
    pen.moveTo(x - arm, y);
    pen.lineTo(x + arm, y);
    pen.moveTo(x, y - arm);
    pen.lineTo(x, y + arm);
    for (const [width, colour] of [[4.5, colours.background], [2, seen.visited.has(c) ? colours.text : colours.muted]]) {
      pen.lineWidth = width * unit;
      pen.strokeStyle = colour;
      pen.stroke();
    }
  }
  if (data.reveal) {
    for (const i of seen.found) {
      dot(place(points, i), 5.4, colours.background);
      dot(place(points, i), 4.2, colours.near);
    }
    for (const i of seen.missed) {
      const at = place(points, i);
      dot(at, 2.2, colours.missed);
      pen.beginPath();
      pen.arc(at[0], at[1], 6.5 * unit, 0, 2 * Math.PI);
      pen.lineWidth = 2.2 * unit;
      pen.strokeStyle = colours.missed;
      pen.stroke();
    }
  }
  const [x, y] = place(root.state.query, 0);
  pen.beginPath();
  for (let corner = 0; corner < 10; corner += 1) {
    const radius = (corner % 2 ? 4.4 : 10.5) * unit;
    const turn = (corner * Math.PI) / 5 - Math.PI / 2;
    pen.lineTo(x + radius * Math.cos(turn), y + radius * Math.sin(turn));
  }
  pen.closePath();
  pen.fillStyle = colours.text;
  pen.lineWidth = 3 * unit;
  pen.strokeStyle = colours.background;
  pen.stroke();
  pen.fill();
  tell(root, seen);
}

function tell(root, seen) {
  const { data, rows } = root.state;
  const { told, canvas } = root.parts;
  const count = (value) => value.toLocaleString("en-US");
  const lists = seen.visited.size;
  const share = rows.length ? (100 * seen.inside.length) / rows.length : 0;
  const words = [
    `${count(lists)} of ${count(root.state.centroids.length / 2)} lists visited`,
    `${count(seen.inside.length)} of ${count(rows.length)} rows looked at (${share.toFixed(share < 10 ? 1 : 0)} %)`,
  ];
  if (data.reveal) words.push(`${seen.found.size} of the ${seen.truth.length} nearest found`);
  const text = words.join(" · ");
  setText(told, text);
  const how = data.movable ? " Click or drag, or use the arrow keys, to move the query." : "";
  setAttr(canvas, "aria-label", `${data.alt} ${text}.${how}`);
}

function drawLegend(root) {
  const { data, early } = root.state;
  const items = [["star", "query"], ["plus", "centroid"], ["looked", "row looked at"]];
  if (early.length) items.push(["early", "came first"]);
  if (data.reveal) items.push(["near", "nearest, found"], ["missed", "nearest, missed"]);
  const key = JSON.stringify(items);
  if (root.state.legend === key) return;
  root.state.legend = key;
  root.parts.legend.replaceChildren(
    ...items.map(([kind, name]) => {
      const item = el("span", "item");
      const sign = el("span", `sign ${kind}`, kind === "star" ? "★" : kind === "plus" ? "+" : "");
      item.append(sign, el("span", "", name));
      return item;
    }),
  );
}

function put(root, x, y) {
  const { data } = root.state;
  const clamp = (value, most) => Math.round(Math.min(most, Math.max(0, value)) * 1e4) / 1e4;
  root.state.query = [clamp(x, data.width), clamp(y, data.height)];
  draw(root);
}

function send(root) {
  const { state } = root;
  clearTimeout(state.timer);
  state.timer = 0;
  state.sent += 1;
  state.setStateValue("sent", { x: state.query[0], y: state.query[1], seq: state.sent });
}

function moveTo(root, event) {
  const { canvas } = root.parts;
  const { data } = root.state;
  const box = canvas.getBoundingClientRect();
  put(
    root,
    ((event.clientX - box.left) / box.width) * data.width,
    (1 - (event.clientY - box.top) / box.height) * data.height,
  );
}

function grab(root, event) {
  if (!root.state.data.movable || event.button !== 0) return;
  root.state.dragging = true;
  root.parts.canvas.setPointerCapture(event.pointerId);
  moveTo(root, event);
}

function release(root) {
  if (!root.state.dragging) return;
  root.state.dragging = false;
  send(root);
}

function step(root, event) {
  const { state } = root;
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const move = moves[event.key];
  if (!move || !state.data.movable || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation(); // the lesson turns its steps by these keys
  put(root, state.query[0] + STEP * move[0], state.query[1] + STEP * move[1]);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => send(root), SEND_MS);
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = rootOf(parentElement, makeCells);
  const { state } = root;
  state.setStateValue = setStateValue;
  if (state.set === undefined) state.sent = data.seq;
  // An older answer must not pull the query back.
  const own = state.dragging || state.timer || data.seq < state.sent;
  if (state.set !== data.set || !own) state.query = [data.query[0], data.query[1]];
  state.set = data.set;
  if (state.shape !== data.points + data.centroids) {
    state.shape = data.points + data.centroids;
    state.points = floats(data.points);
    state.centroids = floats(data.centroids);
    state.lists = listOfRows(state.points, state.centroids);
    state.rows = [...state.lists.keys()];
    state.cells = [...Array(state.centroids.length / 2).keys()].map((c) =>
      cellOf(c, state.centroids, data.width, data.height),
    );
  }
  state.early = data.early;
  state.data = data;
  root.classList.toggle("movable", data.movable);
  root.parts.canvas.style.aspectRatio = `${data.width} / ${data.height}`;
  drawLegend(root);
  draw(root);
}
