/** Fetches Plotly's own script; `window.pgvistaPlotly()` has it run, which a map calls when it needs it. */
(src) => {
  const id = "pgvista-plotly";
  window.pgvistaPlotly = () => {
    if (window.Plotly || document.getElementById(id)) return;
    const script = document.createElement("script");
    script.id = id;
    script.src = src;
    script.onerror = () => script.remove(); // it is tried again as long as a map waits
    document.head.append(script);
  };
  if (window.Plotly || document.getElementById(`${id}-fetched`)) return;
  const link = document.createElement("link");
  Object.assign(link, { id: `${id}-fetched`, rel: "preload", as: "script", href: src });
  document.head.append(link);
};
