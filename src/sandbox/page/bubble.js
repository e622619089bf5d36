"use strict";

/* ---- Bubbles of both sides. An album is one bubble for several messages ---- */
const CARD_ICONS = { contact: "person", location: "pin", venue: "pin", poll: "poll", dice: "dice" };
const REACTIONS = ["👍", "❤", "🔥", "👏", "😁", "😢", "👎"];
const LONG_PRESS_MS = 500,
  FLASH_MS = 1600;
// The plain heart is what both sides know; this one is red.
const emojiText = emoji => (emoji === "❤" ? "❤\uFE0F" : emoji);

// Fills a node anew only if what it shows has changed, so that players go on and focus stays.
function painted(node, state, children) {
  const key = JSON.stringify(state);
  if (node.dataset.painted === key) return;
  node.dataset.painted = key;
  node.replaceChildren(...children());
}

function clusters(messages) {
  const all = [];
  for (const message of messages) {
    const last = all.at(-1)?.[0];
    const together = last && message.album && last.album === message.album && last.from === message.from;
    if (together) all.at(-1).push(message);
    else all.push([message]);
  }
  return all;
}

function textNode(text) {
  const node = el("div", "text", text);
  node.dir = "auto";
  return node;
}

function bubble(moved, side, ...marks) {
  const more = Object.assign(el("button", "more", icon("dots")), { type: "button", ariaLabel: "Reply or react" });
  const quote = Object.assign(el("button", "quote", el("b", "clip"), el("span", "clip")), { type: "button" });
  more.dataset.testid = "message-menu";
  quote.dataset.testid = "quote";
  const meta = el("span", "meta", el("span", "note"), el("time"), ...marks);
  const body = el(
    "div",
    "bubble",
    quote,
    el("div", "files"),
    el("div", "card", el("span", "cardicon"), el("div", "cardtext")),
    textNode(""),
    meta,
  );
  const node = el(
    "li",
    moved ? "msg" : "msg fresh",
    el("span", "author clip"),
    el("div", "row", body, more),
    el("div", "keys"),
    el("div", "reactions"),
    el("p", "error"),
  );
  more.onclick = () => messageMenu(side, node, more);
  onLongPress(body, () => messageMenu(side, node, more));
  return node;
}

function onLongPress(node, act) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  node.addEventListener("pointerdown", event => {
    stop();
    if (event.pointerType === "touch") timer = setTimeout(act, LONG_PRESS_MS);
  });
  for (const end of ["pointerup", "pointercancel", "pointermove", "pointerleave"]) node.addEventListener(end, stop);
  node.addEventListener("contextmenu", event => {
    if (event.pointerType === "touch") event.preventDefault();
  });
}

function paintBubble(node, side, chat, messages) {
  const part = name => node.querySelector(`:scope .${name}`);
  const [first] = messages,
    last = messages.at(-1);
  const files = messages.map(message => message.media).filter(Boolean);
  const card = messages.find(message => message.card)?.card;
  const sticker = files.length === 1 && files[0].kind === "sticker" && Boolean(files[0].url);
  const text = messages
    .map(message => message.text)
    .filter(Boolean)
    .join("\n");
  node.messages = messages;
  node.dataset.ids = messages.map(message => message.id).join(" ");
  part("bubble").classList.toggle("sticker", sticker);
  part("bubble").classList.toggle(
    "seen",
    files.length > 0 && files.every(file => file.url && ["picture", "video"].includes(file.kind)),
  );
  paintQuote(part("quote"), side, chat, first);
  paintFiles(part("files"), files);
  part("files").hidden = !files.length;
  part("card").hidden = !card;
  painted(part("cardicon"), card?.kind, () => (card ? [icon(CARD_ICONS[card.kind] ?? "template")] : []));
  setText(part("cardtext"), card?.text ?? "");
  setText(part("text"), text);
  part("text").hidden = !text;
  setText(
    part("note"),
    [last.template && "template", messages.some(message => message.edited) && "edited"].filter(Boolean).join(", "),
  );
  part("note").hidden = !part("note").textContent;
  setTime(node.querySelector("time"), last.at_ms, short);
  const keys = messages.flatMap(message => message.keys.map((row, at) => ({ message, row, at })));
  part("keys").hidden = !keys.length;
  painted(
    part("keys"),
    keys.map(({ message, row }) => [message.id, row]),
    () => keys.map(it => keyRow(side, it)),
  );
  paintReactions(part("reactions"), side, chat, messages);
}

