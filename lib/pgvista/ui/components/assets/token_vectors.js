function makeTokens() {
  const root = el("div", "tokens");
  root.append(el("div", "rows"), el("div", "mean"));
  return root;
}

function makeTokenRow() {
  const row = el("div", "row");
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  setAttr(picture, "preserveAspectRatio", "none");
  setAttr(picture, "aria-hidden", "true");
  for (const sign of ["positive", "negative"]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    setAttr(path, "class", sign);
    picture.append(path);
  }
  row.append(el("span", "piece"), picture);
  return row;
}

function drawRow(row, name, kind, bars) {
  const [piece, picture] = row.children;
  setText(piece, name);
  setAttr(piece, "class", `piece ${kind}`);
  setAttr(picture, "viewBox", `0 -1 ${Math.max(24, bars.length)} 2`);
  const path = (keep) =>
    bars.map((height, i) => (keep(height) ? `M${i + 0.1} 0V${-height}H${i + 0.9}V0Z` : "")).join("");
  setAttr(picture.children[0], "d", path((height) => height > 0));
  setAttr(picture.children[1], "d", path((height) => height < 0));
}

function drawTokens(root, data) {
  const [rows, mean] = root.children;
  while (rows.children.length > data.rows.length) rows.lastChild.remove();
  data.rows.forEach((row, i) => {
    if (!rows.children[i]) rows.append(makeTokenRow());
    const found = rows.children[i];
    drawRow(found, row.piece, row.kind, row.bars);
    const last = i === data.rows.length - 1;
    setAttr(found, "data-more", last && data.more > 0 ? `… ${data.more.toLocaleString("en")} more` : null);
  });
  if (!mean.firstChild) mean.append(makeTokenRow());
  drawRow(mean.firstChild, data.mean_name, "result", data.mean);
}
