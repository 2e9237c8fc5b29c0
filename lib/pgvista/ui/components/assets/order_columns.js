const SVG = "http://www.w3.org/2000/svg";

function makeOrders() {
  const root = el("div", "root orders");
  root.setAttribute("role", "group");
  root.addEventListener("pointerover", (event) => light(root, event.target.closest?.("[data-id]")));
  root.addEventListener("pointerleave", () => light(root, null));
  return root;
}

function light(root, target) {
  const id = target?.dataset.id;
  if (root.lit === id) return;
  root.lit = id;
  root.classList.toggle("focus", id !== undefined);
  for (const node of root.querySelectorAll("[data-id]")) node.classList.toggle("lit", node.dataset.id === id);
}

function row(item) {
  const node = el("li", item.faint ? "item faint" : "item");
  node.dataset.id = item.id;
  node.append(el("span", "place", item.place));
  const label = el("span", item.colour ? "disc" : "label", item.label);
  if (item.colour) label.style.setProperty("--own", item.colour);
  else label.title = item.label;
  node.append(label, el("span", "value", item.value));
  return node;
}

function column(data, count) {
  const node = el("section", data.chosen ? "column chosen" : "column");
  const head = el("div", "head");
  head.append(el("div", "title", data.title), el("div", "note", data.note));
  const list = el("ol", "list");
  list.append(...data.items.map(row));
  node.append(head, list);
  node.setAttribute("aria-label", `${data.title} ${data.note}`);
  return node;
}

/** Lines from each item on the left to itself on the right. */
function joins(left, right, count) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("class", "joins");
  node.setAttribute("aria-hidden", "true");
  node.setAttribute("viewBox", `0 0 100 ${count * 100}`);
  node.setAttribute("preserveAspectRatio", "none");
  left.items.forEach((item, from) => {
    const to = right.items.findIndex((other) => other.id === item.id);
    if (to < 0) return;
    const [a, b] = [from * 100 + 50, to * 100 + 50];
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M0 ${a}C45 ${a} 55 ${b} 100 ${b}`);
    path.setAttribute("vector-effect", "non-scaling-stroke");
    path.setAttribute("class", from === to ? "join same" : "join");
    path.dataset.id = item.id;
    if (item.colour) path.style.setProperty("--own", item.colour);
    node.append(path);
  });
  return node;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, makeOrders);
  const text = JSON.stringify(data);
  if (root.drawn === text) return;
  root.drawn = text;
  setAttr(root, "aria-label", data.label);
  root.classList.toggle("named", data.columns.some(({ items }) => items.some((item) => !item.colour)));
  const count = Math.max(1, ...data.columns.map((item) => item.items.length));
  root.style.setProperty("--count", count);
  const nodes = [];
  data.columns.forEach((item, i) => {
    if (i) nodes.push(joins(data.columns[i - 1], item, count));
    nodes.push(column(item, count));
  });
  root.replaceChildren(...nodes);
  const lit = root.lit;
  root.lit = undefined;
  if (lit !== undefined) light(root, [...root.querySelectorAll("[data-id]")].find((node) => node.dataset.id === lit));
}
