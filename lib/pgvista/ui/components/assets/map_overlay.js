/** Hands the map what lies over its points, and sends back what was clicked and selected, by id. */
export default function (component) {
  const { data, setTriggerValue } = component;
  const boards = (window.pgvistaMaps ??= {});
  const board = (boards[data.key] ??= {});
  board.send = (event) => setTriggerValue("event", event);
  const seen = JSON.stringify(data);
  if (board.seen === seen && board.overlay) return;
  board.seen = seen;
  board.overlay = data;
  board.onOverlay?.();
}
