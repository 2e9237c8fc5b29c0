const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480;
const HEIGHT = 216;
const EDGE = 30;
const LINE = 19;

function node(name, className) {
  const made = document.createElementNS(SVG, name);
  if (className) made.setAttribute("class", className);
  return made;
}

function makePlane() {
  const root = el("div", "plane");
  const title = el("div", "title");
  const picture = node("svg");
  setAttr(picture, "viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  setAttr(picture, "role", "img");
  const frame = node("rect", "frame");
  for (const [name, value] of [["width", WIDTH], ["height", HEIGHT], ["rx", 6]]) setAttr(frame, name, value);
  const across = node("text", "axis");
  const up = node("text", "axis");
  setAttr(across, "x", WIDTH - 8);
  setAttr(across, "y", HEIGHT - 8);
  setAttr(across, "text-anchor", "end");
  across.textContent = "first component";
  setAttr(up, "transform", `translate(15 8) rotate(-90)`);
  setAttr(up, "text-anchor", "end");
  up.textContent = "second component";
  const points = node("g");
  picture.append(frame, across, up, points);
  root.append(title, picture);
  root.parts = { title, picture, points };
  return root;
}

const CHAR = 7.4;

/** Give each label the first side of its dot where it meets no dot and no other label. */
function arrange(places) {
  const taken = places.map(({ x, y }) => [x - 7, y - 7, x + 7, y + 7]);
  const free = (box, own) =>
    box[0] >= 4 && box[2] <= WIDTH - 4 && box[1] >= 4 && box[3] <= HEIGHT - 4 &&
    taken.every((other, i) => i === own || box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3]);
  places.forEach((place, i) => {
    const width = (place.name.length + 2) * CHAR;
    const at = (anchor, x, y) => {
      const left = anchor === "end" ? x - width : anchor === "middle" ? x - width / 2 : x;
      return { anchor, x, y, box: [left, y - 13, left + width, y + 4] };
    };
    const sides = [at("start", place.x + 11, place.y + 5), at("end", place.x - 11, place.y + 5)];
    for (const step of [1, 2, 3]) {
      for (const y of [place.y - 1 - LINE * step + 8, place.y + LINE * step + 3]) {
        sides.push(at("middle", place.x, y), at("start", place.x - 4, y), at("end", place.x + 4, y));
      }
    }
    place.label = sides.find((side) => free(side.box, i)) ?? sides[0];
    taken.push(place.label.box);
  });
}

function drawPlane(root, data) {
  const { title, picture, points } = root.parts;
  setText(title, data.title);
  setAttr(picture, "aria-label", `${data.title}: ${data.names.join("; ")}`);
  const xs = data.points.map(([x]) => x);
  const ys = data.points.map(([, y]) => y);
  const span = (values) => Math.max(...values) - Math.min(...values);
  const scale = Math.min((WIDTH - 2 * EDGE) / (span(xs) || 1e-9), (HEIGHT - 2 * EDGE) / (span(ys) || 1e-9), 400);
  const middle = (values) => (Math.max(...values) + Math.min(...values)) / 2;
  const places = data.points.map(([x, y], i) => {
    const place = { x: WIDTH / 2 + (x - middle(xs)) * scale, y: HEIGHT / 2 - (y - middle(ys)) * scale };
    return { ...place, name: data.names[i] };
  });
  arrange(places);
  while (points.children.length > places.length) points.lastChild.remove();
  places.forEach((place, i) => {
    if (!points.children[i]) {
      const group = node("g");
      const name = node("text");
      name.append(node("tspan", "letter"), node("tspan", "name"));
      group.append(node("circle"), name);
      points.append(group);
    }
    const [dot, name] = points.children[i].children;
    setAttr(dot, "cx", place.x.toFixed(1));
    setAttr(dot, "cy", place.y.toFixed(1));
    setAttr(dot, "r", 5);
    setAttr(name, "x", place.label.x.toFixed(1));
    setAttr(name, "y", place.label.y.toFixed(1));
    setAttr(name, "text-anchor", place.label.anchor);
    setText(name.firstChild, `${LETTERS[i]} `);
    setText(name.lastChild, place.name);
  });
}
