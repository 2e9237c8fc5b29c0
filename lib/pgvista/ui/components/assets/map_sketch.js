/**
 * The map's first picture: its points where Plotly will draw them, in their colours. Plotly's script
 * takes the browser about a second to read, and this some hundredths of one.
 */

const MARGIN = 4;

/** The pixels of one point about its place, as it is drawn at each of its places. */
function stamp(colour, symbol, { size, edge, opacity }, line, ratio) {
  const canvas = document.createElement("canvas");
  const side = Math.ceil((size * 1.3 + edge + 2) * ratio);
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.translate(side / 2, side / 2);
  pen.scale(ratio, ratio);
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
  const { data } = pen.getImageData(0, 0, side, side);
  const pixels = [];
  for (let at = 0; at < data.length; at += 4) {
    if (!data[at + 3]) continue;
    const place = at / 4;
    const [right, down] = [(place % side) - side / 2, Math.floor(place / side) - side / 2];
    pixels.push([right, down, data[at], data[at + 1], data[at + 2], (data[at + 3] / 255) * opacity]);
  }
  return pixels;
}

/**
 * Draw the points and the clusters' labels into a canvas of its own, under Plotly's. Points are put
 * into its pixels: as many calls of a canvas would take longer than Plotly does.
 */
function sketch(board) {
  const { root, theme, x, y, rangeX, rangeY } = board;
  const { clientWidth: width, clientHeight: height } = root.plot;
  const ratio = Math.min(2, Math.max(1, window.devicePixelRatio));
  const canvas = (root.sketch ??= el("canvas", "sketch"));
  const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
  Object.assign(canvas, { width: wide, height: tall });
  if (canvas.parentNode !== root.plot.parentNode) root.plot.before(canvas);
  setAttr(root, "data-sketched", board.token);
  if (!wide || !tall) return;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = theme.background;
  pen.fillRect(0, 0, wide, tall);
  const image = pen.getImageData(0, 0, wide, tall);
  const { data } = image;
  const scale = scaleOf(board);
  const [middleX, middleY] = [(rangeX[0] + rangeX[1]) / 2, (rangeY[0] + rangeY[1]) / 2];
  const left = (value) => width / 2 + (value - middleX) * scale;
  const top = (value) => height / 2 - (value - middleY) * scale;
  const style = pointStyle(board);
  const stamps = new Map();
  const rim = Math.round(MARGIN * ratio);
  for (let i = 0; i < x.length; i++) {
    const colour = Array.isArray(style.color) ? style.color[i] : style.color;
    if (colour === TRANSPARENT || !Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
    const symbol = Array.isArray(style.symbol) ? style.symbol[i] : style.symbol;
    const name = symbol + colour;
    let pixels = stamps.get(name);
    if (!pixels) stamps.set(name, (pixels = stamp(colour, symbol, style, edgeOf(theme), ratio)));
    const [atX, atY] = [left(x[i]) * ratio, top(y[i]) * ratio];
    for (const [right, down, red, green, blue, share] of pixels) {
      const [column, row] = [Math.round(atX + right), Math.round(atY + down)];
      if (column < rim || row < rim || column >= wide - rim || row >= tall - rim) continue;
      const at = (row * wide + column) * 4;
      data[at] += (red - data[at]) * share;
      data[at + 1] += (green - data[at + 1]) * share;
      data[at + 2] += (blue - data[at + 2]) * share;
    }
  }
  pen.putImageData(image, 0, 0);
  pen.scale(ratio, ratio);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = theme.background;
  for (const { x: across, y: up, text, size, colour, xshift, yshift } of labelsOf(board, [])) {
    pen.font = `650 ${size}px ${theme.font}`;
    pen.fillStyle = colour;
    const place = [left(across) + xshift, top(up) - yshift + 1];
    pen.strokeText(text, ...place);
    pen.fillText(text, ...place);
  }
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
