const SVG = "http://www.w3.org/2000/svg";

function makeLists() {
  const root = el("div", "root ranked");
  const lines = document.createElementNS(SVG, "svg");
  lines.setAttribute("class", "lines");
  lines.setAttribute("aria-hidden", "true");
  root.columns = el("div", "columns");
  root.lines = lines;
  root.columns.append(lines);
  root.append(root.columns);
  root.parts = [];
  root.resized = new ResizeObserver(() => drawLines(root));
  root.resized.observe(root.columns);
  return root;
}

function makeColumn(root) {
  const section = el("section", "column");
  const part = {
    section,
    title: el("span", "name"),
    note: el("span", "note"),
    list: el("ol", "list"),
    empty: el("div", "empty"),
    rows: new Map(),
  };
  const head = el("div", "head");
  head.append(part.title, part.note);
  section.append(head, part.list, part.empty);
  root.columns.append(section);
  return part;
}

function light(root, id) {
  root.classList.toggle("focus", id !== null);
  for (const part of root.parts) for (const [key, row] of part.rows) row.classList.toggle("hovered", key === id);
  for (const line of root.lines.children) line.classList.toggle("hovered", line.rowId === id);
}

function makeRow(root, id) {
  const row = el("li", "row");
  row.cells = {
    rank: el("span", "rank"),
    title: el("span", "title"),
    figure: el("span", "figure"),
    bar: el("span", "bar"),
    places: el("span", "places"),
    note: el("span", "note"),
    other: el("span", "other"),
  };
  row.cells.bar.append(el("i", "semantic"), el("i", "keyword"));
  row.cells.places.append(el("span", "semantic"), el("span", "keyword"));
  const below = el("span", "below");
  below.append(row.cells.bar, row.cells.places, row.cells.note, row.cells.other);
  row.append(row.cells.rank, row.cells.title, row.cells.figure, below);
  row.addEventListener("mouseenter", () => light(root, id));
  row.addEventListener("mouseleave", () => light(root, null));
  return row;
}

function fillRow(row, data) {
  const { rank, title, figure, bar, places, note, other } = row.cells;
  setText(rank, data.rank);
  setText(title, data.title);
  setAttr(title, "title", data.title);
  setText(figure, data.figure);
  setText(note, data.note);
  setText(other, data.other);
  setAttr(other, "data-tone", data.other_tone);
  setAttr(row, "title", data.help || null);
  row.classList.toggle("lit", data.lit);
  bar.hidden = data.bars === null;
  if (data.bars) {
    [...bar.children].forEach((part, i) => {
      part.style.width = `${100 * data.bars[i]}%`;
    });
  }
  places.hidden = data.places === null;
  if (data.places) [...places.children].forEach((part, i) => setText(part, data.places[i]));
}

/** Put the rows in their order, each keeping its element, and let them glide from where they were. */
function fillColumn(root, part, data) {
  setText(part.title, data.title);
  setText(part.note, data.note);
  setAttr(part.section, "data-tone", data.tone);
  setAttr(part.list, "aria-label", data.title);
  setText(part.empty, data.empty);
  part.empty.hidden = data.rows.length > 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const tops = new Map(calm ? [] : [...part.list.children].map((row) => [row, row.offsetTop]));
  const rows = new Map();
  for (const item of data.rows) {
    const row = part.rows.get(item.id) ?? makeRow(root, item.id);
    fillRow(row, item);
    rows.set(item.id, row);
  }
  for (const [id, row] of part.rows) if (rows.get(id) !== row) row.remove();
  part.rows = rows;
  [...rows.values()].forEach((row, i) => {
    if (part.list.children[i] !== row) part.list.insertBefore(row, part.list.children[i] ?? null);
  });
  for (const [row, top] of tops) {
    const by = row.isConnected ? top - row.offsetTop : 0;
    if (by) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 200, easing: "ease-out" });
  }
}

function drawLines(root) {
  const drawn = [];
  if (getComputedStyle(root.lines).display !== "none") {
    root.parts.forEach((left, i) => {
      const right = root.parts[i + 1];
      if (!right) return;
      const tones = [left, right].map((part) => part.section.dataset.tone);
      const tone = tones.includes("fused") ? tones.find((name) => name !== "fused") : "plain";
      for (const [id, row] of left.rows) {
        if (right.rows.has(id)) drawn.push([id, curve(root.columns, row, right.rows.get(id)), tone]);
      }
    });
  }
  const seen = JSON.stringify(drawn);
  if (root.drawn === seen) return;
  root.drawn = seen;
  root.lines.replaceChildren(
    ...drawn.map(([id, path, tone]) => {
      const line = document.createElementNS(SVG, "path");
      line.rowId = id;
      line.setAttribute("d", path);
      line.setAttribute("data-tone", tone);
      return line;
    }),
  );
}

/** Return the path between two rows; offsets, since rows may be gliding. */
function curve(columns, row, other) {
  const at = (node) => {
    let [x, y] = [0, 0];
    for (let n = node; n && n !== columns; n = n.offsetParent) {
      x += n.offsetLeft;
      y += n.offsetTop;
    }
    return [x, y + node.offsetHeight / 2];
  };
  const [x, y] = at(row);
  const [toX, toY] = at(other);
  const from = x + row.offsetWidth;
  const half = (toX - from) / 2;
  return `M${from} ${y}C${from + half} ${y} ${toX - half} ${toY} ${toX} ${toY}`;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, makeLists);
  root.columns.style.setProperty("--count", data.columns.length);
  const twoLines = data.columns.some((column) => column.rows.some((row) => row.bars || row.places || row.note || row.other));
  root.classList.toggle("tall", twoLines);
  while (root.parts.length > data.columns.length) root.parts.pop().section.remove();
  data.columns.forEach((column, i) => {
    root.parts[i] ??= makeColumn(root);
    fillColumn(root, root.parts[i], column);
  });
  drawLines(root);
}
