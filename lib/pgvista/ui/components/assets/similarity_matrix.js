const LETTERS = "ABCDEFGHIJ";

function makeMatrix() {
  const root = el("div", "matrix");
  const table = el("table");
  const caption = el("caption");
  const head = el("tr");
  const thead = el("thead");
  const body = el("tbody");
  thead.append(head);
  table.append(caption, thead, body);
  root.append(table);
  root.parts = { caption, head, body };
  return root;
}

function build(root, count) {
  const corner = el("td");
  const heads = Array.from({ length: count }, (_, i) => {
    const cell = el("th", "", LETTERS[i]);
    cell.scope = "col";
    return cell;
  });
  root.parts.head.replaceChildren(corner, ...heads);
  const rows = Array.from({ length: count }, (_, i) => {
    const row = el("tr");
    const name = el("th", "name");
    name.scope = "row";
    name.append(el("span", "letter", LETTERS[i]), el("span", "phrase"));
    row.append(name, ...Array.from({ length: count }, () => el("td")));
    return row;
  });
  root.parts.body.replaceChildren(...rows);
  root.count = count;
}

function drawMatrix(root, data) {
  const count = data.names.length;
  if (root.count !== count) build(root, count);
  const { caption, head, body } = root.parts;
  setText(caption, data.title);
  data.names.forEach((name, i) => {
    const row = body.children[i];
    const phrase = row.firstChild.lastChild;
    setText(phrase, name);
    setAttr(phrase, "title", data.full[i]);
    setAttr(head.children[i + 1], "title", data.full[i]);
    data.cells[i].forEach((cell, j) => {
      const place = row.children[j + 1];
      setText(place, cell.text);
      const pair = data.marked && Math.min(i, j) === data.marked[0] && Math.max(i, j) === data.marked[1];
      setAttr(place, "class", i === j ? "same" : pair ? "marked" : null);
      place.style.setProperty("--share", i === j ? 0 : cell.share);
    });
  });
}
