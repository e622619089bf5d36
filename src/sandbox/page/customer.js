'use strict';

/* ---- The customer's side ---- */
const telegramChat = () => state.telegram.find(chat => chat.source === view.source && chat.customer === view.customer);
const customerFollow = follower($('customer-scroll'), $('customer-jump'));
const customerPlace = () => ({ source: view.source, customer: view.customer });
const ACTIONS = {
  typing: 'typing…', upload_photo: 'sending a photo…', upload_video: 'sending a video…', upload_document: 'sending a file…',
  upload_voice: 'sending a voice message…', record_voice: 'recording a voice message…', choose_sticker: 'choosing a sticker…',
};
const customerSide = {
  place: () => ({ ...customerPlace(), reply_to: customerSide.composer.answered() }),
  picker: $('customer-file'),
  me: () => 'customer',
  nameOf: (chat, { from }) => from === 'bot' ? botName(chat.source) : state.customers.find(({ id }) => id === chat.customer)?.name ?? '',
  canEdit: message => message.from === 'customer' && !message.card && message.media?.kind !== 'sticker',
  send: (act, body) => { if (act !== 'react') customerFollow.pin(); return post(`/api/telegram/${act}`, body); },
  press: (id, row, column) => post('/api/telegram/press', { ...customerPlace(), message_id: id, row, column }),
  more: () => PIECES.map(([picture, label, id, piece]) =>
    popupItem(picture, label, `attach-${id}`, () => customerSide.send('send_piece', { ...customerPlace(), piece }))),
};
customerSide.composer = composer($('customer-form'), $('customer-input'), $('customer-about'), {
  send: (text, about) => about?.mode === 'edit'
    ? customerSide.send('edit', { ...customerPlace(), message_id: about.id, text })
    : customerSide.send('write', { ...customerPlace(), text, reply_to: about?.id }),
});

function renderCustomer() {
  const chat = telegramChat();
  const key = telegramKey(view.source, view.customer);
  const moved = customerSide.composer.switchTo(key);
  if (chat && shown($('customer'))) see(key, chat.messages, 'bot');
  renderChoices();
  renderBot(chat);
  $('hello').hidden = Boolean(chat?.messages.length);
  keyed($('customer-messages'), clusters(chat?.messages ?? []), ([message]) => `${key}:${message.id}:${message.at_ms}`,
    () => bubble(moved, customerSide),
    (node, messages, before, after) => {
      const [{ from }] = messages;
      group(node, from === 'customer', from !== before?.[0].from, from !== after?.[0].from);
      paintBubble(node, customerSide, chat, messages);
    });
  renderKeyboard(chat);
  if (moved) customerFollow.pin(); else customerFollow.follow();
}

// The bot's buttons in place of the customer's keyboard.
function renderKeyboard(chat) {
  const rows = chat?.blocked ? [] : chat?.keyboard ?? [];
  $('keyboard').hidden = !rows.length;
  painted($('keyboard'), rows, () => rows.map((keys, row) => el('div', 'keyrow', ...keys.map((key, column) => {
    const node = Object.assign(el('button', 'key', el('span', 'clip', key.text)), { type: 'button' });
    node.dataset.testid = 'keyboard-key';
    node.onclick = () => customerSide.send('press_key', { ...customerPlace(), row, column });
    return node;
  }))));
}

function renderChoices() {
  const waiting = state.telegram.filter(chatUnread);
  const customers = state.customers.map(({ id, name }) => ({ value: id, label: name, dot: id !== view.customer && waiting.some(chat => chat.customer === id) }));
  const bots = state.bots.map(({ source, name }) => ({ value: source, label: name, dot: source !== view.source && waiting.some(chat => chat.customer === view.customer && chat.source === source) }));
  segmented($('customers'), 'customer', customers, view.customer, id => { view.customer = Number(id); render(); });
  segmented($('bots'), 'bot', bots, view.source, source => { view.source = source; render(); });
}

function renderBot(chat) {
  const blocked = Boolean(chat?.blocked), typing = Boolean(chat?.bot_action) && !blocked;
  setText($('bot-avatar'), initials(botName(view.source)));
  setText($('bot-name'), botName(view.source));
  $('bot-typing').hidden = !typing;
  setText($('bot-action'), ACTIONS[chat?.bot_action] ?? 'typing…');
  $('bot-idle').hidden = typing;
  setText($('bot-idle'), blocked ? 'blocked' : 'bot');
  $('customer-form').hidden = blocked;
  $('unblock').hidden = !blocked;
  $('block').disabled = !chat;
  $('block').ariaPressed = blocked;
  setText($('block').lastElementChild, blocked ? 'Unblock bot' : 'Block bot');
}

function setBlocked(blocked) {
  openMenu(false);
  $('menu-open').focus();
  return post('/api/telegram/block', { ...customerPlace(), blocked });
}

function openMenu(open) {
  $('menu').hidden = !open;
  $('menu-open').ariaExpanded = open;
}

// Another picture of the customer, or none.
async function setAvatar(file) {
  openMenu(false);
  const form = new FormData();
  form.append('about', JSON.stringify(customerPlace()));
  if (file) form.append('file', await file, 'me.png');
  if (await post('/api/telegram/avatar', form)) toast(file ? 'There is a new profile picture: it goes along with what you write next.' : 'The profile picture is gone.');
}

function group(node, mine, first, last) {
  node.classList.toggle('mine', mine);
  node.classList.toggle('first', first);
  node.classList.toggle('last', last);
}
