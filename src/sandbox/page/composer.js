'use strict';

/* ---- Scrolling: stay at the newest unless the reader went up ---- */
function follower(scroller, jump) {
  let stuck = true;
  const follow = () => {
    if (stuck) scroller.scrollTop = scroller.scrollHeight;
    jump.hidden = stuck;
  };
  const pin = () => { stuck = true; follow(); };
  scroller.addEventListener('scroll', () => {
    if (!scroller.clientHeight) return;
    stuck = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    jump.hidden = stuck;
  });
  jump.onclick = pin;
  new ResizeObserver(follow).observe(scroller);
  return { follow, pin };
}

/* ---- Composer: one draft per chat, so a text never changes its addressee ---- */
function composer(form, input, { send, typed }) {
  const drafts = new Map();
  let key = null;
  const fit = () => {
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight + 2}px`;
  };
  const write = text => { input.value = text; fit(); };
  const sent = (to, text) => {
    const draft = to === key ? input.value : drafts.get(to) ?? '';
    const rest = draft.startsWith(text) ? draft.slice(text.length) : draft;
    if (to === key) write(rest); else drafts.set(to, rest);
  };
  form.onsubmit = async event => {
    event.preventDefault();
    const to = key, text = input.value;
    if (!text.trim() || form.ariaBusy === 'true') return;
    form.ariaBusy = 'true';
    if (await send(text)) sent(to, text);
    form.ariaBusy = 'false';
  };
  input.oninput = () => { fit(); if (input.value.trim()) typed?.(); };
  input.onkeydown = event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  return next => {
    if (next === key) return false;
    drafts.set(key, input.value);
    key = next;
    write(drafts.get(key) ?? '');
    return true;
  };
}

/* ---- Unread: how many messages of the other side were on the screen ---- */
const seen = new Map();
const incoming = (messages, from) => messages.filter(message => message.from === from).length;
// Fewer than were seen means a restarted sandbox: then all of them are new.
function unread(key, messages, from) {
  const count = incoming(messages, from), known = seen.get(key) ?? 0;
  return known > count ? count : count - known;
}
const see = (key, messages, from) => seen.set(key, incoming(messages, from));
const chatUnread = chat => unread(telegramKey(chat.source, chat.customer), chat.messages, 'bot');
const inboxUnread = chat => unread(chat.conversation_id, chat.messages, 'customer');

function seeAll() {
  for (const chat of state.telegram) see(telegramKey(chat.source, chat.customer), chat.messages, 'bot');
  for (const chat of state.kommo) see(chat.conversation_id, chat.messages, 'customer');
}
