const BASE = 1;
const ADDED = 2;
const VIRIDIS = [
  "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151",
  "#bddf26", "#fde725",
];
const NONE = 255;
const HIDDEN = 254;
const LEVELS = 253;
const LINE_KINDS = ["near", "missing", "false"];
/** Marks as full as points are: their edge tells them from the points of a cluster in their colour. */
const ROW_MARKS = new Set(["near", "missing"]);
/** Marks of the overlay: symbol, size, the theme's colour, and what the legend calls it. */
const MARKS = {
  query: ["star", 20, "text", "the query"],
  focus: ["circle-open", 22, "text", "the row"],
  near: ["circle", 10, "accent", "true neighbour"],
  missing: ["circle", 10, "keyword", "neighbour lost by the map"],
  false: ["x", 11, "red", "near, but no neighbour"],
  semantic: ["circle-open", 15, "semantic", "semantic hit"],
  keyword: ["diamond-open", 19, "keyword", "keyword hit"],
  hybrid: ["square-open", 22, "violet", "hybrid hit"],
  missed: ["x", 13, "red", "missed by the index"],
  added: ["circle-open", 0, "text", "came later, placed by its neighbours"],
};

/**
 * Spell out what was sent in short: points by their places become positions and ids.
 * Sent: `query` with its position and halo; `card` with what is said of it and its nearest rows
 * by columns, places and distances first; `row` with the row clicked and its neighbours; `lists`
 * with the hits of each.
 */
function unfolded(board) {
  const { query, row, lists, card, ...rest } = board.nextOverlay;
  const [places, distances] = card?.near ?? [[], []];
  const near = places.map((place, i) => [place, i + 1, distances[i]]).filter(([place]) => place >= 0);
  const at = (place) => [board.x[place], board.y[place]];
  const made = { ...rest, good: query?.good !== false, lines: {}, marks: [], ranks: [] };
  if (row) {
    for (const kind of LINE_KINDS) {
      made.lines[kind] = (row[kind] ?? []).map((place) => [...at(row.at), ...at(place)]);
      made.marks.push(...(row[kind] ?? []).map((place) => [kind, ...at(place), board.ids[place]]));
    }
    made.marks.push(["focus", ...at(row.at), board.ids[row.at]]);
  }
  if (query) {
    (made.lines.near ??= []).push(...near.map(([place]) => [...query.at, ...at(place)]));
    made.ranks = near.map(([place, rank, far]) => [...at(place), rank, far && Number(far).toFixed(2)]);
    if (query.halo !== undefined) made.halo = [...query.at, query.halo];
  }
  for (const [kind, places] of Object.entries(lists ?? {})) {
    if (board.lists && !board.lists.has(kind)) continue;
    const there = places.filter((place) => place >= 0);
    made.marks.push(...there.map((place) => [kind, ...at(place), board.ids[place]]));
  }
  if (query) made.marks.push(["query", ...query.at, null]);
  return made;
}

/** Take what was sent over the points: compressed, and dropped where something newer has come. */
const inbox = (window.pgvistaOver ??= {});
inbox.take = async (bytes) => {
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const text = await new Response(plain).text();
  if (inbox.sent !== bytes) return;
  const overlay = JSON.parse(text);
  const board = boardOf(overlay.key);
  if (board.seen === text && board.overlay) return;
  board.seen = text;
  board.nextOverlay = overlay;
  board.onOverlay?.();
  board.onCard?.();
};
if (inbox.sent) inbox.take(inbox.sent);

function boardOf(key) {
  const boards = (window.pgvistaMaps ??= {});
  return (boards[key] ??= {});
}

