/** Asks for the title of the point under the pointer, and hands it to the map. */
export default function ({ data, setTriggerValue }) {
  const board = ((window.pgvistaMaps ??= {})[data.key] ??= {});
  board.askTitle = (asked) => setTriggerValue("asked", asked);
  board.title = data;
  if (data.id) board.onTitle?.();
}
