/** What a point is called and what is known of it, shown beside the pointer. */

const ASK_AFTER_MS = 120;
const ASK_AGAIN_MS = 4000;

function hover(board, points, event) {
  const point = points.find((item) => item.curveNumber === BASE);
  if (!point || isHidden(board, point.pointNumber)) return;
  const place = point.pointNumber;
  board.over = place;
  tell(board, place);
  const { tip } = board.root;
  tip.hidden = false;
  const box = board.root.getBoundingClientRect();
  board.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
  placeTip(board);
  clearTimeout(board.asking);
  // of a large map titles are asked for one by one, once the pointer rests
  if (board.titles[place] === undefined) board.asking = setTimeout(() => askTitle(board, place), ASK_AFTER_MS);
}

function leavePoint(board) {
  clearTimeout(board.asking);
  board.over = null;
  board.root.tip.hidden = true;
}

function tell(board, place) {
  const { tip } = board.root;
  const id = board.ids[place];
  const title = board.titles[place];
  const kinds = (board.overlay?.marks ?? []).filter((mark) => mark[3] === id).map(([kind]) => MARKS[kind]?.[3]);
  setText(tip.children[0], title || id);
  setText(tip.children[1], title && title !== id ? id : "");
  setText(tip.children[2], [...new Set(kinds), valueOf(board, place)].filter(Boolean).join(" · "));
}

function placeTip(board) {
  const { tip } = board.root;
  const { x, y } = board.pointer;
  const box = board.root.getBoundingClientRect();
  tip.style.left = `${Math.max(0, Math.min(x + 14, box.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 10 : y + 18}px`;
}

/** Ask for one title; what the pointer has come to meanwhile is asked for when the answer is there. */
function askTitle(board, place) {
  const now = performance.now();
  const waits = board.asked !== undefined && now - board.askedAt < ASK_AGAIN_MS;
  if (!board.askTitle || board.over !== place || waits) return;
  board.asked = place;
  board.askedAt = now;
  board.askTitle({ id: board.ids[place], token: board.token });
}

function takeTitle(board) {
  const { id, title, token } = board.title;
  const place = board.asked;
  if (token !== board.token) return;
  board.asked = undefined;
  if (place === undefined || board.ids[place] !== id) return;
  board.titles[place] = title ?? "";
  if (board.over === place) {
    tell(board, place);
    placeTip(board);
  } else if (board.over !== null && board.titles[board.over] === undefined) {
    askTitle(board, board.over);
  }
}

function valueOf(board, place) {
  const { colour, codes } = board;
  if (!colour || !codes || colour.kind === "none") return "";
  const code = codes[place];
  if (code === NONE) return `${colour.title}: none`;
  if (colour.kind === "category") {
    const row = colour.legend.find((item) => item[2] === code);
    return row ? `${colour.title}: ${row[0]}` : "";
  }
  const value = colour.low + ((colour.high - colour.low) * code) / LEVELS;
  return `${colour.title} ≈ ${Number(value.toPrecision(3))}`;
}
