export default ({ data }) => {
  const i = (window.pgvistaOver ??= {});
  i.sent = data;
  i.take?.(data);
};
