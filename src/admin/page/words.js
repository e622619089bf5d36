// Numbers, times and places in words.

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export const counted = (number, one) => (number === 1 ? `1 ${one}` : `${number} ${one}s`);

// A span of time in its two largest units.
export function span(millis) {
  let left = Math.max(0, Math.floor(millis / 1000));
  const largest = UNITS.findIndex(([, unit]) => left >= unit);
  const words = [];
  for (const [name, unit] of UNITS.slice(largest < 0 ? 3 : largest).slice(0, 2)) {
    const count = Math.floor(left / unit);
    left %= unit;
    if (count > 0 || (words.length === 0 && unit === 1)) words.push(counted(count, name));
  }
  return words.join(" ");
}

// A span in its largest unit alone.
export const about = millis => span(millis).split(" ").slice(0, 2).join(" ");

// How long a message took, as precise as it is known.
export function took(millis) {
  if (millis === null) return "–";
  if (millis < 1000) return `${millis} ms`;
  if (millis < 10_000) return `${(millis / 1000).toFixed(1)} s`;
  if (millis < 120_000) return `${Math.round(millis / 1000)} s`;
  if (millis < 7_200_000) return `${Math.round(millis / 60_000)} min`;
  return `${Math.round(millis / 3_600_000)} h`;
}

export function size(bytes) {
  if (bytes < 2 ** 20) return `${Math.floor(bytes / 1024)} kB`;
  if (bytes < 10 * 2 ** 30) return `${Math.floor(bytes / 2 ** 20)} MB`;
  return `${Math.floor(bytes / 2 ** 30)} GB`;
}

export const day = at => new Date(at).toLocaleDateString(undefined, { dateStyle: "medium" });
export const clock = at =>
  new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// What goes on a route.
export function meaning(route) {
  if (route === "inbound") return "From customers to Kommo";
  if (route.startsWith("outbound:")) return `Answers of managers by ${route.slice(9)}`;
  if (route === "report") return "Delivery statuses to Kommo";
  if (route === "account") return "Links and notes in the account";
  if (route === "stray") return "Answers in unknown conversations";
  return route;
}
