function makeHits() {
  const root = el("div", "root hits");
  root.parts = {
    head: el("div", "head"),
    notes: el("ul", "notes"),
    list: el("ol", "list"),
    empty: el("div", "empty"),
  };
  root.parts.list.setAttribute("aria-label", "Hits");
  root.parts.empty.setAttribute("role", "status");
  root.rows = new Map();
  root.append(root.parts.head, root.parts.notes, root.parts.list, root.parts.empty);
  return root;
}

function fillSpans(node, spans) {
  node.replaceChildren(
    ...spans.map(([text, marked]) => (marked ? el("mark", "", text) : document.createTextNode(text))),
  );
}

function makeRow(root, id) {
  const row = el("li", "hit");
  const p = {
    place: el("div", "place"),
    rank: el("span", "rank"),
    moved: el("span", "moved"),
    body: el("div", "body"),
    title: el("div", "title"),
    snippet: el("div", "snippet"),
    full: el("div", "full"),
    foot: el("div", "foot"),
    why: el("div", "why"),
    bar: el("div", "bar"),
    lines: el("div", "lines"),
    total: el("div", "total"),
    tied: el("div", "tied"),
  };
  p.title.setAttribute("role", "heading");
  p.title.setAttribute("aria-level", "3");
  p.bar.setAttribute("role", "img");
  p.place.append(p.rank, p.moved);
  p.body.append(p.title, p.snippet, p.full, p.foot);
  p.why.append(p.bar, p.lines, p.total, p.tied);
  row.append(p.place, p.body, p.why);
  row.parts = p;
  row.hitId = id;
  row.open = false;
  return row;
}

function fillFull(row, hit) {
  const { full, snippet } = row.parts;
  full.hidden = !row.open;
  snippet.hidden = row.open || !hit.snippet.length;
  if (!row.open) {
    full.replaceChildren();
    return;
  }
  const parts = [el("div", "text", hit.content || "This row has no text.")];
  if (hit.cut) parts.push(el("p", "quiet", `${hit.cut.toLocaleString("en-US")} more characters are in the database.`));
  const sums = hit.lines.filter(([, , , , how]) => how);
  if (sums.length) {
    const list = el("dl", "sums");
    for (const [name, place, raw, , how] of sums) {
      list.append(el("dt", name, place), el("dd", "", raw ? `${raw}; ${how}` : how));
    }
    list.append(el("dt", "", "sum"), el("dd", "", hit.tied ? `${hit.total}, ${hit.tied}` : hit.total));
    parts.push(list);
  }
  if (hit.details.length) {
    const list = el("dl");
    for (const [name, text] of hit.details) list.append(el("dt", "", name), el("dd", "", text || "–"));
    parts.push(list);
  }
  full.replaceChildren(...parts);
}

function fillFoot(root, row, hit, actions) {
  const chips = hit.chips.map(([text, full]) => {
    const chip = el("span", "chip", text);
    chip.title = full;
    return chip;
  });
  if (hit.more > 0) {
    const chip = el("span", "chip more", `+${hit.more}`);
    chip.title = `${hit.more} more, under “show all”`;
    chips.push(chip);
  }
  const id = el("button", "id", hit.id);
  id.type = "button";
  id.title = `Copy the id ${hit.id}`;
  id.setAttribute("aria-label", `Copy the id ${hit.id}`);
  id.addEventListener("click", () => copyText(hit.id, id));
  const toggle = el("button", "act", row.open ? "show less" : "show all");
  toggle.type = "button";
  toggle.setAttribute("aria-expanded", String(row.open));
  toggle.addEventListener("click", () => {
    row.open = !row.open;
    setText(toggle, row.open ? "show less" : "show all");
    toggle.setAttribute("aria-expanded", String(row.open));
    fillFull(row, row.hit);
  });
  const buttons = actions.map(([kind, label]) => {
    const button = el("button", "act", label);
    button.type = "button";
    button.dataset.kind = kind;
    button.addEventListener("click", () => root.act({ kind, id: hit.id }));
    return button;
  });
  const acts = el("span", "acts");
  acts.append(...buttons, toggle);
  row.parts.foot.replaceChildren(...chips, id, acts);
}

function fillWhy(row, hit) {
  const { bar, lines, total, tied } = row.parts;
  while (bar.children.length > hit.bars.length) bar.lastChild.remove();
  hit.bars.forEach(([list, share], i) => {
    const part = bar.children[i] ?? bar.appendChild(el("span"));
    part.className = list;
    part.style.width = `${(share * 100).toFixed(2)}%`;
  });
  const shown = hit.lines.filter(([, place]) => place);
  const said = shown.map(([, place, raw, term]) => [place, raw, term].filter(Boolean).join(" "));
  setAttr(bar, "aria-label", [`${hit.total_name} ${hit.total}`, ...said].join(", "));
  lines.replaceChildren(...shown.map(([list, place, raw, term, how]) => {
    const line = el("div", `line ${list}${place.endsWith("–") ? " missing" : ""}`);
    if (how) line.title = how;
    line.append(el("span", "which", place), el("span", "raw", raw), el("span", "term", term));
    return line;
  }));
  row.parts.why.classList.toggle("single", shown.length === 1);
  tied.hidden = !hit.tied;
  setText(tied, hit.tied);
  // Every hybrid hit has a score: the word is for those who do not see the column.
  const name = el("span", hit.total_name === "score" ? "visually-hidden" : "name", `${hit.total_name} `);
  total.replaceChildren(name, el("span", "figure", hit.total));
}

