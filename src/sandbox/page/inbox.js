"use strict";

/* ---- The manager's side ---- */
const kommoChat = () => state.kommo.find(chat => chat.chat_id === view.chat);
const kommoFollow = follower($("kommo-scroll"), $("kommo-jump"));
const kommoPlace = () => ({ conversation_id: kommoChat()?.conversation_id, author: view.author });
// A chat that a manager began has no conversation until the customer is known in it.
const isBegun = chat => Boolean(chat?.conversation_id);
// To the number again, by the same source, it stays the same chat.
const kommoNumber = ({ contact, source }) => ({ phone: contact.phone, source });
const kommoAnswer = () =>
  isBegun(kommoChat()) ? { ...kommoPlace(), reply_to: kommoSide.composer.answered() } : kommoNumber(kommoChat());
const kommoSide = {
  place: kommoAnswer,
  picker: $("kommo-file"),
  me: () => view.author,
  nameOf: (chat, { from, author }) => (from === "customer" ? contactName(chat.contact) : author),
  send: sendKommo,
  more: () =>
    FORMS.map(([picture, label, id, sample, form]) =>
      popupItem(picture, label, `attach-${id}`, () =>
        kommoSide.composer.use(text => sendKommo("reply", { ...kommoAnswer(), text: text || sample, form })),
      ),
    ),
};
kommoSide.composer = composer($("kommo-form"), $("kommo-input"), $("kommo-about"), {
  send: text => sendKommo("reply", { ...kommoAnswer(), text }),
  typed: pingTyping,
});
const STATUS_NAMES = { sent: "Sent", delivered: "Delivered", read: "Read", failed: "Failed" };
const TONES = ["--tg", "--km", "--ok", "--amber"];

async function sendKommo(act, body) {
  if (act !== "react") kommoFollow.pin();
  const answer = await post(`/api/kommo/${act}`, body);
  const refused = (answer?.sent ?? [answer]).find(
    it => it?.hook_status && (it.hook_status < 200 || it.hook_status > 299),
  );
  if (refused) toast(`The bridge answered Kommo's hook with ${refused.hook_status}.`);
  lastPing = 0;
  return answer;
}

let lastPing = 0;
function pingTyping() {
  const { conversation_id } = kommoPlace();
  if (!conversation_id || Date.now() - lastPing < TYPING_EVERY_MS) return;
  lastPing = Date.now();
  // A lost ping is not worth a word: the next one follows.
  call("/api/kommo/typing", { conversation_id }).catch(error => console.warn(error));
}

function renderKommo() {
  const chat = kommoChat();
  $("no-chats").hidden = Boolean(chat);
  $("desk").hidden = !chat;
  if (!chat) return;
  if (shown($("kommo"))) see(chat.chat_id, chat.messages, "customer");
  renderInbox();
  renderContact(chat);
  segmented(
    $("authors"),
    "author",
    AUTHORS.map(name => ({ value: name, label: name })),
    view.author,
    name => {
      view.author = name;
    },
  );
  renderThread(chat);
}

function renderInbox() {
  const latest = chat => chat.messages.at(-1)?.at_ms ?? 0;
  const chats = [...state.kommo].sort((a, b) => latest(b) - latest(a));
  keyed($("inbox"), chats, chat => chat.chat_id, inboxRow, paintInboxRow);
}

function inboxRow(chat) {
  const row = el(
    "button",
    "chat",
    el("span", "avatar"),
    el("span", "line", el("b", "clip"), el("time")),
    el("span", "line", el("span", "last clip"), el("span", "badge")),
    el("span", "tags", el("span", "tag clip source"), el("span", "tag lead", "New lead"), el("span", "tag campaign clip")),
  );
  row.type = "button";
  row.dataset.testid = "kommo-chat";
  row.onclick = () => {
    view.chat = chat.chat_id;
    lastPing = 0;
    render();
  };
  return el("li", "", row);
}

