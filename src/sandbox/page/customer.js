"use strict";

/* ---- The customer's side ---- */
const customerFollow = follower($("customer-scroll"), $("customer-jump"));
const ACTIONS = {
  typing: "typing…",
  upload_photo: "sending a photo…",
  upload_video: "sending a video…",
  upload_document: "sending a file…",
  upload_voice: "sending a voice message…",
  record_voice: "recording a voice message…",
  choose_sticker: "choosing a sticker…",
};
const customerSide = {
  place: () => ({ ...customerPlace(), reply_to: customerSide.composer.answered() }),
  picker: $("customer-file"),
  me: () => "customer",
  nameOf: writerName,
  canReact: () => currentRoom()?.kind === "bot",
  canEdit: message =>
    message.from !== "bot" && message.by === speaker() && !message.card && message.media?.kind !== "sticker",
  send: (act, body) => {
    if (act !== "react") customerFollow.pin();
    return post(`/api/telegram/${act}`, body);
  },
  press: (id, row, column) => post("/api/telegram/press", { ...customerPlace(), message_id: id, row, column }),
  more: () => [
    ...PIECES.map(([picture, label, id, piece]) =>
      popupItem(picture, label, `attach-${id}`, () => customerSide.send("send_piece", { ...customerPlace(), piece })),
    ),
    ...programItem(),
  ],
};
customerSide.composer = composer($("customer-form"), $("customer-input"), $("customer-about"), {
  send: (text, about) =>
    about?.mode === "edit"
      ? customerSide.send("edit", { ...customerPlace(), message_id: about.id, text })
      : customerSide.send("write", { ...customerPlace(), text, reply_to: about?.id }),
});

// What the shop's own program answers, where one shares the bot.
function programItem() {
  const room = currentRoom(),
    text = room?.kind === "bot" && state.bots.find(({ source }) => source === room.source)?.program;
  if (!text) return [];
  const ask = () => customerSide.send("write", { ...customerPlace(), text });
  return [popupItem("list", `${text}, which the shop's program answers`, "attach-program", ask)];
}

function renderCustomer() {
  const chat = telegramChat(),
    room = currentRoom();
  const key = chat ? telegramKey(chat) : view.room;
  const moved = customerSide.composer.switchTo(`${key} as ${speaker()}`);
  if (chat && shown($("customer"))) see(key, chat.messages, "bot");
  renderChoices();
  renderRoom(room, chat);
  renderHello(room, chat);
  keyed(
    $("customer-messages"),
    clusters(chat?.messages ?? []),
    ([message]) => `${key}:${message.id}:${message.at_ms}`,
    () => bubble(moved, customerSide),
    (node, ...around) => paintCustomer(node, chat, ...around),
  );
  renderKeyboard(chat);
  if (moved) customerFollow.pin();
  else customerFollow.follow();
}

function renderHello(room, chat) {
  $("hello").hidden = Boolean(chat?.messages.length);
  $("start").hidden = $("by-link").hidden = room?.kind !== "bot";
  if (room) setText($("hello").firstElementChild, HELLOS[room.kind](room));
}

function paintCustomer(node, chat, messages, before, after) {
  const voice = cluster => cluster && `${cluster[0].from}:${cluster[0].by}:${cluster[0].program}`;
  const [message] = messages,
    mine = message.from === "customer" && message.by === view.customer;
  group(node, mine, voice(before) !== voice(messages), voice(after) !== voice(messages));
  setText(node.querySelector(".author"), mine ? "" : writerLine(chat, message));
  paintBubble(node, customerSide, chat, messages);
}

// The bot's buttons in place of the customer's keyboard.
function renderKeyboard(chat) {
  const rows = chat?.blocked ? [] : (chat?.keyboard ?? []);
  $("keyboard").hidden = !rows.length;
  painted($("keyboard"), rows, () =>
    rows.map((keys, row) =>
      el(
        "div",
        "keyrow",
        ...keys.map((key, column) => {
          const node = Object.assign(el("button", "key", el("span", "clip", key.text)), { type: "button" });
          node.dataset.testid = "keyboard-key";
          node.onclick = () => customerSide.send("press_key", { ...customerPlace(), row, column });
          return node;
        }),
      ),
    ),
  );
}

function renderChoices() {
  const waiting = state.telegram.filter(chatUnread),
    rooms = allRooms(),
    room = currentRoom();
  const waits = (room, id) => waiting.filter(isOf(room)).some(isOfCustomer(id));
  segmented(
    $("customers"),
    "customer",
    state.customers.map(({ id, name }) => ({
      value: id,
      label: name,
      dot: id !== view.customer && waiting.some(chat => chat.customer === id),
    })),
    view.customer,
    id => {
      view.customer = Number(id);
      render();
    },
  );
  segmented(
    $("rooms"),
    "room",
    rooms.map(it => ({ value: it.key, label: it.name, dot: it.key !== view.room && waits(it, view.customer) })),
    view.room,
    key => {
      view.room = key;
      render();
    },
  );
  $("speakers-box").hidden = room?.kind !== "owner";
  const speakers = [false, true].map(value => ({
    value,
    label: `${personName(value ? room?.id : view.customer).split(" ")[0]} writes`,
  }));
  segmented($("speakers"), "speaker", speakers, asOwner(), value => {
    view.asOwner = value === "true";
    render();
  });
}

function renderRoom(room, chat) {
  const shut = isShut(room, chat),
    typing = Boolean(chat?.bot_action) && !shut,
    blocked = shut && room?.kind === "bot";
  setText($("bot-avatar"), initials(room?.name ?? ""));
  setText($("bot-name"), room?.name ?? "");
  $("bot-typing").hidden = !typing;
  setText($("bot-action"), ACTIONS[chat?.bot_action] ?? "typing…");
  $("bot-idle").hidden = typing;
  setText($("bot-idle"), roomLine(room, chat));
  $("customer-form").hidden = blocked;
  $("unblock").hidden = !blocked;
  $("block").disabled = !chat;
  $("block").ariaPressed = shut;
  if (room) setText($("block").lastElementChild, WAYS[room.kind][shut ? "open" : "shut"]);
}

// The customer blocks the bot, throws it out or takes it away; or takes that back.
function setShut(blocked) {
  openMenu(false);
  $("menu-open").focus();
  return post("/api/telegram/block", { ...customerPlace(), blocked });
}

function openMenu(open) {
  $("menu").hidden = !open;
  $("menu-open").ariaExpanded = open;
}

// Another picture of the customer, or none.
async function setAvatar(file) {
  openMenu(false);
  const form = new FormData();
  form.append("about", JSON.stringify(customerPlace()));
  if (file) form.append("file", await file, "me.png");
  if (await post("/api/telegram/avatar", form))
    toast(
      file ? "There is a new profile picture: it goes along with what you write next." : "The profile picture is gone.",
    );
}

function group(node, mine, first, last) {
  node.classList.toggle("mine", mine);
  node.classList.toggle("first", first);
  node.classList.toggle("last", last);
}
