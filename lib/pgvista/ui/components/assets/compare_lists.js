const SVG = "http://www.w3.org/2000/svg";

function makeCompare() {
  const root = el("div", "root compare");
  const lines = document.createElementNS(SVG, "svg");
  lines.setAttribute("class", "lines");
  lines.setAttribute("aria-hidden", "true");
  root.parts = { tabs: el("div", "tabs"), columns: el("div", "columns"), lines };
  root.parts.tabs.setAttribute("role", "group");
  root.parts.tabs.setAttribute("aria-label", "Setting");
  root.parts.columns.append(lines);
  root.append(root.parts.tabs, root.parts.columns);
  root.columns = [];
  root.active = 0;
  root.pinned = null;
  // Of all cards one is on the way of the Tab key; the arrows lead to the others.
  root.stop = null;
  root.resized = new ResizeObserver(() => drawLines(root));
  root.resized.observe(root.parts.columns);
  root.addEventListener("keydown", (event) => onKey(root, event));
  return root;
}

function makeColumn(root, index) {
  const section = el("section", "column");
  const column = {
    section,
    status: el("span", "status"),
    list: el("ol", "list"),
    empty: el("div", "empty"),
    notes: el("ul", "notes"),
    cards: new Map(),
    index,
  };
  const head = el("div", "head");
  head.append(column.status);
  column.empty.setAttribute("role", "status");
  section.append(head, column.list, column.empty, column.notes);
  root.parts.columns.append(section);
  return column;
}

// -- lighting up the places of one row

/** Light the row `id` in all lists; with null, the pinned one, if any. */
function light(root, id) {
  const shown = id ?? root.pinned;
  root.classList.toggle("focus", shown !== null);
  for (const column of root.columns) {
    for (const [key, card] of column.cards) card.classList.toggle("lit", key === shown);
  }
  for (const line of root.parts.lines.children) line.classList.toggle("lit", line.rowId === shown);
}

function pin(root, id) {
  root.pinned = root.pinned === id ? null : id;
  for (const column of root.columns) {
    for (const [key, card] of column.cards) setAttr(card, "aria-current", key === root.pinned ? "true" : null);
  }
  light(root, root.pinned);
}

/** Lead the Tab key to `card` and its buttons, and past those of all others. */
function stopAt(root, card) {
  const lead = (node, to) => {
    for (const part of node ? [node, ...node.querySelectorAll("button")] : []) part.tabIndex = to;
  };
  if (root.stop !== card) lead(root.stop, -1);
  root.stop = card;
  lead(card, 0);
}

function onKey(root, event) {
  const card = event.target;
  if (!card.classList.contains("card")) return;
  const column = root.columns[card.columnIndex];
  const rank = [...column.list.children].indexOf(card);
  let next = null;
  if (event.key === "ArrowDown") next = column.list.children[rank + 1];
  else if (event.key === "ArrowUp") next = column.list.children[rank - 1];
  else if (event.key === "Home") next = column.list.firstElementChild;
  else if (event.key === "End") next = column.list.lastElementChild;
  else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    // To the same row in the next list that has it, else to the same place beside this one.
    const step = event.key === "ArrowRight" ? 1 : -1;
    for (let i = column.index + step; !next && root.columns[i]; i += step) next = root.columns[i].cards.get(card.rowId);
    const beside = root.columns[column.index + step]?.list.children;
    next ??= beside?.[Math.min(rank, beside.length - 1)];
    if (next && !next.offsetParent) show(root, next.columnIndex);
  } else if (event.key === "Enter" || event.key === " ") pin(root, card.rowId);
  else if (event.key === "Escape" && root.pinned !== null) pin(root, root.pinned);
  else return;
  event.preventDefault();
  if (next) {
    stopAt(root, next);
    next.focus();
  }
}

// -- cards

function fillSpans(node, spans) {
  node.replaceChildren(
    ...spans.map(([text, marked]) => (marked ? el("mark", "", text) : document.createTextNode(text))),
  );
}

function makeCard(root, column, id) {
  const card = el("li", "card");
  card.rowId = id;
  card.columnIndex = column.index;
  card.tabIndex = -1;
  card.parts = {
    rank: el("span", "rank"),
    title: el("div", "title"),
    score: el("span", "score"),
    snippet: el("div", "snippet"),
    foot: el("div", "foot"),
  };
  const body = el("div", "body");
  const top = el("div", "top");
  top.append(card.parts.title, card.parts.score);
  body.append(top, card.parts.snippet, card.parts.foot);
  card.append(card.parts.rank, body);
  card.addEventListener("mouseenter", () => light(root, id));
  card.addEventListener("mouseleave", () => light(root, null));
  card.addEventListener("focus", () => {
    stopAt(root, card);
    light(root, id);
  });
  card.addEventListener("blur", () => light(root, null));
  card.addEventListener("click", (event) => {
    if (!event.target.closest("button")) pin(root, id);
  });
  return card;
}

function fillCard(root, card, hit) {
  const seen = JSON.stringify(hit);
  if (card.seen === seen) return;
  card.seen = seen;
  const { rank, title, score, snippet, foot } = card.parts;
  setText(rank, hit.rank);
  fillSpans(title, hit.title);
  title.title = title.textContent;
  setText(score, hit.score);
  score.title = hit.score_name;
  fillSpans(snippet, hit.snippet);
  card.classList.toggle("only", hit.only);
  const id = el("button", "id", hit.id);
  id.type = "button";
  id.title = `Copy the id ${hit.id}`;
  id.setAttribute("aria-label", `Copy the id ${hit.id}`);
  id.addEventListener("click", () => copyText(hit.id, id));
  const similar = el("button", "act", "similar");
  similar.type = "button";
  similar.title = "The nearest rows to this one, by each setting";
  similar.addEventListener("click", () => root.act({ kind: "similar", id: hit.id }));
  const places = hit.only
    ? [el("span", "alone", "only here")]
    : hit.others.map(([letter, place]) => {
        const text = el("span", "place");
        text.append(`${letter} `, place ? el("b", "", `#${place}`) : "–");
        text.title = place ? `Place ${place} in ${letter}` : `Not among the hits of ${letter}`;
        return text;
      });
  id.tabIndex = similar.tabIndex = card.tabIndex;
  foot.replaceChildren(...places, id, similar);
}