function paintInboxRow(node, chat) {
  const row = node.firstElementChild,
    part = name => row.querySelector(name);
  const last = chat.messages.at(-1),
    waiting = inboxUnread(chat);
  paintAvatar(part(".avatar"), chat.contact);
  setText(part("b"), contactName(chat.contact));
  setText(
    part(".last"),
    last ? (last.from === "customer" ? "" : `${last.author}: `) + summary(last).slice(0, 200) : "",
  );
  if (last) setTime(part("time"), last.at_ms, short);
  setText(part(".badge"), String(waiting));
  part(".badge").ariaLabel = `${waiting} unread`;
  part(".badge").hidden = !waiting;
  row.classList.toggle("unread", waiting > 0);
  setText(part(".source"), roomOf(chat)?.name ?? "");
  part(".lead").hidden = !chat.lead;
  setText(part(".campaign"), chat.campaign?.tags.join(", ") ?? "");
  part(".campaign").hidden = !part(".campaign").textContent;
  const current = String(chat.chat_id === view.chat);
  if (row.getAttribute("aria-current") === current) return;
  row.setAttribute("aria-current", current);
  if (current === "true") requestAnimationFrame(() => row.scrollIntoView({ block: "nearest", inline: "nearest" }));
}

// One to whom a manager wrote first has only a number.
const contactName = ({ name, phone }) => name || phone;

function paintAvatar(node, contact) {
  const { name, avatar } = contact;
  const tone = TONES[[...name].reduce((sum, letter) => ((sum * 31) % 9973) + letter.codePointAt(0), 0) % TONES.length];
  painted(node, [name, avatar], () => [
    avatar ? Object.assign(el("img"), { src: avatar, alt: "" }) : initials(name) || "#",
  ]);
  node.style.setProperty("--tone", `var(${tone})`);
}

function renderContact(chat) {
  const { contact } = chat;
  const link = contact.link?.startsWith("https://") ? contact.link : null;
  paintAvatar($("contact-avatar"), contact);
  setText($("contact-name"), contactName(contact));
  setText($("contact-source"), [roomNote(chat), contact.name && contact.phone].filter(Boolean).join(" · "));
  $("contact-link").hidden = !link;
  if (link) $("contact-link").href = link;
  setText($("contact-link"), link ? link.slice("https://".length) : "");
  renderCampaign(chat.campaign);
}

// Where the lead came from, as Kommo shows it on its card.
function renderCampaign(campaign) {
  const told = [
    ...(campaign?.tags ?? []).map(tag => `#${tag}`),
    ...(campaign?.utm ?? []).map(({ name, value }) => `${name}: ${value}`),
  ];
  $("contact-campaign").hidden = !told.length;
  painted($("contact-campaign"), told, () => told.map(text => el("span", "tag campaign", text)));
}

function renderThread(chat) {
  const moved = kommoSide.composer.switchTo(chat.chat_id);
  $("thread").classList.toggle("unbegun", !isBegun(chat));
  keyed(
    $("kommo-messages"),
    clusters(chat.messages),
    ([message]) => `${chat.chat_id}:${message.id}`,
    ([message]) => kommoBubble(moved, message),
    (node, messages, before, after) => paintKommo(node, chat, messages, before, after),
  );
  if (moved) kommoFollow.pin();
  else kommoFollow.follow();
}

function kommoBubble(moved, message) {
  if (message.from === "customer") return bubble(moved, kommoSide);
  const mark = el("span", "mark");
  mark.dataset.testid = "status";
  mark.setAttribute("role", "img");
  return bubble(moved, kommoSide, mark);
}

// Of an album, the message that is worst off counts.
const WORST_FIRST = ["failed", "sent", "delivered", "read"];
const worst = messages =>
  [...messages].sort((a, b) => WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status))[0];

function paintKommo(node, chat, messages, before, after) {
  const voice = cluster => cluster && `${cluster[0].from}:${cluster[0].author}`;
  const message = worst(messages);
  const error = node.querySelector(".error"),
    mark = node.querySelector(".mark");
  group(node, message.from !== "customer", voice(before) !== voice(messages), voice(after) !== voice(messages));
  setText(node.querySelector(".author"), message.author);
  node.classList.toggle("failed", message.status === "failed");
  paintBubble(node, kommoSide, chat, messages);
  error.hidden = message.status !== "failed" || !message.error;
  setText(error, message.error?.text ?? "");
  if (mark) paintMark(mark, message);
}

function paintMark(mark, { status, error }) {
  const code = status === "failed" && error ? String(error.code) : "";
  const painted = `${status} ${code}`;
  if (mark.dataset.painted === painted) return;
  mark.dataset.painted = painted;
  mark.dataset.status = status ?? "";
  mark.ariaLabel = `${STATUS_NAMES[status] ?? "No status"} ${code}`.trim();
  mark.title = mark.ariaLabel;
  // Two ticks have one shape, read is told by colour and name.
  mark.replaceChildren(...(status ? [icon(status === "read" ? "delivered" : status), code] : []));
}
