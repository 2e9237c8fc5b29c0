const WORDS = new Set(
  ("all and any array as asc between by case cast cross current_setting desc distinct do else end exists explain "
  + "false fetch first for from full group having in inner insert into is join lateral left like limit local "
  + "materialized natural not null nulls offset on or order outer over partition reset returning right row rows "
  + "alter analyze concurrently create drop index reindex "
  + "select set show then to true union update using values when where window with begin commit").split(" "),
);
const TOKEN = /(--[^\n]*|\/\*[^]*?\*\/)|('(?:[^']|'')*'|\$(\w*)\$[^]*?\$\3\$)|("(?:[^"]|"")*")|(\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|([A-Za-z_]\w*)/gi;

/** Colour the words of a statement; what is not understood stays as it is. */
function colour(node, text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const kind = match[1] ? "comment" : match[2] ? "string" : match[4] ? "" : match[5] ? "number"
      : WORDS.has(match[0].toLowerCase()) ? "word" : "";
    if (!kind) continue;
    parts.push(document.createTextNode(text.slice(at, match.index)), el("span", kind, match[0]));
    at = match.index + match[0].length;
  }
  parts.push(document.createTextNode(text.slice(at)));
  node.replaceChildren(...parts);
}

function makeSql() {
  const root = el("div", "root sql");
  const pre = el("pre");
  const code = el("code");
  const copy = el("button", "copy");
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", "SQL");
  copy.type = "button";
  copy.addEventListener("click", () => copyText(root.full, copy));
  pre.append(code);
  root.append(pre, copy);
  root.parts = { code, copy };
  return root;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, makeSql);
  const { code, copy } = root.parts;
  if (root.shown !== data.shown) colour(code, data.shown);
  root.shown = data.shown;
  root.full = data.full;
  setText(copy, data.shortened ? "Copy in full" : "Copy");
  setAttr(copy, "title", data.shortened ? "Copies the statement with every number of its vectors" : null);
}