/** Read `[length of the header][header as JSON][blocks]`; `shape` names type and length of blocks. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const text = new TextDecoder();
  const header = JSON.parse(text.decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const blocks = {};
  for (const [name, type, size] of header.blocks) {
    const part = bytes.slice(at, at + size); // a copy, so that floats are aligned
    blocks[name] =
      type === "f4" ? new Float32Array(part.buffer) : type === "u1" ? part : split(text.decode(part));
    at += size;
  }
  return { header, blocks };
}

function split(text) {
  return text === "" ? [] : text.split("\0");
}

function themeOf(node) {
  const style = getComputedStyle(node);
  const css = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const background = css("background-color") || "#ffffff";
  return {
    background,
    text: css("text-color"),
    muted: css("gray-text-color"),
    line: css("border-color"),
    surface: css("secondary-background-color"),
    accent: css("primary-color"),
    semantic: css("blue-color"),
    keyword: css("orange-color"),
    violet: css("violet-color"),
    red: css("red-color"),
    gray: css("gray-color"),
    font: css("font"),
    series: css("chart-categorical-colors").split(/,(?![^(]*\))/).map((item) => item.trim()),
    dark: luminance(background) < 0.5,
  };
}

function luminance(colour) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = colour;
  const hex = canvas.fillStyle;
  if (hex[0] !== "#") return 1;
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
}

function mix(one, other, share) {
  const parts = [1, 3, 5].map((i) => {
    const [a, b] = [one, other].map((colour) => parseInt(colour.slice(i, i + 2), 16));
    return Math.round(a + (b - a) * share).toString(16).padStart(2, "0");
  });
  return `#${parts.join("")}`;
}

/** Another shade of a colour: to where there is room from it. */
function shade(colour, theme) {
  return mix(colour, luminance(colour) > (theme.dark ? 0.7 : 0.4) ? "#000000" : "#ffffff", 0.42);
}

/** Colours of the codes 0 to 255 in this theme; code 255 has no value. */
function paletteOf(colour, theme) {
  const none = theme.dark ? "#3a4551" : "#c9d1d9";
  const table = new Array(256).fill(none);
  if (colour?.kind === "number") {
    const [from, to] = theme.dark ? [0.25, 1] : [0, 0.9];
    for (let i = 0; i <= LEVELS; i++) {
      const share = i / LEVELS; // what stands out is dark on white and bright on black
      const place = (from + (to - from) * (colour.reverse === theme.dark ? 1 - share : share)) * 10;
      const low = Math.min(9, Math.floor(place));
      table[i] = mix(VIRIDIS[low], VIRIDIS[low + 1], place - low);
    }
  } else if (colour?.kind === "category") {
    const fit = theme.series.slice(0, 9);
    colour.legend.forEach(([, , code, other], i) => {
      table[code] = other ? theme.gray : i < 9 ? fit[i] : shade(fit[i % 9], theme);
    });
  } else {
    table.fill(theme.semantic);
  }
  return table;
}

function symbolsOf(board) {
  const many = board.colour?.kind === "category" && board.colour.legend.length > 9;
  if (!many) return "circle";
  const shape = new Array(256).fill("circle");
  const names = ["circle", "diamond", "square"];
  board.colour.legend.forEach(([, , code], i) => (shape[code] = names[Math.floor(i / 9) % 3]));
  return Array.from(board.codes, (code) => shape[code]);
}

const TRANSPARENT = "rgba(0,0,0,0)";

/** What the first traces are drawn with: an array where points differ, else one value. */
function pointStyle(board) {
  const { theme, codes } = board;
  const table = paletteOf(board.colour, theme);
  board.table = table;
  const count = board.ids.length;
  const size = board.look?.size ?? Math.min(9, Math.max(2.8, 480 / Math.sqrt(count + 1)) * growth(board));
  for (const code of [...board.hidden, HIDDEN]) table[code] = TRANSPARENT;
  const plain = !codes || (board.colour?.kind === "none" && !board.veiled);
  return {
    color: plain ? table[0] : Array.from(codes, (code) => table[code]),
    symbol: plain ? "circle" : symbolsOf(board),
    size,
    edge: board.hidden.size || board.veiled || size < 5 ? 0 : 0.8,
    opacity: count > 30000 ? 0.75 : 0.92,
  };
}

/** The nearer one looks, the larger points are: by the root of how much was zoomed in. */
function growth(board) {
  const axis = board.drawn && board.gd?._fullLayout?.xaxis;
  if (!axis) return 1;
  const zoom = (board.rangeX[1] - board.rangeX[0]) / Math.abs(axis.range[1] - axis.range[0]);
  return Math.max(1, Math.sqrt(zoom));
}

