// Elements without markup: what others have written is text and nothing else.

const SVG = "http://www.w3.org/2000/svg";

// How long the bridge may take to answer, in milliseconds.
export const PATIENCE = 10_000;

export const byId = id => document.getElementById(id);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined));
  return node;
}

export const element = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);

export const shape = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

// A time that passes: its words are written anew by the clock of the page.
export const since = (at, before = "", after = "") =>
  element("time", {
    datetime: new Date(at).toISOString(),
    title: new Date(at).toLocaleString(),
    "data-at": at,
    "data-before": before,
    "data-after": after,
  });

// A table whose first row names the columns; `numbers` are the columns with numbers.
export function table(head, rows, numbers = [], caption = null) {
  const kind = at => (numbers.includes(at) ? "number" : null);
  return element(
    "table",
    {},
    caption && element("caption", { class: "sr" }, caption),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        head.map((cell, at) => element("th", { scope: "col", class: kind(at) }, cell)),
      ),
    ),
    element(
      "tbody",
      {},
      rows.map(row =>
        element(
          "tr",
          {},
          row.map((cell, at) => element("td", { class: kind(at) }, cell)),
        ),
      ),
    ),
  );
}
