"use strict";

/* ---- Rooms on Telegram: a chat with a bot, a group with one in it, a chat with somebody whom one helps ---- */
const WAYS = {
  bot: { shut: "Block bot", open: "Unblock bot" },
  group: { shut: "Throw the bot out", open: "Let the bot in" },
  owner: { shut: "Disconnect the bot", open: "Connect the bot" },
};

function allRooms() {
  const bots = state.bots.map(({ source, name }) => ({ key: source, kind: "bot", source, name }));
  const others = kind =>
    state.bots.flatMap(bot =>
      bot[`${kind}s`].map(it => ({ ...it, key: `${bot.source}:${it.id}`, kind, source: bot.source })),
    );
  return [...bots, ...others("group"), ...others("owner")];
}

const currentRoom = () => allRooms().find(({ key }) => key === view.room);
const idIn = (kind, room) => (room?.kind === kind ? room.id : null);
const isOf = room => chat =>
  chat.source === room?.source && chat.group === idIn("group", room) && chat.owner === idIn("owner", room);
const isOfCustomer = id => chat => chat.customer === null || chat.customer === id;
const telegramChat = () => state.telegram.filter(isOf(currentRoom())).find(isOfCustomer(view.customer));
const telegramKey = ({ source, group, owner, customer }) => `telegram:${source}:${group}:${owner}:${customer}`;

// The owner may take the phone: then they write, and not the customer.
const asOwner = () => view.asOwner && currentRoom()?.kind === "owner";
const speaker = () => (asOwner() ? currentRoom().id : view.customer);
const customerPlace = () => {
  const room = currentRoom();
  return {
    source: room?.source,
    customer: view.customer,
    group: idIn("group", room),
    owner: idIn("owner", room),
    as_owner: asOwner(),
  };
};

const personName = id =>
  state.customers.find(it => it.id === id)?.name ?? allRooms().find(it => it.id === id)?.name ?? "";
const isShut = (room, chat) => (room?.kind === "bot" ? Boolean(chat?.blocked) : !room?.has_bot);

// Who is seen to have written. What a bot writes for an owner has the owner's name.
function writerName(chat, { from, by }) {
  if (from !== "bot") return personName(by ?? chat.customer);
  return chat.owner ? personName(chat.owner) : botName(chat.source);
}

// What stands above a message of somebody else.
function writerLine(chat, message) {
  const name = writerName(chat, message);
  if (chat.owner) return message.from === "bot" ? `${name}, by ${botName(chat.source)}` : `${name}, from the phone`;
  if (message.program) return "the shop's own program";
  return chat.group ? name : "";
}

function roomLine(room, chat) {
  const shut = isShut(room, chat),
    bot = botName(room?.source);
  if (room?.kind === "group") return `${room.members.length} members, ${shut ? "without the bot" : `and ${bot}`}`;
  if (room?.kind === "owner") return shut ? "a person, without a bot" : `a person whom ${bot} helps`;
  return shut ? "blocked" : "bot";
}

const HELLOS = {
  bot: () => "No messages here yet.\nPress START as a new customer would.",
  group: ({ name }) => `Nobody has written here yet.\nThe bot reads along in ${name}.`,
  owner: ({ name, source }) =>
    `No messages here yet.\n${name} is a person: ${botName(source)} reads and answers for them.`,
};

// The room that a conversation of Kommo's is about: the bridge's id of it names group or owner.
function roomOf({ conversation_id, source }) {
  const id = Number(conversation_id.split(":").at(-1).split("/")[0]);
  const rooms = allRooms().filter(room => room.source === source);
  return rooms.find(room => room.id === id) ?? rooms[0];
}

function roomNote(chat) {
  const room = roomOf(chat),
    bot = botName(chat.source);
  return (
    { bot: `writes to ${bot}`, group: `group · ${bot}`, owner: `writes to ${room?.name} · ${bot}` }[room?.kind] ?? bot
  );
}