/** Draw points at their new size, once zooming has changed it by a fifth. */
function grow(board) {
  if (!board.drawn || board.look?.size) return;
  const now = growth(board);
  if (Math.abs(now / (board.grown ?? 1) - 1) < 0.2) return;
  board.grown = now;
  touch(board, "size");
}

function isHidden(board, place) {
  return Boolean(board.codes) && (board.codes[place] === HIDDEN || board.hidden.has(board.codes[place]));
}

function escaped(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** The labels there is room for: ranks of the query's rows, and the clusters' names. */
function labelsOf(board, ranks) {
  const { theme } = board;
  const found = [];
  const scale = scaleOf(board);
  const pixel = (x, y) => [x * scale, -y * scale];
  const taken = [];
  const above = ([x, y]) => [x, y - 10];
  for (const [x, y, text] of grouped(ranks, pixel)) {
    const [px, py] = pixel(x, y);
    reserve(taken, [px + 10, py - 12], text, 16);
    found.push({ x, y, text, size: 11, colour: theme.text, xshift: 10, yshift: 12 });
  }
  // Larger clusters come first; a label that would lie on another one waits until one zooms in
  for (const [x, y, label] of board.look?.labels === false ? [] : (board.colour?.labels ?? [])) {
    if (!reserve(taken, above(pixel(x, y)), label, 15)) continue;
    const xshift = inside(board, x, label.length * 3.6);
    found.push({ x, y, text: label, size: 12, colour: theme.text, xshift, yshift: 10 });
  }
  return found;
}

function annotationsOf(board) {
  const { theme } = board;
  const shadow = [1, 2, 3, 4].map((px) => `0 0 ${px}px ${theme.background}`).join(", ");
  return labelsOf(board, board.overlay?.ranks ?? []).map(({ text, size, colour, ...place }) => ({
    ...place, text: escaped(text), showarrow: false, captureevents: false,
    font: { size, color: colour, family: theme.font, weight: 650, shadow },
  }));
}

/** By how many pixels a label is moved so that its end is not cut off at the map's edge. */
function inside(board, x, half) {
  const axis = board.drawn && board.gd?._fullLayout?.xaxis;
  const width = axis ? axis._length : board.root.plot.clientWidth - 2 * MARGIN;
  const at = axis ? axis.l2p(x) : width / 2 + (x - (board.rangeX[0] + board.rangeX[1]) / 2) * scaleOf(board);
  if (at < 0 || at > width) return 0;
  return Math.max(0, half - at) - Math.max(0, at + half - width);
}

/** Pixels for each unit of the map, also before it is drawn; both axes have the same. */
function scaleOf(board) {
  const axis = board.drawn && board.gd?._fullLayout?.xaxis;
  if (axis?.l2p) return Math.abs(axis.l2p(1) - axis.l2p(0));
  const [low, high] = board.rangeX;
  const [bottom, top] = board.rangeY;
  const { clientWidth: width, clientHeight: height } = board.root.plot;
  return Math.min((width - 2 * MARGIN) / (high - low), (height - 2 * MARGIN) / (top - bottom));
}

/** Ranks of points that lie together on the screen stand in one label: "1–3, 5". */
function grouped(ranks, pixel) {
  const groups = [];
  for (const [x, y, rank, far] of ranks) {
    const [px, py] = pixel(x, y);
    const near = groups.find((group) => Math.hypot(group.px - px, group.py - py) < 26);
    if (near) near.ranks.push(rank);
    else groups.push({ x, y, px, py, far, ranks: [rank] });
  }
  return groups.map((g) => [g.x, g.y, g.ranks.length === 1 ? `${g.ranks[0]} · ${g.far}` : spans(g.ranks)]);
}

function spans(ranks) {
  const runs = [];
  for (const rank of ranks) {
    const last = runs.at(-1);
    if (last && rank === last[1] + 1) last[1] = rank;
    else runs.push([rank, rank]);
  }
  return runs.map(([from, to]) => (from === to ? from : to === from + 1 ? `${from}, ${to}` : `${from}–${to}`)).join(", ");
}

function reserve(taken, [x, y], text, height) {
  const half = text.length * 3.5 + 3;
  const box = [x - half, y - height / 2, x + half, y + height / 2];
  if (taken.some((t) => t[0] < box[2] && t[2] > box[0] && t[1] < box[3] && t[3] > box[1])) return false;
  taken.push(box);
  return true;
}

function haloOf(board) {
  const halo = board.overlay?.halo;
  if (!halo) return [[], []];
  const [x, y, radius] = halo;
  const turn = Array.from({ length: 65 }, (_, i) => (i / 64) * 2 * Math.PI);
  return [turn.map((a) => x + radius * Math.cos(a)), turn.map((a) => y + radius * Math.sin(a))];
}

function linesOf(board, kind) {
  const [xs, ys] = [[], []];
  for (const [x0, y0, x1, y1] of board.overlay?.lines?.[kind] ?? []) {
    xs.push(x0, x1, null);
    ys.push(y0, y1, null);
  }
  return [xs, ys];
}

function marksOf(board) {
  const { theme } = board;
  const marks = (board.overlay?.marks ?? []).filter(([kind]) => MARKS[kind]);
  return {
    x: marks.map((mark) => mark[1]),
    y: marks.map((mark) => mark[2]),
    ids: marks.map((mark) => mark[3]),
    kinds: marks.map((mark) => mark[0]),
    color: marks.map(([kind]) => theme[MARKS[kind][2]]),
    symbol: marks.map(([kind]) => MARKS[kind][0]),
    size: marks.map(([kind]) => MARKS[kind][1]),
    edge: marks.map(([kind]) => (MARKS[kind][0].endsWith("-open") ? 2.4 : 1)),
    edges: marks.map(([kind]) =>
      MARKS[kind][0].endsWith("-open") ? theme[MARKS[kind][2]] : ROW_MARKS.has(kind) ? theme.text : theme.background,
    ),
  };
}

function densityOf(board) {
  const none = { x: [0, 1], y: [0, 1], z: [[0, 0], [0, 0]] };
  if (!board.look?.density) return none;
  if (board.density?.of !== board.x) board.density = { of: board.x, grid: densityGrid(board.x, board.y) };
  return board.density.grid ?? none;
}

function edgeOf(theme) {
  return theme.dark ? "rgba(255,255,255,.55)" : "#ffffff";
}

const SHOWN = { unselected: { marker: { opacity: 1 } }, selected: { marker: { opacity: 1 } } };

/** The points and what lies under them. */
function pointTraces(board) {
  const { theme } = board;
  const style = pointStyle(board);
  const gl = { type: "scattergl", hoverinfo: "none", showlegend: false };
  return [
    {
      type: "contour", ...densityOf(board), showscale: false, hoverinfo: "skip",
      visible: Boolean(board.look?.density),
      ncontours: 9, contours: { coloring: "fill" }, line: { width: 0.5, color: theme.line },
      colorscale: [[0, theme.background], [1, mix(theme.background, theme.text, 0.22)]],
    },
    {
      ...gl, mode: "markers", x: board.x, y: board.y,
      marker: {
        color: style.color, symbol: style.symbol, size: style.size, opacity: style.opacity,
        line: { width: style.edge, color: edgeOf(theme) },
      },
      selected: { marker: { opacity: 1 } },
      unselected: { marker: { opacity: 0.12 } },
    },
    {
      ...gl, ...SHOWN, hoverinfo: "skip", mode: "markers", x: board.addedX, y: board.addedY,
      marker: { symbol: "circle-open", size: style.size + 5, color: theme.text, line: { width: 1.2 } },
    },
  ];
}

/** Halo, lines and marks; `type` is "scatter", or "scattergl" in a figure with the points. */
function overTraces(board, type) {
  const { theme, overlay } = board;
  const common = { type, ...SHOWN, hoverinfo: "skip", showlegend: false };
  const line = (kind, color, dash) => {
    const [x, y] = linesOf(board, kind);
    return { ...common, mode: "lines", x, y, line: { color, width: 1.4, dash } };
  };
  const [haloX, haloY] = haloOf(board);
  const halo = overlay?.good === false ? theme.red : theme.accent;
  const marks = marksOf(board);
  return [
    {
      ...common, mode: "lines", x: haloX, y: haloY, fill: "toself", fillcolor: `${halo}1f`,
      line: { color: halo, width: 1.2, dash: "dot" },
    },
    line("near", theme.accent, "solid"),
    line("missing", theme.keyword, "solid"),
    line("false", theme.red, "dot"),
    {
      ...common, mode: "markers", x: marks.x, y: marks.y,
      marker: {
        color: marks.color, symbol: marks.symbol, size: marks.size, opacity: 1,
        line: { width: marks.edge, color: marks.edges },
      },
    },
  ];
}

/** A figure of its own over the points: Plotly draws all of a figure anew for each of its changes. */
function overLayout(board) {
  const { xaxis, yaxis, width, height } = board.gd._fullLayout;
  const axis = { visible: false, fixedrange: true };
  return {
    width, height, showlegend: false, hovermode: false,
    margin: { l: MARGIN, r: MARGIN, t: MARGIN, b: MARGIN },
    paper_bgcolor: TRANSPARENT,
    plot_bgcolor: TRANSPARENT,
    xaxis: { ...axis, range: [...xaxis.range] },
    yaxis: { ...axis, range: [...yaxis.range] },
    annotations: annotationsOf(board),
  };
}

function drawOver(board) {
  const { over } = board.root;
  if (!board.overlay && !over.data && !annotationsOf(board).length) return undefined; // nothing, as before
  return window.Plotly.react(
    over, overTraces(board, "scatter"), overLayout(board), { staticPlot: true },
  );
}

/** Let what lies over the points follow them while one pans and zooms. */
function follow(board) {
  if (board.following) return;
  board.following = requestAnimationFrame(() => {
    board.following = 0;
    if (board.drawn) drawOver(board);
  });
}

/** Points and overlay as one figure, for a file. */
function wholeFigure(board) {
  const layout = layoutOf(board);
  const { xaxis, yaxis } = board.gd._fullLayout;
  layout.xaxis.range = [...xaxis.range];
  layout.yaxis.range = [...yaxis.range];
  layout.paper_bgcolor = board.theme.background;
  layout.annotations = annotationsOf(board);
  return { data: [...pointTraces(board), ...overTraces(board, "scattergl")], layout };
}

function layoutOf(board) {
  const { theme } = board;
  const axis = {
    visible: false, showgrid: false, zeroline: false, showticklabels: false, fixedrange: false,
  };
  return {
    uirevision: board.token,
    selectionrevision: board.token,
    autosize: true,
    margin: { l: MARGIN, r: MARGIN, t: MARGIN, b: MARGIN },
    paper_bgcolor: TRANSPARENT,
    plot_bgcolor: TRANSPARENT,
    font: { family: theme.font, color: theme.text },
    xaxis: { ...axis, range: board.rangeX },
    yaxis: { ...axis, range: board.rangeY, scaleanchor: "x", scaleratio: 1 },
    dragmode: "pan",
    hovermode: "closest",
    hoverdistance: 12,
    showlegend: false,
    modebar: {
      orientation: "h", bgcolor: TRANSPARENT, color: theme.muted, activecolor: theme.accent,
    },
    newselection: { line: { color: theme.accent, width: 1.5, dash: "dash" } },
    activeselection: { fillcolor: theme.accent, opacity: 0.1 },
  };
}

/** Once points and colours are there nothing moves any more; points that are still moving have none. */
function settle(board) {
  if (!board.drawn || !(board.colour || board.series)) return;
  setAttr(board.root, "data-ready", board.token);
  setAttr(board.root, "aria-busy", null);
}

/** The range that holds all points with a margin. */
function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high)) return [-1, 1];
  const room = (high - low || 2) * 0.08;
  return [low - room, high + room];
}

