function makeVector() {
  const root = el("div", "root vector");
  const line = el("div", "line");
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const positive = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const negative = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const copy = el("button", "copy", "Copy in full");
  const text = el("span", "facts");
  positive.setAttribute("class", "positive");
  negative.setAttribute("class", "negative");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("role", "img");
  picture.append(positive, negative);
  copy.type = "button";
  copy.addEventListener("click", () => copyText(root.text, copy));
  line.append(text, copy);
  root.append(picture, line);
  root.parts = { picture, positive, negative, text };
  return root;
}

function drawVector(root, data) {
  const { picture, positive, negative, text } = root.parts;
  const facts = [data.dimension, data.norm, data.range].filter(Boolean).join(" · ");
  root.text = data.text;
  setText(text, facts);
  setAttr(picture, "aria-label", `Components of the vector: ${facts}`);
  setAttr(picture, "viewBox", `0 -1 ${Math.max(24, data.bars.length)} 2`);
  const bars = (keep) =>
    data.bars.map((height, i) => (keep(height) ? `M${i + 0.15} 0V${-height}H${i + 0.85}V0Z` : "")).join("");
  setAttr(positive, "d", bars((height) => height > 0));
  setAttr(negative, "d", bars((height) => height < 0));
}
