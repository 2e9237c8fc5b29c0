const BLOCK = 8;

function makeStrip() {
  const root = el("div", "root strip");
  return root;
}

function block(data, first) {
  const cells = data.cells.slice(first, first + BLOCK);
  const table = el("table", first ? "block later" : "block");
  const head = el("tr", "numbers");
  head.append(el("th", "name", "number"));
  cells.forEach((_, i) => head.append(el("th", "", first + i + 1)));
  const bars = el("tr", "bars");
  bars.setAttribute("aria-hidden", "true");
  bars.append(el("td", "name"));
  for (const [height] of cells) {
    const cell = el("td");
    const bar = el("div", height < 0 ? "bar below" : "bar");
    bar.style.setProperty("--height", Math.abs(height));
    const room = el("div", "room");
    room.append(bar);
    cell.append(room);
    bars.append(cell);
  }
  table.append(head, bars);
  data.labels.forEach((label, line) => {
    const row = el("tr", line === data.labels.length - 1 ? "line last" : "line");
    const name = el("th", "name", label);
    name.scope = "row";
    row.append(name, ...cells.map((cell) => el("td", "", cell[line + 1])));
    table.append(row);
  });
  return table;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, makeStrip);
  const text = JSON.stringify(data);
  if (root.drawn === text) return;
  root.drawn = text;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", data.label);
  const blocks = [];
  for (let first = 0; first < data.cells.length; first += BLOCK) blocks.push(block(data, first));
  root.replaceChildren(...blocks);
}
