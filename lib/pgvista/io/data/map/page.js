(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const bytes = Uint8Array.from(atob(data.xy), (c) => c.charCodeAt(0));
  const xy = new Float32Array(bytes.buffer);
  const x = new Float32Array(data.n), y = new Float32Array(data.n);
  for (let i = 0; i < data.n; i++) { x[i] = xy[2 * i]; y[i] = xy[2 * i + 1]; }
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const cut = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);
  const said = (i) => {
    const words = data.texts ? cut(data.texts[i], 118).replace(/\s+/g, " ").replace(/(.{1,56})(\s|$)/g, "$1\n").trim() : "";
    return "<b>" + plain(cut(data.ids[i], 80)) + "</b>" + (words ? "<br>" + plain(words).replace(/\n/g, "<br>") : "");
  };
  const size = Math.max(2.5, Math.min(8, 420 / Math.sqrt(Math.max(1, data.n))));
  const opacity = data.n > 20000 ? 0.55 : 0.8;
  const pick = (at, name, marker, legend) => ({
    type: "scattergl", mode: "markers", name, showlegend: legend,
    x: Float32Array.from(at, (i) => x[i]), y: Float32Array.from(at, (i) => y[i]),
    text: at.map(said), hovertemplate: "%{text}<extra></extra>",
    marker: Object.assign({ size, opacity }, marker),
  });
  const traces = [];
  const all = Array.from({ length: data.n }, (_, i) => i);
  if (data.values) {
    const known = all.filter((i) => data.values[i] !== null);
    const rest = all.filter((i) => data.values[i] === null);
    if (rest.length) traces.push(pick(rest, "no value", { color: data.other }, true));
    traces.push(pick(known, data.colour_by, {
      color: known.map((i) => data.values[i]), colorscale: data.scale, showscale: true,
      colorbar: { title: { text: data.colour_by }, thickness: 12, outlinewidth: 0 },
    }, false));
  } else {
    const groups = new Map();
    all.forEach((i) => { const c = data.codes[i]; if (!groups.has(c)) groups.set(c, []); groups.get(c).push(i); });
    const named = data.palette.length * data.symbols.length;
    [...groups.keys()].sort((a, b) => a - b).forEach((code) => {
      const own = code >= 0 && code < named;
      const color = own ? data.palette[code % data.palette.length] : data.other;
      const symbol = own ? data.symbols[Math.floor(code / data.palette.length)] : "circle";
      const none = data.colour_by === "cluster" ? "in no cluster" : "other";
      traces.push(pick(groups.get(code), plain(cut(code < 0 ? none : data.names[code], 40)), { color, symbol }, groups.size > 1));
    });
  }
  const found = traces.length;
  traces.push(pick([], "found", { color: "#ffffff", size: size + 6, opacity: 1, line: { color: "#d00000", width: 2 } }, false));
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const paint = () => ({
    paper_bgcolor: css("--ground"), plot_bgcolor: css("--ground"), font: { color: css("--ink"), size: 12 },
    margin: { l: 8, r: 8, t: 8, b: 8 }, dragmode: "pan", hovermode: "closest",
    hoverlabel: { bgcolor: css("--ground"), bordercolor: css("--soft"), font: { color: css("--ink") }, align: "left" },
    legend: { itemsizing: "constant", bgcolor: "rgba(0,0,0,0)", title: { text: plain(data.colour_by) } },
    xaxis: { visible: false }, yaxis: { visible: false, scaleanchor: "x" },
    showlegend: window.innerWidth > 700,
    annotations: data.labels.map((l) => ({
      x: l.x, y: l.y, text: plain(cut(l.text, 44)), showarrow: false, yshift: 15,
      font: { size: 12, color: css("--ink") }, bgcolor: css("--ground") + "cc", borderpad: 2,
    })),
  });
  const map = document.getElementById("map");
  Plotly.newPlot(map, traces, paint(), {
    responsive: true, scrollZoom: true, displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    modeBarButtonsToAdd: [{
      name: "SVG", title: "Save as SVG", icon: Plotly.Icons.disk,
      click: (plot) => Plotly.downloadImage(plot, { format: "svg", filename: "map" }),
    }],
    toImageButtonOptions: { format: "png", filename: "map", scale: 2 },
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => Plotly.relayout(map, paint()));
  let waiting;
  document.getElementById("find").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const words = event.target.value.trim().toLowerCase();
      const hit = words ? all.filter((i) => data.ids[i].toLowerCase().includes(words)
        || (data.texts && data.texts[i].toLowerCase().includes(words))) : [];
      document.getElementById("count").textContent = words ? hit.length.toLocaleString("en") + " found" : "";
      Plotly.restyle(map, {
        x: [hit.map((i) => x[i])], y: [hit.map((i) => y[i])], text: [hit.map(said)],
      }, [found]);
    }, 150);
  });
})();
