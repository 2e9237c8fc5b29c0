/** Hands the map what lies over its points, and sends back what was clicked and selected, by id. */
export default function ({ data, setTriggerValue }) {
  const board = ((window.pgvistaMaps ??= {})[data.key] ??= {});
  board.send = (event) => setTriggerValue("event", event);
  const seen = JSON.stringify(data);
  if (board.seen === seen && board.overlay) return;
  board.seen = seen;
  board.nextOverlay = data;
  board.onOverlay?.();
}