function config(board) {
  const button = (name, title, format) => ({
    name, title, icon: window.Plotly.Icons.camera,
    click: (gd) =>
      window.Plotly.downloadImage(wholeFigure(board), {
        format, filename: board.file ?? "map", width: gd.clientWidth, height: gd.clientHeight, scale: 2,
      }),
  });
  return {
    responsive: false,
    scrollZoom: true,
    displaylogo: false,
    displayModeBar: true,
    doubleClick: "reset",
    plotGlPixelRatio: Math.min(2, Math.max(1, window.devicePixelRatio)), // the screen's own, not twice that
    modeBarButtons: [
      ["pan2d", "lasso2d", "select2d"],
      ["zoomIn2d", "zoomOut2d", "resetScale2d"],
      [button("png", "Save as PNG", "png"), button("svg", "Save as SVG", "svg")],
    ],
  };
}

/** Draw what has changed: the points' colours, the overlay, or both, in one go. */
async function repaint(board) {
  if (board.root?.dataset.sketched && !board.drawn) sketch(board);
  if (!board.gd || !board.drawn || board.painting) return;
  board.painting = true;
  try {
    while (board.dirty.size) {
      const named = board.dirty.has("colour") ? Object.keys(CHANGES) : board.dirty.has("size") ? SIZES : [];
      board.dirty.clear();
      const traces = named.length ? pointTraces(board) : [];
      if (traces.length && !(named === SIZES && resize(board, traces))) {
        await window.Plotly.restyle(board.gd, changes(traces, named), [...traces.keys()]);
      }
      await drawOver(board);
      board.painted = (board.painted ?? 0) + 1;
      setAttr(board.root, "data-painted", board.painted);
    }
  } finally {
    board.painting = false;
  }
}

