const PANES = {
  matrix: [makeMatrix, drawMatrix],
  plane: [makePlane, drawPlane],
  vector: [makeVector, drawVector],
  tokens: [makeTokens, drawTokens],
};

function makeBoard() {
  const root = el("div", "root board");
  root.append(makeFields(), el("div", "panes"));
  return root;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = rootOf(parentElement, makeBoard);
  const [fields, panes] = root.children;
  // First what was waited for.
  while (panes.children.length > data.panes.length) panes.lastChild.remove();
  data.panes.forEach((pane, i) => {
    const [make, draw] = PANES[pane.kind];
    if (panes.children[i]?.kind !== pane.kind) {
      const made = make();
      made.kind = pane.kind;
      made.classList.add(`pane-${i}`);
      if (panes.children[i]) panes.children[i].replaceWith(made);
      else panes.append(made);
    }
    draw(panes.children[i], pane);
  });
  setAttr(panes, "class", data.panes.length > 1 ? "panes side-by-side" : "panes");
  setAttr(fields, "style", `--wide: ${data.fields.length}; --middle: ${Math.min(2, data.fields.length)}`);
  fields.hidden = data.fields.length === 0;
  panes.hidden = data.panes.length === 0;
  drawFields(fields, data, setStateValue);
}
