function makeCard() {
  const card = el("li", "card");
  card.parts = [el("span", "token"), el("span", "arrow", "↓"), el("span", "kept"), el("span", "kind"), el("span", "kind")];
  card.parts[1].setAttribute("aria-hidden", "true");
  card.append(...card.parts);
  return card;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = rootOf(parentElement, () => {
    const made = el("div", "root lexemes");
    const list = el("ol", "list");
    list.setAttribute("aria-label", "Tokens, and what is kept of each");
    made.append(list);
    return made;
  });
  const list = root.firstChild;
  while (list.children.length > data.cards.length) list.lastChild.remove();
  data.cards.forEach((item, i) => {
    const card = list.children[i] ?? list.appendChild(makeCard());
    const [token, , kept, kind, dictionary] = card.parts;
    setText(token, item.token);
    setText(kept, item.kept || item.why);
    setText(kind, item.kind);
    setText(dictionary, item.dictionary);
    setAttr(card, "title", item.help || null);
    card.classList.toggle("gone", !item.kept);
  });
}
