/** Loads Plotly's own script into the page, once. */
(src) => {
  const id = "pgvista-plotly";
  if (window.Plotly || document.getElementById(id)) return;
  const script = document.createElement("script");
  script.id = id;
  script.src = src;
  script.onerror = () => script.remove(); // the next visit tries again
  document.head.append(script);
};
