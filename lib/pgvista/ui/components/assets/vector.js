export default function ({ data, parentElement }) {
  drawVector(rootOf(parentElement, makeVector), data);
}
