const ENTER = 0;
const VISIT = 1;
const ANSWER = 2;
const TYPES = { f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };

/** Read `[length of the header][header as JSON][blocks]`; the header names type and length of each. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const text = new TextDecoder();
  const header = JSON.parse(text.decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const blocks = {};
  for (const [name, kind, size] of header.blocks) {
    const part = bytes.slice(at, at + size); // a copy, so that numbers are aligned
    blocks[name] = kind === "text" ? split(text.decode(part)) : new TYPES[kind](part.buffer);
    at += size;
  }
  return { header, ...blocks };
}

const split = (text) => (text === "" ? [] : text.split("\0"));

/** The graph of a board, unpacked when it is first needed. */
function graphOf(board) {
  if (!board?.bytes) return undefined;
  if (!board.graph) {
    board.graph = unpack(board.bytes);
    board.graph.box = boxOf(board.graph.xy);
    board.graph.count = board.graph.header.points;
  }
  return board.graph;
}

/** The box about points [x0, x1, y0, y1], a little wider than they need, never empty. */
function boxOf(xy, among) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  const take = (i) => {
    x0 = Math.min(x0, xy[2 * i]);
    x1 = Math.max(x1, xy[2 * i]);
    y0 = Math.min(y0, xy[2 * i + 1]);
    y1 = Math.max(y1, xy[2 * i + 1]);
  };
  if (among) for (const i of among) take(i);
  else for (let i = 0; i < xy.length / 2; i += 1) take(i);
  if (x0 > x1) return [-1, 1, -1, 1];
  const margin = Math.max(x1 - x0, y1 - y0, 1e-9) * 0.03;
  return [x0 - margin, x1 + margin, y0 - margin, y1 + margin];
}

/**
 * Play the walk once in thought: for each frame the list of candidates [node, distance, ...], nearest
 * first, and where the layer began. The list is what came in, cut to the layer's ef.
 */
function replay(walk) {
  const frames = [];
  let list = [];
  let from = 0;
  for (let i = 0; i < walk.kind.length; i += 1) {
    const ef = walk.header.ef[walk.layer[i]];
    const fresh = [];
    if (walk.kind[i] === ENTER) {
      list = [[walk.node[i], walk.distance[i]]];
      from = i;
    }
    for (let j = i ? walk.end[i - 1] : 0; j < walk.end[i]; j += 1)
      if (walk.taken[j]) fresh.push([walk.looked[j], walk.far[j]]);
    if (fresh.length)
      list = [...list, ...fresh].sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, ef);
    frames.push({ list, fresh: new Set(fresh.map(([node]) => node)), from });
  }
  return frames;
}

/** The frames of each layer: [first, last]. */
function layersOf(walk) {
  const found = new Map();
  for (let i = 0; i < walk.kind.length; i += 1) {
    const layer = walk.layer[i];
    if (!found.has(layer)) found.set(layer, [i, i]);
    if (walk.kind[i] !== ANSWER) found.get(layer)[1] = i;
  }
  return found;
}

/** Nodes visited from frame `from` to `to`, in order. */
function pathOf(walk, from, to) {
  const path = [];
  for (let i = from; i <= to; i += 1) if (walk.kind[i] !== ANSWER) path.push(walk.node[i]);
  return path.filter((node, i) => i === 0 || node !== path[i - 1]);
}
