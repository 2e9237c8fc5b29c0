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
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colourOf = (code) => {
    const table = dark.matches ? data.dark : data.light;
    return table[code >= 0 && code < named ? code % several : several];
  };
  const several = data.light.length - 1, named = several * data.symbols.length;
  const traces = [], coded = [];
  const all = Array.from({ length: data.n }, (_, i) => i);
  if (data.values) {
    const known = all.filter((i) => data.values[i] !== null);
    const rest = all.filter((i) => data.values[i] === null);
    if (rest.length) {
      coded.push(-1);
      traces.push(pick(rest, "no value", { color: colourOf(-1) }, true));
    }
    traces.push(pick(known, data.colour_by, {
      color: known.map((i) => data.values[i]), colorscale: data.scale, showscale: true,
      colorbar: { title: { text: data.colour_by }, thickness: 12, outlinewidth: 0 },
    }, false));
  } else {
    const groups = new Map();
    all.forEach((i) => { const c = data.codes[i]; if (!groups.has(c)) groups.set(c, []); groups.get(c).push(i); });
    [...groups.keys()].sort((a, b) => a - b).forEach((code) => {
      const symbol = code >= 0 && code < named ? data.symbols[Math.floor(code / several)] : "circle";
      const none = data.colour_by === "cluster" ? "in no cluster" : "other";
      const name = plain(cut(code < 0 ? none : data.names[code], 40));
      coded.push(code);
      traces.push(pick(groups.get(code), name, { color: colourOf(code), symbol }, groups.size > 1));
    });
  }
  const found = traces.length;
  traces.push(pick([], "found", { color: "#ffffff", size: size + 6, opacity: 1, line: { color: "#d00000", width: 2 } }, false));
  const map = document.getElementById("map");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "12px sans-serif";
  /** The clusters' names that there is room for, those of larger clusters first. */
  const labels = () => {
    const { xaxis, yaxis } = map._fullLayout ?? {};
    const taken = [];
    const free = (l) => {
      if (!xaxis) return true;
      const [px, py] = [xaxis.l2p(l.x), yaxis.l2p(l.y)], half = pen.measureText(cut(l.text, 44)).width / 2 + 5;
      const box = [px - half, py - 10, px + half, py + 10];
      if (taken.some((t) => t[0] < box[2] && t[2] > box[0] && t[1] < box[3] && t[3] > box[1])) return false;
      return taken.push(box);
    };
    return data.labels.filter(free).map((l) => ({
      x: l.x, y: l.y, text: plain(cut(l.text, 44)), showarrow: false, yshift: 15,
      font: { size: 12, color: css("--ink") }, bgcolor: css("--ground") + "cc", borderpad: 2,
    }));
  };
  /** What the theme decides. */
  const tones = () => ({
    paper_bgcolor: css("--ground"), plot_bgcolor: css("--ground"), font: { color: css("--ink"), size: 12 },
    hoverlabel: { bgcolor: css("--ground"), bordercolor: css("--soft"), font: { color: css("--ink") }, align: "left" },
    annotations: labels(),
  });
  const layout = {
    ...tones(), margin: { l: 8, r: 8, t: 36, b: 8 }, dragmode: "pan", hovermode: "closest",
    legend: { itemsizing: "constant", bgcolor: "rgba(0,0,0,0)", title: { text: plain(data.colour_by) } },
    xaxis: { visible: false }, yaxis: { visible: false, scaleanchor: "x" },
    showlegend: window.innerWidth > 700,
  };
  Plotly.newPlot(map, traces, layout, {
    responsive: true, scrollZoom: true, displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    modeBarButtonsToAdd: [{
      name: "SVG", title: "Save as SVG", icon: Plotly.Icons.disk,
      click: (plot) => Plotly.downloadImage(plot, { format: "svg", filename: "map" }),
    }],
    toImageButtonOptions: { format: "png", filename: "map", scale: 2 },
  }).then(() => {
    const again = () => Plotly.relayout(map, { annotations: labels() });
    map.on("plotly_relayout", (changed) => {
      if (Object.keys(changed).some((key) => /^(.axis|autosize)/.test(key))) again();
    });
    again();
  });
  dark.addEventListener("change", () => {
    Plotly.restyle(map, { "marker.color": coded.map(colourOf) }, coded.map((_, i) => i));
    Plotly.relayout(map, tones());
  });
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