/** What of the points' traces may differ from what is drawn, by Plotly's names for it. */
const CHANGES = {
  x: (t) => t.x, y: (t) => t.y, z: (t) => t.z, visible: (t) => t.visible ?? true,
  colorscale: (t) => t.colorscale, "line.color": (t) => t.line?.color,
  "marker.color": (t) => t.marker?.color, "marker.symbol": (t) => t.marker?.symbol,
  "marker.size": (t) => t.marker?.size, "marker.line.width": (t) => t.marker?.line?.width,
  "marker.line.color": (t) => t.marker?.line?.color, "marker.opacity": (t) => t.marker?.opacity,
};
const SIZES = ["marker.size", "marker.line.width"];

/** The named parts of the traces as Plotly's restyle takes them. */
function changes(traces, names) {
  const update = {};
  for (const name of names) {
    const values = traces.map(CHANGES[name]);
    if (values.some((value) => value !== undefined)) update[name] = values;
  }
  return update;
}

/**
 * Give the points their size where they are drawn: Plotly's restyle would reckon with each point's
 * colour and place anew, which takes half of the time with 100,000 of them. Returns false, with
 * nothing done, where Plotly keeps its scene in another way than is known here.
 */
function resize(board, traces) {
  const { data, _fullData: full, _fullLayout: layout } = board.gd;
  const scene = layout._plots?.xy?._scene;
  const held = ["markerOptions", "markerSelectedOptions", "markerUnselectedOptions"].map((name) => scene?.[name]);
  if (!scene?.scatter2d?.update || !scene.draw || !held.every(Array.isArray) || !layout._glcanvas?.each) return false;
  const sizes = new Array(scene.count);
  traces.forEach(({ type, marker }, i) => {
    if (type !== "scattergl") return;
    for (const drawn of [data[i].marker, full[i].marker]) {
      if (!drawn?.line) continue; // a trace without points has none
      drawn.size = marker.size;
      drawn.line.width = marker.line.width;
    }
    const place = board.gd.calcdata[i]?.[0]?.t?.index;
    const options = held.map((list) => list[place]).filter(Boolean);
    for (const one of options) Object.assign(one, { size: marker.size, borderSizes: marker.line.width });
    if (options.length) sizes[place] = { size: marker.size, borderSize: marker.line.width };
  });
  scene.scatter2d.update(sizes);
  scene.select2d?.update?.(sizes);
  layout._glcanvas.each((canvas) => canvas.regl?.clear({ color: [0, 0, 0, 0], depth: 1 }));
  scene.draw();
  return true;
}

