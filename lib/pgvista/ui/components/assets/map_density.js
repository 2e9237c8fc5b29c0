/** Where points lie densely: a grid of counts, smoothed, as a contour chart takes it. */

const GRID = 64;
const REACH = 4;
const WEIGHTS = Array.from({ length: 2 * REACH + 1 }, (_, i) => Math.exp(-((i - REACH) ** 2) / 6));

function smoothed(grid, step, other) {
  const whole = WEIGHTS.reduce((sum, weight) => sum + weight);
  const made = new Float64Array(grid.length);
  for (let line = 0; line < GRID; line++) {
    for (let at = 0; at < GRID; at++) {
      let sum = 0;
      for (let i = -REACH; i <= REACH; i++) {
        const from = at + i;
        if (from >= 0 && from < GRID) sum += WEIGHTS[i + REACH] * grid[line * other + from * step];
      }
      made[line * other + at * step] = sum / whole;
    }
  }
  return made;
}

/** Return `x`, `y` and `z`, 0 to 1 by the root of the density; null for fewer than three points. */
function densityGrid(xs, ys) {
  let [left, right, low, high, count] = [Infinity, -Infinity, Infinity, -Infinity, 0];
  const there = (i) => Number.isFinite(xs[i]) && Number.isFinite(ys[i]);
  for (let i = 0; i < xs.length; i++) {
    if (!there(i)) continue;
    [left, right] = [Math.min(left, xs[i]), Math.max(right, xs[i])];
    [low, high] = [Math.min(low, ys[i]), Math.max(high, ys[i])];
    count++;
  }
  if (count < 3) return null;
  const roomX = Math.max(right - left, 1e-6) * 0.12; // so that the outermost contours close
  const roomY = Math.max(high - low, 1e-6) * 0.12;
  [left, right, low, high] = [left - roomX, right + roomX, low - roomY, high + roomY];
  const [wide, tall] = [(right - left) / GRID, (high - low) / GRID];
  let grid = new Float64Array(GRID * GRID);
  for (let i = 0; i < xs.length; i++) {
    if (there(i)) grid[Math.floor((ys[i] - low) / tall) * GRID + Math.floor((xs[i] - left) / wide)]++;
  }
  grid = smoothed(smoothed(grid, 1, GRID), GRID, 1);
  const most = grid.reduce((best, value) => Math.max(best, value), 0) || 1;
  return {
    x: Array.from({ length: GRID }, (_, i) => left + (i + 0.5) * wide),
    y: Array.from({ length: GRID }, (_, i) => low + (i + 0.5) * tall),
    z: Array.from({ length: GRID }, (_, row) =>
      Array.from(grid.subarray(row * GRID, (row + 1) * GRID), (value) => Math.sqrt(value / most)),
    ),
  };
}