function fillPlace(row, hit, since) {
  const { rank, moved } = row.parts;
  setText(rank, hit.rank);
  const by = typeof hit.moved === "number" ? hit.moved : 0;
  const text = hit.moved === null || hit.moved === "new" ? hit.moved : by > 0 ? `▲ ${by}` : by < 0 ? `▼ ${-by}` : "=";
  setText(moved, text);
  moved.dataset.way = hit.moved === "new" ? "new" : by > 0 ? "up" : by < 0 ? "down" : "same";
  const places = `${Math.abs(by)} ${Math.abs(by) === 1 ? "place" : "places"}`;
  const then = since ? ` since ${since}` : "";
  setAttr(
    moved,
    "title",
    hit.moved === null ? null
      : hit.moved === "new" ? `Was not there before${then && `: new${then}`}`
      : by ? `${by > 0 ? "Up" : "Down"} ${places}${then}; it was #${hit.rank + by}`
      : `Same place as before${then && `: unchanged${then}`}`,
  );
}

/** Write only those parts of a row that have changed since the last run. */
function fillRow(root, row, hit, data) {
  const { actions, since } = data;
  const parts = {
    place: [hit.rank, hit.moved, since],
    text: [hit.title, hit.snippet, hit.content, hit.details, row.open && hit.lines],
    foot: [hit.chips, hit.more, actions],
    why: [hit.bars, hit.lines, hit.total, hit.total_name, hit.tied],
  };
  const before = row.seen ?? {};
  row.seen = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, JSON.stringify(value)]));
  row.hit = hit;
  const changed = (name) => before[name] !== row.seen[name];
  if (changed("place")) fillPlace(row, hit, since);
  if (changed("text")) {
    fillSpans(row.parts.title, hit.title);
    fillSpans(row.parts.snippet, hit.snippet);
    fillFull(row, hit);
  }
  if (changed("foot")) fillFoot(root, row, hit, actions);
  if (changed("why")) fillWhy(row, hit);
}

/** Put the rows in their order, each keeping its element, and let them glide from where they were. */
function arrange(root, wanted) {
  const { list } = root.parts;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || wanted.length > 50;
  const order = [...list.children];
  const same = order.length === wanted.length && order.every((row, i) => row === wanted[i]);
  if (same) return;
  const tops = new Map(calm ? [] : order.map((row) => [row, row.offsetTop]));
  const keep = new Set(wanted);
  for (const row of order) if (!keep.has(row)) row.remove();
  wanted.forEach((row, i) => {
    if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
  });
  if (calm) return;
  for (const row of wanted) {
    if (!tops.has(row)) continue;
    const by = tops.get(row) - row.offsetTop;
    if (by) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 160, easing: "ease-out" });
  }
}

/** What was asked of each list, in the lists' colours, and what the moves are compared with. */
function fillHead(root, data) {
  const { head } = root.parts;
  head.hidden = !data.head && !data.since;
  const wanted = JSON.stringify([data.head, data.since]);
  if (root.headed === wanted) return;
  root.headed = wanted;
  const lists = el("span", "lists");
  data.head.split(" · ").forEach((text, i) => {
    if (i) lists.append(" · ");
    const [name, ...rest] = text.split(":");
    if (rest.length) lists.append(el("span", name, name), `:${rest.join(":")}`);
    else lists.append(text);
  });
  head.replaceChildren(lists);
  if (data.since) {
    const since = el("span", "since", "▲▼ places moved since ");
    since.append(el("b", "", data.since));
    head.append(since);
  }
}

function fillEmpty(root, data) {
  const { empty } = root.parts;
  empty.hidden = data.hits.length > 0;
  if (!empty.hidden && root.emptyMode !== data.mode) {
    const advice = {
      semantic: "No row lies near enough. Loosen the distance or a filter, or see whether the rows have vectors.",
      keyword: "No row has these words. Try other words, any-word matching, or search by meaning.",
      hybrid: "Neither list has a row for this. Loosen a filter, or try other words.",
    };
    empty.replaceChildren(
      el("div", "empty-title", "Nothing found"),
      el("div", "empty-text", advice[data.mode] ?? ""),
    );
    root.emptyMode = data.mode;
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = rootOf(parentElement, makeHits);
  root.act = (action) => setTriggerValue("action", action);
  fillHead(root, data);
  const { notes } = root.parts;
  notes.hidden = !data.notes.length;
  const said = JSON.stringify(data.notes);
  if (root.said !== said) notes.replaceChildren(...data.notes.map((note) => el("li", "", note)));
  root.said = said;

  const wanted = [];
  const rows = new Map();
  for (const hit of data.hits) {
    let id = hit.id;
    while (rows.has(id)) id += "\u0000";
    const row = root.rows.get(id) ?? makeRow(root, id);
    fillRow(root, row, hit, data);
    rows.set(id, row);
    wanted.push(row);
  }
  root.rows = rows;
  arrange(root, wanted);
  fillEmpty(root, data);
}