function touch(board, what) {
  (board.dirty ??= new Set()).add(what);
  if (board.waiting) return;
  board.waiting = true;
  queueMicrotask(() => {
    board.waiting = false;
    repaint(board);
  });
}

/** Wait for what comes with another message; `turns` of 15 ms at most, where they are given. */
async function until(there, turns = Infinity) {
  for (; turns > 0 && !there(); turns--) await new Promise((resolve) => setTimeout(resolve, 15));
}

async function mount(board) {
  const { root } = board;
  const gd = root.plot;
  board.theme = themeOf(root);
  board.hidden = new Set();
  board.drawn = false;
  board.dirty.clear();
  setAttr(root, "aria-busy", "true");
  await until(() => board.colour || board.series, 200); // points are drawn once, in their colours
  const token = board.token;
  legend(board);
  if (!window.Plotly) {
    sketch(board);
    await onScreen();
    await until(() => window.Plotly || window.pgvistaPlotly?.());
    if (board.token !== token) return;
  }
  board.dirty.clear(); // what came while the script was loading is drawn now
  window.Plotly.purge(gd);
  await window.Plotly.newPlot(gd, pointTraces(board), layoutOf(board), config(board));
  if (board.token !== token) return;
  board.gd = gd;
  board.drawn = true;
  await drawOver(board);
  listen(board, gd);
  settle(board);
  dropSketch(board);
  if (board.dirty.size) repaint(board);
}

