const MARKS = { hit: "✓", missed: "✕", extra: "+" };

function makeTruth() {
  const root = el("div", "root truth");
  root.parts = {
    figures: el("div", "figures"),
    strip: el("div", "strip"),
    heads: el("div", "heads"),
    list: el("ol", "list"),
    legend: el("div", "legend"),
  };
  const { figures, strip, heads, list, legend } = root.parts;
  strip.setAttribute("role", "img");
  heads.append(el("span", "head-exact"), el("span", "head-mark"), el("span", "head-index"));
  setAttr(list, "aria-label", "The exact rows and what the index found, nearest first");
  for (const [mark, text] of [
    ["hit", "found"],
    ["missed", "missed by the index"],
    ["extra", "found instead, farther away"],
  ]) {
    const item = el("span", `key ${mark}`);
    item.append(el("i", "sign", MARKS[mark]), text);
    legend.append(item);
  }
  root.append(figures, strip, heads, list, legend);
  root.rows = new Map();
  return root;
}

function fillFigures(root, figures) {
  const box = root.parts.figures;
  while (box.children.length > figures.length) box.lastChild.remove();
  figures.forEach(([name, value, note, tone, help], i) => {
    let tile = box.children[i];
    if (!tile) {
      tile = el("div", "figure");
      tile.append(el("span", "name"), el("span", "value"), el("span", "note"));
      box.append(tile);
    }
    setText(tile.children[0], name);
    setText(tile.children[1], value);
    setText(tile.children[2], note);
    setAttr(tile, "data-tone", tone || null);
    setAttr(tile, "title", help || null);
  });
}

/** A square for each row due, in the order of the exact list: red ones are missed. */
function fillStrip(root, rows, due) {
  const strip = root.parts.strip;
  const marks = rows.filter((row) => row.exact !== null).sort((a, b) => a.exact - b.exact);
  while (strip.children.length > marks.length) strip.lastChild.remove();
  marks.forEach((row, i) => {
    const square = strip.children[i] ?? strip.appendChild(el("span", "square"));
    setAttr(square, "data-mark", row.mark);
    setAttr(square, "title", `${row.exact}. nearest: ${row.mark === "hit" ? "found" : "missed"}`);
  });
  const missed = marks.filter((row) => row.mark === "missed");
  const places = missed.map((row) => row.exact).join(", ");
  setAttr(
    strip,
    "aria-label",
    `${due - missed.length} of the ${due} nearest rows found` + (missed.length ? `; missed: places ${places}` : ""),
  );
  strip.classList.toggle("dense", marks.length > 60);
  strip.hidden = !marks.length;
}

function makeCell(root, id, side) {
  const cell = el("div", `cell ${side}`);
  cell.append(el("span", "rank"), el("span", "title"), el("span", "distance"));
  if (side === "exact") {
    const use = el("button", "use", "ask");
    use.type = "button";
    use.title = "Take this row as the query";
    use.setAttribute("aria-label", `Take the row ${id} as the query`);
    use.addEventListener("click", () => root.act({ id }));
    cell.append(use);
  }
  return cell;
}

function makeRow(root, id) {
  const row = el("li", "row");
  row.cells = [makeCell(root, id, "exact"), makeCell(root, id, "index")];
  row.sign = el("span", "sign");
  row.append(row.cells[0], row.sign, row.cells[1]);
  return row;
}

function fillRow(row, data, due) {
  const seen = JSON.stringify([data, due]);
  if (row.seen === seen) return;
  row.seen = seen;
  setAttr(row, "data-mark", data.mark);
  setText(row.sign, MARKS[data.mark]);
  const said = {
    hit: "Found by the index",
    missed: "Among the nearest rows, and not found by the index",
    extra: "Found by the index, and not among the nearest rows",
  }[data.mark];
  setAttr(row.sign, "title", said);
  setAttr(row.sign, "aria-label", said);
  row.sign.setAttribute("role", "img");
  [data.exact, data.index].forEach((rank, i) => {
    const [place, title, distance] = row.cells[i].children;
    const there = rank !== null;
    setText(place, there ? rank : "");
    setText(title, there ? data.title : i ? "missed" : `not among the nearest ${due}`);
    setAttr(title, "title", there ? `${data.title} (${data.id})` : null);
    setText(distance, there ? data.distance : "");
    row.cells[i].classList.toggle("gap", !there);
  });
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = rootOf(parentElement, makeTruth);
  root.act = (action) => setTriggerValue("action", action);
  fillFigures(root, data.figures);
  fillStrip(root, data.rows, data.due);
  const { heads, list, legend } = root.parts;
  setText(heads.children[0], data.titles[0]);
  setText(heads.children[2], data.titles[1]);
  const rows = new Map();
  for (const item of data.rows) {
    const row = root.rows.get(item.id) ?? makeRow(root, item.id);
    fillRow(row, item, data.due);
    rows.set(item.id, row);
  }
  for (const [id, row] of root.rows) if (rows.get(id) !== row) row.remove();
  root.rows = rows;
  [...rows.values()].forEach((row, i) => {
    if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
  });
  heads.hidden = legend.hidden = !data.rows.length;
}
