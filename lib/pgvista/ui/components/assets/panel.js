function timings(data) {
  const bar = el("div", "bar");
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `${data.stages.map((s) => `${s.name} ${s.text}`).join(", ")}, total ${data.total}`);
  const legend = el("div", "legend");
  for (const stage of data.stages) {
    const part = el("span");
    part.dataset.stage = stage.name;
    part.style.width = `${stage.share * 100}%`;
    part.title = `${stage.name} ${stage.text}`;
    bar.append(part);
    const item = el("span", "item");
    const dot = el("span", "dot");
    dot.dataset.stage = stage.name;
    item.title = stage.title;
    item.append(dot, el("span", "name", `${stage.name} `), el("span", "figure", stage.text));
    legend.append(item);
  }
  const total = el("span", "item total");
  total.append(el("span", "name", "total "), el("span", "figure", data.total));
  legend.append(total);
  return [bar, legend];
}

function planRow(node, measured) {
  const row = el("tr");
  const step = el("th", "step");
  step.scope = "row";
  step.style.paddingLeft = `${node.depth * 1.1 + 0.2}rem`;
  step.append(el("div", "step-title", node.title), ...node.details.map((detail) => el("div", "detail", detail)));
  row.append(step);
  if (measured) {
    const time = el("td", "time");
    const track = el("span", "track");
    const fill = el("span");
    fill.style.width = `${node.share * 100}%`;
    track.append(fill);
    time.append(el("span", "", node.time || "–"), track);
    row.append(time);
  }
  const rows = el("td", "rows");
  rows.append(el("span", "", measured ? node.actual || "–" : node.estimated));
  if (measured) rows.append(el("span", "quiet", ` of ${node.estimated} guessed`));
  if (node.off) rows.append(el("div", "off", node.off));
  row.append(rows);
  if (measured) {
    const pages = el("td", "pages");
    pages.append(el("span", "", node.hit || "–"), el("span", "quiet", node.read ? ` + ${node.read} read` : ""));
    row.append(pages);
  }
  return row;
}

function plan(data) {
  const parts = [];
  const summary = el("ul", "summary");
  summary.append(...data.summary.map((sentence) => el("li", "", sentence)));
  if (data.summary.length) parts.push(summary);
  if (data.nodes.length) {
    const scroll = el("div", "scroll");
    scroll.tabIndex = 0;
    const table = el("table");
    const head = el("tr");
    const titles = data.measured
      ? [["Step", ""], ["Own time", "Without the steps beneath it"], ["Rows", "Rows that came out, and the planner's guess"], ["Pages", "8 kB pages found in shared buffers, and pages read from disk or the system's cache"]]
      : [["Step", ""], ["Rows guessed", "The planner's guess: the statement was not run"]];
    for (const [text, title] of titles) {
      const cell = el("th", "", text);
      cell.scope = "col";
      if (title) cell.title = title;
      head.append(cell);
    }
    const thead = el("thead");
    const tbody = el("tbody");
    thead.append(head);
    tbody.append(...data.nodes.map((node) => planRow(node, data.measured)));
    table.append(thead, tbody);
    scroll.append(table);
    parts.push(scroll);
  }
  const foot = el("div", "foot");
  foot.append(el("span", "quiet", data.times.join(" · ")));
  parts.push(foot);
  if (data.json) {
    const details = el("details");
    const copy = el("button", "copy", "Copy");
    copy.type = "button";
    copy.addEventListener("click", () => copyText(data.json, copy));
    details.append(el("summary", "", "EXPLAIN as JSON"), copy, el("pre", "", data.json));
    parts.push(details);
  }
  return parts;
}

function chips(data) {
  return data.items.map(([name, value]) => {
    const chip = el("span", "chip");
    chip.append(el("span", "name", `${name} `), el("span", "figure", value));
    return chip;
  });
}

const KINDS = { timings, plan, chips };

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, () => el("div"));
  const seen = JSON.stringify(data);
  if (root.seen === seen) return;
  // Raw JSON that was opened stays open when a new plan arrives.
  const open = root.querySelector("details")?.open;
  root.seen = seen;
  root.className = `root ${data.kind}`;
  root.replaceChildren(...KINDS[data.kind](data));
  if (open && root.querySelector("details")) root.querySelector("details").open = true;
}
