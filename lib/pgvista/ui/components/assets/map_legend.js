/** What colours and marks mean; a category is hidden by its name, and zoomed to by the sign beside it. */

const ROOM = 0.15;

/** Zoom to the points of a category: to the box of all but the outermost. */
function zoomTo(board, code) {
  if (!board.drawn) return;
  const [xs, ys] = [[], []];
  board.codes.forEach((own, place) => {
    if (own !== code || !Number.isFinite(board.x[place])) return;
    xs.push(board.x[place]);
    ys.push(board.y[place]);
  });
  if (!xs.length) return;
  const limits = (values) => {
    const sorted = Float64Array.from(values).sort();
    const low = sorted[Math.floor(0.02 * (sorted.length - 1))];
    const high = sorted[Math.ceil(0.98 * (sorted.length - 1))];
    return [low, high];
  };
  const [x, y] = [limits(xs), limits(ys)];
  const least = (board.rangeX[1] - board.rangeX[0]) / 2000; // rows in one place have no box
  const range = ([low, high], [first, last]) => {
    const room = Math.max(high - low, least) * ROOM;
    return [Math.max(first, low - room), Math.min(last, high + room)]; // never farther than all points
  };
  const [rangeX, rangeY] = [range(x, board.rangeX), range(y, board.rangeY)];
  window.Plotly.relayout(board.gd, { "xaxis.range": rangeX, "yaxis.range": rangeY });
}

function zoomButton(label, act) {
  const button = el("button", "zoom");
  button.type = "button";
  button.title = "Zoom to these points";
  setAttr(button, "aria-label", `Zoom to ${label}`);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2M10.6 10.6 14 14M7 5v4M5 7h4");
  svg.append(path);
  button.append(svg);
  button.addEventListener("click", act);
  return button;
}

function legend(board) {
  const { root, colour, theme } = board;
  const shows = board.look?.legend !== false;
  const box = root.legend;
  box.replaceChildren();
  const kinds = [...new Set((board.overlay?.marks ?? []).map(([kind]) => kind))];
  board.legendKinds = kinds.join();
  if (shows && board.addedX.length) kinds.push("added");
  const table = paletteOf(colour, theme);
  if (shows && colour?.kind === "category") {
    const part = el("div", "part");
    part.append(el("div", "head", colour.title));
    for (const [index, [label, count, code, other]] of colour.legend.entries()) {
      const row = el("button", "row");
      row.type = "button";
      row.title = "Hide or show these points";
      setAttr(row, "aria-pressed", String(!board.hidden.has(code)));
      const nearer = zoomButton(label, () => zoomTo(board, code));
      const sign = el("i", `sign ${["circle", "diamond", "square"][Math.floor(index / 9) % 3]}`);
      sign.style.background = other ? theme.gray : table[code];
      row.append(sign, el("span", "label", label), el("span", "count", count.toLocaleString("en")));
      row.addEventListener("click", () => {
        if (!board.hidden.delete(code)) board.hidden.add(code);
        legend(board);
        touch(board, "colour");
      });
      const line = el("div", "line");
      line.append(row, nearer);
      part.append(line);
    }
    if (colour.empty) part.append(el("div", "note", `${colour.empty.toLocaleString("en")} ${colour.none}`));
    box.append(part);
  } else if (shows && colour?.kind === "number") {
    const part = el("div", "part");
    part.append(el("div", "head", colour.title));
    const ramp = el("div", "ramp");
    ramp.style.background = `linear-gradient(90deg, ${[0, 63, 126, 190, LEVELS].map((i) => table[i]).join(", ")})`;
    const ends = el("div", "ends");
    ends.append(el("span", "", colour.ends[0]), el("span", "", colour.ends[1]));
    part.append(ramp, ends);
    if (colour.empty) part.append(el("div", "note", `${colour.empty.toLocaleString("en")} ${colour.none}`));
    box.append(part);
  } else if (colour?.kind === "none" && colour.title) {
    const part = el("div", "part"); // what is missing to colour by
    part.append(el("div", "note", colour.title));
    box.append(part);
  }
  if (kinds.length) {
    const part = el("div", "part");
    for (const kind of kinds) {
      const row = el("div", "row still");
      const sign = el("i", `mark ${MARKS[kind][0]}`);
      sign.style.color = theme[MARKS[kind][2]];
      row.append(sign, el("span", "label", MARKS[kind][3]));
      part.append(row);
    }
    box.append(part);
  }
  box.hidden = !box.children.length;
}
