"use strict";
const AUTHORS = ["Maria (manager)", "Salesbot"];
const TRAFFIC_SHOWN = 400;
const TYPING_EVERY_MS = 3000;
const BOT_ACTION_ENDS_MS = 5100;
const RETRY_MS = 2000;
const TOAST_MS = 7000;

let state = null;
const view = { customer: null, room: null, asOwner: false, chat: null, author: AUTHORS[0] };

/* ---- Small tools ---- */
const $ = id => document.getElementById(id);
const shown = node => node.offsetParent !== null;
const short = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const initials = name =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map(word => [...word][0])
    .join("")
    .toUpperCase();
const botName = source => state.bots.find(bot => bot.source === source)?.name ?? source;

function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// Writes only differences, so that screen readers and selections are left alone.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setTime(node, at, format) {
  setText(node, format.format(at));
  node.dateTime = new Date(at).toISOString();
}

// Makes the children of `list` follow `items`, reusing the node of each key.
function keyed(list, items, keyOf, make, paint) {
  const old = new Map([...list.children].map(node => [node.dataset.key, node]));
  const focused = document.activeElement;
  let cursor = list.firstElementChild;
  items.forEach((item, at) => {
    const key = String(keyOf(item));
    const known = old.get(key);
    const node = known ?? make(item);
    old.delete(key);
    node.dataset.key = key;
    paint(node, item, items[at - 1], items[at + 1]);
    if (node === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(node, cursor);
  });
  for (const node of old.values()) node.remove();
  // Moving a node takes its focus away.
  if (focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
}

function segmented(box, name, options, current, pick) {
  const make = option => {
    const input = Object.assign(el("input"), { type: "radio", name, value: option.value });
    return el("label", "", input, el("span", "clip"), el("i"));
  };
  keyed(
    box,
    options,
    option => option.value,
    make,
    (node, option) => {
      const [input, label, dot] = node.children;
      input.checked = String(option.value) === String(current);
      setText(label, option.label);
      label.title = option.label;
      dot.hidden = !option.dot;
    },
  );
  box.onchange = event => pick(event.target.value);
}

function toast(text) {
  const close = el("button", "", icon("close"));
  close.type = "button";
  close.ariaLabel = "Dismiss";
  const node = el("div", "toast", el("span", "", text), close);
  close.onclick = () => node.remove();
  setTimeout(() => node.remove(), TOAST_MS);
  $("toasts").replaceChildren(node);
}

/* ---- Talking to the sandbox ---- */
async function call(path, body) {
  const request =
    body instanceof FormData
      ? { method: "POST", body }
      : body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, request);
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error ?? `The sandbox answered ${response.status}.`);
  return answer;
}

// The answer of a POST, or null after a toast has said why there is none.
async function post(path, body) {
  try {
    return (await call(path, body)) ?? {};
  } catch (error) {
    toast(error instanceof TypeError ? "The sandbox cannot be reached. Is it still running?" : error.message);
    return null;
  }
}

let fetching = false,
  stale = false,
  actionEnds = 0;
async function refresh() {
  stale = true;
  if (fetching) return;
  fetching = true;
  try {
    while (stale) {
      stale = false;
      state = await call("/api/state");
      render();
    }
  } catch (error) {
    console.error(error);
    setTimeout(refresh, RETRY_MS);
  } finally {
    fetching = false;
  }
  clearTimeout(actionEnds);
  if (state?.telegram.some(chat => chat.bot_action)) actionEnds = setTimeout(refresh, BOT_ACTION_ENDS_MS);
}

function listen() {
  const events = new EventSource("/api/events");
  events.onopen = () => {
    setLink(true);
    refresh();
  };
  events.onmessage = refresh;
  events.onerror = () => {
    setLink(false);
    // The browser retries a cut stream by itself, but never a refused one.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  };
}

function setLink(up) {
  $("link").dataset.up = up;
  setText($("link"), up ? "Connected" : "Reconnecting…");
}
