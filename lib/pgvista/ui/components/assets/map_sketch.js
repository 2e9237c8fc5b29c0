/**
 * The map's first picture: its points where Plotly will draw them, in their colours. Plotly's script
 * takes the browser about a second to read, and this some hundredths of one.
 */

const MARGIN = 4;

/** One point, as it is drawn at each of its places. */
function stamp(colour, symbol, { size, edge }, line, ratio) {
  const canvas = document.createElement("canvas");
  const side = Math.ceil(size * 1.3 + edge) + 2;
  canvas.width = canvas.height = side * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.translate(side / 2, side / 2);
  const radius = size / 2;
  pen.beginPath();
  if (symbol === "square") pen.rect(-radius, -radius, size, size);
  else if (symbol === "diamond") {
    const reach = radius * 1.3;
    [[reach, 0], [0, reach], [-reach, 0], [0, -reach]].forEach((corner) => pen.lineTo(...corner));
    pen.closePath();
  } else pen.arc(0, 0, radius, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
  if (edge) {
    pen.lineWidth = edge;
    pen.strokeStyle = line;
    pen.stroke();
  }
  return { canvas, side };
}

/** Draw the points and the clusters' labels into a canvas of its own, under Plotly's. */
function sketch(board) {
  const { root, theme, x, y, rangeX, rangeY } = board;
  const { clientWidth: width, clientHeight: height } = root.plot;
  const ratio = Math.min(2, Math.max(1, window.devicePixelRatio));
  const canvas = (root.sketch ??= el("canvas", "sketch"));
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  if (canvas.parentNode !== root.plot.parentNode) root.plot.before(canvas);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const scale = scaleOf(board);
  const [middleX, middleY] = [(rangeX[0] + rangeX[1]) / 2, (rangeY[0] + rangeY[1]) / 2];
  const left = (value) => width / 2 + (value - middleX) * scale;
  const top = (value) => height / 2 - (value - middleY) * scale;
  pen.rect(MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN);
  pen.clip();
  const style = pointStyle(board);
  const stamps = new Map();
  pen.globalAlpha = style.opacity;
  for (let i = 0; i < x.length; i++) {
    const colour = Array.isArray(style.color) ? style.color[i] : style.color;
    if (colour === TRANSPARENT || !Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
    const symbol = Array.isArray(style.symbol) ? style.symbol[i] : style.symbol;
    const name = `${symbol} ${colour}`;
    let made = stamps.get(name);
    if (!made) stamps.set(name, (made = stamp(colour, symbol, style, edgeOf(theme), ratio)));
    const { side } = made;
    pen.drawImage(made.canvas, left(x[i]) - side / 2, top(y[i]) - side / 2, side, side);
  }
  pen.globalAlpha = 1;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = theme.background;
  for (const { x: at, y: height, text, size, colour, xshift, yshift } of labelsOf(board, [])) {
    pen.font = `650 ${size}px ${theme.font}`;
    pen.fillStyle = colour;
    const place = [left(at) + xshift, top(height) - yshift + 1];
    pen.strokeText(text, ...place);
    pen.fillText(text, ...place);
  }
  setAttr(root, "data-sketched", board.token);
}

function dropSketch(board) {
  board.root.sketch?.remove();
  setAttr(board.root, "data-sketched", null);
}

/** Wait until what was drawn is on the screen; a page that nobody looks at draws nothing. */
function onScreen() {
  return new Promise((resolve) => {
    setTimeout(resolve, 300);
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)));
  });
}
