/** Hands the map its colours: a byte a point, and what the bytes mean. */
export default function (component) {
  const { data } = component;
  if (!data) return;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  const boards = (window.pgvistaMaps ??= {});
  const board = (boards[header.key] ??= {});
  if (board.nextColour?.version === header.version && board.nextColour.token === header.token) return;
  board.nextColour = {
    token: header.token,
    version: header.version,
    header,
    codes: data.slice(4 + length),
  };
  board.onColour?.();
}
