const TERMS = (k) => [
  ["overlap", `overlap@${k}`, `How many of the first ${k} hits both found, whatever their order.`],
  ["recall", "recall", "Of the true nearest rows, which the exact search finds, the part that the index found."],
  ["jaccard", "Jaccard", "Rows that both found, as a part of the rows that either found: 0 nothing in common, 1 the same rows."],
  ["rbo", "RBO", "Rank-biased overlap (p 0.9, extrapolated): like the overlap, but the first places count most. 1 is the same order, as far as both go."],
  ["only", "only one found", "Rows that one of the two found and the other did not."],
];

function makeMeasures() {
  const root = el("div", "root measures");
  const table = el("table");
  table.setAttribute("aria-label", "How alike the settings' hits are");
  const head = el("tr");
  const body = el("tbody");
  const thead = el("thead");
  thead.append(head);
  table.append(thead, body);
  const tip = el("p", "tip");
  tip.hidden = true;
  root.append(table, tip);
  root.parts = { head, body, tip };
  return root;
}

function headCell(root, terms) {
  const cell = el("th");
  cell.scope = "col";
  terms.forEach(([, label, meaning], i) => {
    if (i) cell.append(" / ");
    const term = el("span", "term", label);
    term.tabIndex = 0;
    term.title = meaning;
    term.setAttribute("aria-description", meaning);
    // Without a mouse there is no tooltip: what a focused term means is written beneath the table.
    term.addEventListener("focus", () => {
      if (!term.matches(":focus-visible")) return;
      setText(root.parts.tip, `${label}: ${meaning}`);
      root.parts.tip.hidden = false;
    });
    term.addEventListener("blur", () => (root.parts.tip.hidden = true));
    cell.append(term);
  });
  return cell;
}

function only(letter, count) {
  const part = el("span", count ? "" : "quiet");
  part.append(el("span", "figure", count), ` in ${letter}`);
  return part;
}

function measuresRow(pair, named) {
  const row = el("tr");
  const name = el("th", "pair");
  name.scope = "row";
  name.append(pair.pair[0], el("span", "versus", "and"), pair.pair[1]);
  const overlap = el("td");
  const box = el("div", "overlap");
  const track = el("span", "track");
  const fill = el("span");
  fill.style.width = `${pair.share * 100}%`;
  track.append(fill);
  box.append(track, el("span", "figure", pair.overlap));
  if (named && pair.recall) box.append(el("span", "quiet", "recall"));
  overlap.append(box);
  const lone = el("td");
  lone.append(only(pair.pair[0], pair.only[0]), el("span", "quiet", " · "), only(pair.pair[1], pair.only[1]));
  row.append(name, overlap, el("td", "figure", pair.jaccard), el("td", "figure", pair.rbo), lone);
  return row;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, makeMeasures);
  const seen = JSON.stringify(data);
  if (root.seen === seen) return;
  root.seen = seen;
  const terms = TERMS(data.k);
  const recalls = data.pairs.filter((pair) => pair.recall).length;
  const first = recalls === 0 ? [terms[0]] : recalls === data.pairs.length ? [terms[1]] : [terms[0], terms[1]];
  const corner = el("th");
  corner.scope = "col";
  corner.append(el("span", "", "Settings"));
  // The head is made anew only when it says something else, so that a focused term stays.
  const said = JSON.stringify([data.k, first.length, first[0][0]]);
  if (root.said !== said) {
    root.parts.head.replaceChildren(corner, headCell(root, first), ...terms.slice(2).map((term) => headCell(root, [term])));
  }
  root.said = said;
  root.parts.body.replaceChildren(...data.pairs.map((pair) => measuresRow(pair, first.length > 1)));
}
