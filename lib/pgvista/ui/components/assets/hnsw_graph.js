/** Hands the graph to the player of the same key: points, levels and links. */
export default function (component) {
  const { data } = component;
  if (!data) return;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const length = view.getUint32(0, true);
  const { key, token } = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  const boards = (window.pgvistaHnsw ??= {});
  const board = (boards[key] ??= {});
  if (board.token === token) return;
  board.token = token;
  board.bytes = data.slice();
  board.graph = undefined;
  board.changed?.();
}