/** Put the same points elsewhere, as they move while a map is made. */
function move(board) {
  window.Plotly.update(
    board.gd,
    { x: [board.x], y: [board.y] },
    { "xaxis.range": board.rangeX, "yaxis.range": board.rangeY },
    [BASE],
  );
}

/** The selection was taken back on the other side: its outline goes, and all points are bright. */
function forgetLasso(board) {
  const { cleared } = board.overlay;
  if (cleared === undefined || board.cleared === cleared) return;
  const known = board.cleared !== undefined;
  board.cleared = cleared;
  if (known && board.drawn) window.Plotly.update(board.gd, { selectedpoints: [null] }, { selections: [] }, [BASE]);
}

function listen(board, gd) {
  const idOf = ({ curveNumber, pointNumber }) =>
    curveNumber !== BASE || isHidden(board, pointNumber) ? null : board.ids[pointNumber];
  gd.on("plotly_click", ({ points }) => {
    const id = points.map(idOf).find((found) => found !== null);
    if (id !== undefined) board.send?.({ type: "click", ids: [id], token: board.token });
  });
  gd.on("plotly_selected", (event) => {
    if (!event) return;
    const ids = event.points
      .filter((point) => point.curveNumber === BASE && !isHidden(board, point.pointNumber))
      .map((point) => board.ids[point.pointNumber]);
    board.send?.({ type: "select", ids, token: board.token });
  });
  gd.on("plotly_deselect", () => board.send?.({ type: "select", ids: [], token: board.token }));
  gd.on("plotly_relayouting", () => follow(board));
  gd.on("plotly_relayout", () => {
    follow(board);
    grow(board);
  });
  gd.on("plotly_hover", ({ points, event }) => hover(board, points, event));
  gd.on("plotly_unhover", () => leavePoint(board));
}

