/** Loads Plotly's own script into the page, once. */
export default function ({ data }) {
  const id = "pgvista-plotly";
  if (window.Plotly || document.getElementById(id)) return;
  const script = document.createElement("script");
  script.id = id;
  script.src = data.src;
  script.onerror = () => script.remove(); // the next run tries again
  document.head.append(script);
}
