// Shared by all components; put before each component's own module.

/** Make an element; `text` is set as text, never parsed. */
function el(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = String(text);
  return node;
}

/** Change text or an attribute only where it differs, so that nothing is laid out again for nothing. */
function setText(node, text) {
  const next = text === undefined || text === null ? "" : String(text);
  if (node.textContent !== next) node.textContent = next;
}

function setAttr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/** Say on `button` that the text was copied, then show its own label again. */
async function copyText(text, button) {
  let copied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea");
    area.value = text;
    area.style.cssText = "position:fixed;opacity:0";
    document.body.append(area);
    area.select();
    copied = document.execCommand("copy");
    area.remove();
  }
  if (!button) return copied;
  button.dataset.copied = copied ? "copied" : "press Ctrl+C";
  clearTimeout(button._copied);
  button._copied = setTimeout(() => delete button.dataset.copied, 1400);
  return copied;
}

/** The component's root element: made once for each mount, found again at every rerun. */
const roots = new WeakMap();

function rootOf(parentElement, make) {
  let root = roots.get(parentElement);
  if (!root || root.parentNode !== parentElement) {
    root = make();
    parentElement.append(root);
    roots.set(parentElement, root);
  }
  return root;
}
