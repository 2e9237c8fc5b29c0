const ACROSS = 48;
const CELL = 10;

function makeBits() {
  const root = el("div", "root bits");
  root.setAttribute("role", "group");
  return root;
}

function line(name, bits, differs, told) {
  const row = el("tr");
  const head = el("th", "name", name);
  head.scope = "row";
  head.title = name;
  row.append(head);
  [...bits].forEach((bit, i) => row.append(el("td", differs?.[i] ? "bit other" : "bit", bit)));
  row.append(el("td", "told", told));
  return row;
}

/** Every bit as a small square, in rows: filled where it differs. */
function field(other) {
  const count = other.differs.length;
  const across = Math.min(ACROSS, count);
  const rows = Math.ceil(count / across);
  const differing = other.differs.filter(Boolean).length;
  const node = el("figure", "field");
  const head = el("figcaption", "head");
  head.append(el("div", "title", other.title), el("div", "told", `${differing} of ${count} differ`));
  const canvas = el("canvas", "squares");
  canvas.width = across * CELL;
  canvas.height = rows * CELL;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${differing} of ${count} bits differ`);
  canvas.differs = other.differs;
  canvas.across = across;
  node.append(head, canvas, el("div", "note", other.note));
  return node;
}

/** Colours are read when it is painted, so that a change of theme is followed. */
function paint(root) {
  const style = getComputedStyle(root);
  const colours = [style.getPropertyValue("--track"), style.getPropertyValue("--accent")].map((c) => c.trim());
  for (const canvas of root.querySelectorAll("canvas")) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    canvas.differs.forEach((differs, i) => {
      context.fillStyle = colours[differs ? 1 : 0];
      context.fillRect((i % canvas.across) * CELL, Math.floor(i / canvas.across) * CELL, CELL - 1, CELL - 1);
    });
  }
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, makeBits);
  const text = JSON.stringify(data);
  if (root.drawn !== text) {
    root.drawn = text;
    setAttr(root, "aria-label", data.label);
    const table = el("table", "hand");
    const [name, bits] = data.one;
    table.append(line(name, bits, null, ""));
    for (const other of data.others) {
      const first = other.differs.slice(0, data.shown);
      const count = first.filter(Boolean).length;
      table.append(line(other.name, other.bits, first, `${count} of ${first.length} differ`));
    }
    const fields = el("div", "fields");
    if (data.fields) fields.append(...data.others.map(field));
    root.replaceChildren(table, fields);
  }
  requestAnimationFrame(() => paint(root));
}
