/** What a query found: the nearest rows by exact search, their ranks in the other lists, and what of it is drawn. */

const LISTS = { semantic: "Semantic", keyword: "Keyword", hybrid: "Hybrid", missed: "Missed by the index" };
const COLUMNS = [
  ["#", "Rank by exact search"],
  ["row", "Click a row to see it in full"],
  ["distance", "True distance"],
  [
    "found",
    "Its rank in the semantic list of the index (S), by words (K), in the hybrid list (H); missed: the index did not find it",
  ],
];

function makeCard() {
  const root = el("section", "pgv-query");
  root.setAttribute("aria-live", "polite");
  return root;
}

function switches(board) {
  const group = el("div", "lists");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Hits shown");
  for (const [kind, name] of Object.entries(LISTS)) {
    const button = el("button", kind, name);
    button.type = "button";
    button.title = "Show or hide these hits on the map";
    setAttr(button, "aria-pressed", String(board.lists.has(kind)));
    button.addEventListener("click", () => {
      if (!board.lists.delete(kind)) board.lists.add(kind);
      setAttr(button, "aria-pressed", String(board.lists.has(kind)));
      board.onOverlay?.();
    });
    group.append(button);
  }
  return group;
}

/** Hits of the lists that are not among the nearest rows: their titles as far as the map has them. */
function elsewhere(board, near) {
  const { lists = {} } = board.nextOverlay;
  const ranks = new Map();
  for (const [kind, letter] of [["semantic", "S"], ["keyword", "K"], ["hybrid", "H"]]) {
    for (const [index, place] of (lists[kind] ?? []).entries()) {
      if (place < 0 || near.includes(place)) continue;
      ranks.set(place, [...(ranks.get(place) ?? []), `${letter}${index + 1}`]);
    }
  }
  return [...ranks].map(([place, found]) => ({
    place, rank: "", title: shortened(board.titles?.[place] || board.ids?.[place] || ""), distance: "", found: found.join(" "),
  }));
}

function shortened(title) {
  return title.length > 40 ? `${title.slice(0, 39).trimEnd()}…` : title;
}

function nearest(board, [places, distances, titles, found]) {
  const table = el("table");
  table.setAttribute(
    "aria-label", "The nearest rows by exact search, with their distances and their ranks in other lists",
  );
  const head = el("tr");
  for (const [name, help] of COLUMNS) {
    const cell = el("th", "", name);
    cell.scope = "col";
    cell.title = help;
    head.append(cell);
  }
  const top = el("thead");
  top.append(head);
  const body = el("tbody");
  const near = places.map((place, index) => ({
    place, rank: index + 1, title: titles[index], distance: distances[index], found: found[index],
  }));
  for (const { place, rank, title, distance, found } of [...near, ...elsewhere(board, places)]) {
    const row = el("tr");
    const name = el("td", "title");
    if (place < 0) name.append(el("span", "", title));
    else {
      const button = el("button", "", title);
      button.type = "button";
      button.addEventListener("click", () =>
        board.send?.({ type: "click", ids: [board.ids[place]], token: board.token }),
      );
      name.append(button);
    }
    row.append(el("td", "rank", rank), name, el("td", "distance", distance), el("td", "found", found));
    body.append(row);
  }
  table.append(top, body);
  return table;
}

function draw(root, board) {
  const card = board.nextOverlay?.card;
  root.classList.toggle("there", Boolean(card));
  root.replaceChildren();
  if (!card) return;
  root.append(el("strong", "", card.good ? "The query" : "The query has no good place"));
  for (const sentence of card.said) root.append(el("p", "", sentence));
  if (card.near[0].length) root.append(switches(board), nearest(board, card.near));
  for (const sentence of card.after) root.append(el("p", "", sentence));
  root.append(el("p", "times", card.times));
}

export default function ({ data, parentElement }) {
  const root = rootOf(parentElement, makeCard);
  const board = ((window.pgvistaMaps ??= {})[data.key] ??= {});
  board.lists ??= new Set(["semantic", "keyword", "missed"]);
  // While the page is put up anew there are two of it for a moment, and either may come last
  board.cards ??= new Set();
  board.cards.add(root);
  board.onCard = () => board.cards.forEach((card) => draw(card, board));
  board.onCard();
  return () => board.cards.delete(root);
}