/* ---- Quotes ---- */
function paintQuote(node, side, chat, message) {
  const quoted = message.reply_to && chat.messages.find(({ id }) => id === message.reply_to);
  const text = quoted ? summary(quoted) : (message.cited ?? (message.reply_to ? "Message" : ""));
  node.hidden = !text;
  node.disabled = !quoted;
  setText(node.firstElementChild, quoted ? side.nameOf(chat, quoted) : "");
  setText(node.lastElementChild, text);
  node.onclick = () => showMessage(node.closest(".messages"), message.reply_to);
}

function showMessage(list, id) {
  const node = [...list.children].find(it => it.dataset.ids.split(" ").includes(String(id)));
  if (!node) return;
  node.scrollIntoView({ block: "center", behavior: "smooth" });
  node.classList.add("flash");
  setTimeout(() => node.classList.remove("flash"), FLASH_MS);
}

/* ---- Buttons below a message ---- */
function keyRow(side, { message, row, at }) {
  return el("div", "keyrow", ...row.map((key, column) => keyNode(side, message, key, at, column)));
}

function keyNode(side, message, key, row, column) {
  if (/^https?:\/\//i.test(key.url ?? "")) {
    return Object.assign(el("a", "key", el("span", "clip", key.text), icon("link")), {
      href: key.url,
      target: "_blank",
      rel: "noreferrer noopener",
      title: key.url,
    });
  }
  if (!key.answers || !side.press) return el("span", "key", el("span", "clip", key.text));
  const node = Object.assign(el("button", "key", el("span", "clip", key.text)), { type: "button" });
  node.dataset.testid = "key";
  node.onclick = () => side.press(message.id, row, column);
  return node;
}

/* ---- Reactions ---- */
function paintReactions(node, side, chat, messages) {
  const all = messages.flatMap(message => message.reactions.map(reaction => ({ ...reaction, id: message.id })));
  const me = side.me();
  node.hidden = !all.length;
  painted(node, [all, me], () =>
    all.map(({ by, emoji, id }) => {
      const mine = by === me,
        name = side.nameOf(chat, { from: by, author: by });
      const chip = el(mine ? "button" : "span", mine ? "reaction own" : "reaction", emojiText(emoji));
      chip.dataset.testid = "reaction";
      chip.title = mine ? "Take the reaction back" : name;
      chip.ariaLabel = mine ? `${emoji}: take it back` : `${emoji} from ${name}`;
      if (mine)
        Object.assign(chip, {
          type: "button",
          onclick: () => side.send("react", { ...side.place(), message_id: id, emoji: null }),
        });
      else chip.setAttribute("role", "img");
      return chip;
    }),
  );
}

/* ---- What can be done with a message ---- */
function messageMenu(side, node, anchor) {
  const { messages } = node,
    [message] = messages;
  const own = messages.flatMap(({ reactions }) => reactions).find(({ by }) => by === side.me())?.emoji;
  const react = emoji =>
    side.send("react", { ...side.place(), message_id: message.id, emoji: emoji === own ? null : emoji });
  const picker = REACTIONS.map(emoji => {
    const item = el("button", "emoji", emojiText(emoji));
    item.type = "button";
    item.ariaLabel = `React with ${emoji}`;
    item.ariaPressed = emoji === own;
    item.dataset.testid = `react-${emoji}`;
    item.onclick = () => {
      closePopup();
      react(emoji);
    };
    return item;
  });
  const items = [popupItem("reply", "Reply", "menu-reply", () => side.composer.begin("reply", message))];
  const changed = messages.find(({ text }) => text) ?? message;
  if (side.canEdit?.(changed))
    items.push(popupItem("edit", "Edit", "menu-edit", () => side.composer.begin("edit", changed)));
  const canReact = side.canReact?.() ?? true;
  openPopup(anchor, "Message", ...(canReact ? [el("div", "picker", ...picker)] : []), ...items);
}
