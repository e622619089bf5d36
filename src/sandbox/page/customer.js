'use strict';

/* ---- The customer's side ---- */
const telegramChat = () => state.telegram.find(chat => chat.source === view.source && chat.customer === view.customer);
const write = text => post('/api/telegram/write', { source: view.source, customer: view.customer, text });
const customerFollow = follower($('customer-scroll'), $('customer-jump'));
const customerComposer = composer($('customer-form'), $('customer-input'), {
  send: text => { customerFollow.pin(); return write(text); },
});

function renderCustomer() {
  const chat = telegramChat();
  const key = telegramKey(view.source, view.customer);
  const moved = customerComposer(key);
  if (chat && shown($('customer'))) see(key, chat.messages, 'bot');
  renderChoices();
  renderBot(chat);
  $('hello').hidden = Boolean(chat?.messages.length);
  keyed($('customer-messages'), chat?.messages ?? [], message => `${key}:${message.id}:${message.at_ms}`,
    message => bubble(moved, el('div', 'bubble', el('div', 'file'), textNode(message.text), el('span', 'meta', el('time')))),
    (node, message, before, after) => {
      group(node, message.from === 'customer', message.from !== before?.from, message.from !== after?.from);
      paintFile(node.querySelector('.file'), message.media);
      setText(node.querySelector('.text'), message.text);
      setTime(node.querySelector('time'), message.at_ms, short);
    });
  if (moved) customerFollow.pin(); else customerFollow.follow();
}

function renderChoices() {
  const waiting = state.telegram.filter(chatUnread);
  const customers = state.customers.map(({ id, name }) => ({ value: id, label: name, dot: id !== view.customer && waiting.some(chat => chat.customer === id) }));
  const bots = state.bots.map(({ source, name }) => ({ value: source, label: name, dot: source !== view.source && waiting.some(chat => chat.customer === view.customer && chat.source === source) }));
  segmented($('customers'), 'customer', customers, view.customer, id => { view.customer = Number(id); render(); });
  segmented($('bots'), 'bot', bots, view.source, source => { view.source = source; render(); });
}

function renderBot(chat) {
  const blocked = Boolean(chat?.blocked), typing = Boolean(chat?.bot_typing) && !blocked;
  setText($('bot-avatar'), initials(botName(view.source)));
  setText($('bot-name'), botName(view.source));
  $('bot-typing').hidden = !typing;
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
  return post('/api/telegram/block', { source: view.source, customer: view.customer, blocked });
}

function openMenu(open) {
  $('menu').hidden = !open;
  $('menu-open').ariaExpanded = open;
}

/* ---- Bubbles of both sides ---- */
function textNode(text) {
  const node = el('div', 'text', text);
  node.dir = 'auto';
  return node;
}

const bubble = (moved, ...children) => el('li', moved ? 'msg' : 'msg fresh', ...children);

function group(node, mine, first, last) {
  node.classList.toggle('mine', mine);
  node.classList.toggle('first', first);
  node.classList.toggle('last', last);
}
