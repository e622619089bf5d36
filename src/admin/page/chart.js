// Charts of a day by the hour, as wide as their place. Each has a table with the same numbers beside it.

import { shape } from "./dom.js";
import { clock, took } from "./words.js";

const HEIGHT = 118;
const TOP = 10;
const BOTTOM = 22;
const LEFT = 46;
const FLOOR = HEIGHT - BOTTOM;
// Steps of a scale of times, in milliseconds.
const STEPS = [10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 43_200_000, 86_400_000];

function frame(width, label, lines) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": label });
  for (const [y, text] of lines) {
    svg.append(
      shape("line", { class: "grid", x1: LEFT, x2: width, y1: y, y2: y }),
      shape("text", { x: LEFT - 7, y: y + 4, "text-anchor": "end" }, text),
    );
  }
  return svg;
}

// Gives each hour its place, and names the hours that there is room for.
function columns(svg, width, hours, draw) {
  const step = (width - LEFT) / hours.length;
  const every = step * 4 > 44 ? 4 : 6;
  hours.forEach((hour, at) => {
    const x = LEFT + at * step;
    const column = draw(hour, x + step * 0.14, step * 0.72);
    if (column) svg.append(column);
    if (new Date(hour.since).getHours() % every === 0 && x + step / 2 < width - 12) {
      svg.append(shape("text", { x: x + step / 2, y: HEIGHT - 5, "text-anchor": "middle" }, clock(hour.since)));
    }
  });
}

// A scale that ends at a round number.
function round(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 5, 10].map(step => step * power).find(step => step >= most);
}

// How many messages came in each hour, and how many failed.
export function messages(width, hours, direction, label) {
  const most = Math.max(...hours.map(hour => Math.max(hour[direction].received, hour[direction].failed)));
  const end = Math.max(round(most), 2);
  const height = number => (number / end) * (FLOOR - TOP);
  const middle = end % 2 === 0 ? [[FLOOR - height(end / 2), `${end / 2}`]] : [];
  const svg = frame(width, label, [[FLOOR, "0"], ...middle, [TOP, `${end}`]]);
  columns(svg, width, hours, (hour, x, wide) => {
    const { received, failed } = hour[direction];
    if (received + failed === 0) return null;
    const bar = (number, kind) =>
      number === 0
        ? null
        : shape("rect", {
            class: kind,
            x,
            y: FLOOR - Math.max(height(number), 2),
            width: wide,
            height: Math.max(height(number), 2),
            rx: 2,
          });
    return shape(
      "g",
      {},
      shape("title", {}, `${clock(hour.since)}: ${received} received, ${failed} failed`),
      bar(received, "bar"),
      bar(failed, "failed"),
    );
  });
  return svg;
}

// Within which time half of the messages of each hour arrived, and 99 of 100, on a scale of powers.
export function delays(width, hours, direction, label) {
  const times = hours.flatMap(hour => [hour[direction].p50_ms, hour[direction].p99_ms]).filter(time => time !== null);
  const above = STEPS.findIndex(step => step >= Math.max(...times));
  const last = above < 0 ? STEPS.length - 1 : Math.max(above, 2);
  const low = Math.max(
    STEPS.findLastIndex(step => step <= Math.min(...times)),
    0,
  );
  const first = Math.min(low, last - 1);
  const scale = time => Math.log(Math.min(Math.max(time, STEPS[first]), STEPS[last]));
  const y = time =>
    FLOOR - ((scale(time) - scale(STEPS[first])) / (scale(STEPS[last]) - scale(STEPS[first]))) * (FLOOR - TOP);
  const every = Math.ceil((last - first) / 3);
  const marks = STEPS.slice(first, last + 1).filter((_, at) => at % every === 0);
  const svg = frame(
    width,
    label,
    marks.map(step => [y(step), took(step).replace(".0", "")]),
  );
  columns(svg, width, hours, (hour, x, wide) => {
    const { p50_ms: half, p99_ms: most } = hour[direction];
    if (half === null) return null;
    return shape(
      "g",
      {},
      shape("title", {}, `${clock(hour.since)}: half within ${took(half)}, 99% within ${took(most)}`),
      shape("rect", { class: "range", x, y: y(most), width: wide, height: Math.max(y(half) - y(most), 3), rx: 2 }),
      shape("rect", { class: "middle", x, y: y(half) - 1.5, width: wide, height: 3, rx: 1.5 }),
    );
  });
  return svg;
}