/** Put the cards in their order, each keeping its element, and let them glide from where they were. */
function fillColumn(root, column, data) {
  setText(column.status, data.status);
  column.status.title = data.status;
  setAttr(column.list, "aria-label", `Hits of setting ${data.letter}`);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || data.hits.length > 50;
  const tops = new Map(calm ? [] : [...column.list.children].map((card) => [card, card.offsetTop]));
  const cards = new Map();
  for (const hit of data.hits) {
    let id = hit.id;
    while (cards.has(id)) id += "\u0000";
    const card = column.cards.get(id) ?? makeCard(root, column, id);
    fillCard(root, card, hit);
    cards.set(id, card);
  }
  for (const [id, card] of column.cards) if (cards.get(id) !== card) card.remove();
  column.cards = cards;
  [...cards.values()].forEach((card, i) => {
    if (column.list.children[i] !== card) column.list.insertBefore(card, column.list.children[i] ?? null);
  });
  for (const [card, top] of tops) {
    const by = card.isConnected ? top - card.offsetTop : 0;
    if (by) card.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 160, easing: "ease-out" });
  }
  column.list.hidden = !data.hits.length;
  column.empty.hidden = data.hits.length > 0;
  const said = JSON.stringify([data.empty, data.notes]);
  if (column.said !== said) {
    column.empty.replaceChildren(el("div", "empty-title", data.empty[0]), el("div", "empty-text", data.empty[1]));
    column.notes.replaceChildren(...data.notes.map((note) => el("li", "", note)));
  }
  column.said = said;
  column.notes.hidden = !data.notes.length || !data.hits.length;
}

// -- lines

/** Join the places of each row in neighbouring lists; a list that lacks it is passed behind, dashed. */
function drawLines(root) {
  const { lines, columns } = root.parts;
  const found = [];
  if (getComputedStyle(lines).display !== "none") {
    root.columns.forEach((left, i) => {
      for (const [id, card] of left.cards) {
        const next = root.columns.findIndex((column, j) => j > i && column.cards.has(id));
        if (next > i) found.push([id, curve(columns, card, root.columns[next].cards.get(id)), next > i + 1]);
      }
    });
  }
  const seen = JSON.stringify(found);
  if (root.drawn === seen) return;
  root.drawn = seen;
  lines.replaceChildren(
    ...found.map(([id, path, behind]) => {
      const line = document.createElementNS(SVG, "g");
      line.rowId = id;
      line.classList.toggle("behind", behind);
      for (const name of ["seen", "grip"]) {
        const part = document.createElementNS(SVG, "path");
        part.setAttribute("class", name);
        part.setAttribute("d", path);
        line.append(part);
      }
      line.addEventListener("mouseenter", () => light(root, id));
      line.addEventListener("mouseleave", () => light(root, null));
      line.addEventListener("click", () => pin(root, id));
      return line;
    }),
  );
}

/** Return the path between two cards; offsets, since cards may be gliding. */
function curve(columns, card, other) {
  const at = (node) => {
    let [x, y] = [0, 0];
    for (let n = node; n && n !== columns; n = n.offsetParent) {
      x += n.offsetLeft;
      y += n.offsetTop;
    }
    return [x, y + node.offsetHeight / 2];
  };
  const [x, y] = at(card);
  const [toX, toY] = at(other);
  const from = x + card.offsetWidth;
  const half = (toX - from) / 2;
  return `M${from} ${y}C${from + half} ${y} ${toX - half} ${toY} ${toX} ${toY}`;
}

// -- one list at a time, where there is no room for all

function show(root, index) {
  root.active = index;
  root.columns.forEach((column, i) => column.section.classList.toggle("active", i === index));
  [...root.parts.tabs.children].forEach((tab, i) => setAttr(tab, "aria-pressed", String(i === index)));
}

function fillTabs(root, columns) {
  const said = JSON.stringify(columns.map((column) => [column.letter, column.name]));
  if (root.tabsSaid === said) return;
  root.tabsSaid = said;
  root.parts.tabs.replaceChildren(
    ...columns.map((column, i) => {
      const tab = el("button", "", `${column.letter} ${column.name}`);
      tab.type = "button";
      tab.addEventListener("click", () => show(root, i));
      return tab;
    }),
  );
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = rootOf(parentElement, makeCompare);
  root.act = (action) => setTriggerValue("action", action);
  // Rows without a text need less room; all cards have one height, so that equal places are level.
  root.classList.toggle("low", data.columns.every((column) => column.hits.every((hit) => !hit.snippet.length)));
  root.parts.columns.style.setProperty("--count", data.columns.length);
  while (root.columns.length > data.columns.length) root.columns.pop().section.remove();
  data.columns.forEach((column, i) => {
    root.columns[i] ??= makeColumn(root, i);
    fillColumn(root, root.columns[i], column);
  });
  fillTabs(root, data.columns);
  show(root, Math.min(root.active, data.columns.length - 1));
  const cards = root.columns.flatMap((column) => [...column.list.children]);
  if (root.pinned !== null && !cards.some((card) => card.rowId === root.pinned)) root.pinned = null;
  if (!cards.includes(root.stop)) stopAt(root, cards[0] ?? null);
  drawLines(root);
  light(root, null);
}
