export default ({ data }) => {
  const board = ((window.pgvistaMaps ??= {})[data.key] ??= {});
  board.look = { ...board.look, ...data };
  board.onLook?.();
};