function makeMap() {
  const root = el("div", "pgv-map");
  root.plot = el("div", "plot");
  root.plot.setAttribute("role", "img");
  root.legend = el("div", "legend");
  root.tip = el("div", "tip");
  root.tip.hidden = root.legend.hidden = true;
  root.tip.append(el("strong", ""), el("span", "id"), el("span", "said"));
  root.over = el("div", "over");
  const stage = el("div", "stage");
  stage.append(root.plot, root.over);
  root.append(stage, root.legend, root.tip);
  return root;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!data) return undefined;
  const { header, blocks } = unpack(data);
  const root = rootOf(parentElement, makeMap);
  const board = boardOf(header.key);
  board.send = header.acts ? (event) => setTriggerValue("event", event) : null;
  const fresh = board.root !== root;
  const sized = `${header.key}.size`; // of the slider, which sends nothing
  if (!fresh && board.token === header.token) return board.leave;
  const moves = !fresh && board.drawn && header.series && header.series === board.series;
  Object.assign(board, {
    root, token: header.token, series: header.series, file: header.file, ids: blocks.ids, titles: blocks.titles ?? [],
    x: blocks.x, y: blocks.y, rangeX: rangeOf(blocks.x), rangeY: rangeOf(blocks.y),
    addedX: Float32Array.from(header.added, (i) => blocks.x[i]),
    addedY: Float32Array.from(header.added, (i) => blocks.y[i]),
  });
  if (moves) {
    setAttr(root.plot, "aria-label", header.alt);
    move(board);
    return board.leave;
  }
  Object.assign(board, { hidden: new Set(), drawn: false, dirty: new Set(), over: null, asked: undefined, grown: 1 });
  if (board.nextColour?.token === board.token) applyColour(board);
  else board.codes = board.colour = null;
  board.overlay = board.nextOverlay?.token === board.token ? unfolded(board) : null;
  setAttr(root.plot, "aria-label", header.alt);
  board.onColour = () => {
    if (board.nextColour?.token !== board.token) return;
    applyColour(board);
    legend(board);
    settle(board);
    touch(board, "colour");
  };
  board.onOverlay = () => {
    if (board.nextOverlay?.token !== board.token) return;
    board.overlay = unfolded(board);
    forgetLasso(board);
    touch(board, "overlay");
    const kinds = [...new Set((board.overlay.marks ?? []).map(([kind]) => kind))].join();
    if (kinds !== board.legendKinds) legend(board);
  };
  board.onLook = () => {
    const { size, density } = board.look;
    const { lookDrawn } = board;
    board.lookDrawn = { size, density };
    legend(board);
    if (Boolean(density) !== Boolean(lookDrawn?.density)) touch(board, "colour");
    else touch(board, size === lookDrawn?.size ? "labels" : "size"); // the points stay as they are drawn
  };
  board.onTitle = () => takeTitle(board);
  board.look = { ...board.look, size: window.pgvistaHeard?.[sized] ?? null };
  board.onCard?.(); // rows are named by what came with the points
  board.theme = themeOf(root);
  mount(board);
  if (fresh) {
    const sizes = new ResizeObserver(() => {
      if (!root.isConnected) return;
      if (board.drawn) window.Plotly.Plots.resize(root.plot).then(() => follow(board));
      else if (root.dataset.sketched) sketch(board);
    });
    sizes.observe(root);
    const look = setInterval(() => {
      if (!board.drawn || !root.isConnected) return;
      const theme = themeOf(root);
      if (theme.background === board.theme.background) return;
      board.theme = theme;
      legend(board);
      const { font, modebar, newselection, activeselection } = layoutOf(board);
      window.Plotly.relayout(root.plot, { font, modebar, newselection, activeselection });
      touch(board, "colour");
    }, 700);
    const heard = ({ detail }) => {
      board.look = { ...board.look, size: detail };
      board.onLook?.();
    };
    window.addEventListener(sized, heard);
    board.leave = () => {
      window.removeEventListener(sized, heard);
      sizes.disconnect();
      clearInterval(look);
      board.drawn = false;
      if (board.root === root) {
        board.root = board.token = null;
        board.onColour = board.onOverlay = board.onLook = board.onTitle = null;
      }
      window.Plotly?.purge(root.plot);
      window.Plotly?.purge(root.over);
    };
  }
  return board.leave;
}

function applyColour(board) {
  const { header, codes } = board.nextColour;
  if (board.colour?.title !== header.title || board.colour?.kind !== header.kind) board.hidden = new Set();
  board.colour = header;
  board.codes = codes;
  board.veiled = codes.includes(HIDDEN);
}
