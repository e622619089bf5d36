"use strict";

/* ---- Scrolling: stay at the newest unless the reader went up ---- */
function follower(scroller, jump) {
  let stuck = true,
    top = 0;
  const look = () => {
    if (!scroller.clientHeight) return;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    // Only who goes up leaves the newest: what grows below, such as a picture that has come, does not take it away.
    if (scrollHeight - scrollTop - clientHeight < 40) stuck = true;
    else if (scrollTop < top) stuck = false;
    top = scrollTop;
    jump.hidden = stuck;
  };
  const pin = () => {
    stuck = true;
    scroller.scrollTop = scroller.scrollHeight;
    top = scroller.scrollTop;
    jump.hidden = true;
  };
  const follow = () => {
    // The browser tells of scrolling later: whoever has gone up since is not taken back.
    look();
    if (stuck) pin();
  };
  scroller.addEventListener("scroll", look);
  jump.onclick = pin;
  // Pictures come after their bubbles.
  const sizes = new ResizeObserver(follow);
  sizes.observe(scroller);
  sizes.observe(scroller.lastElementChild);
  return { follow, pin };
}

/* ---- Composer: one draft per chat, so a text never changes its addressee ---- */
function composer(form, input, bar, { send, typed }) {
  const drafts = new Map();
  let key = null,
    about = null;
  const fit = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight + 2}px`;
  };
  const write = text => {
    input.value = text;
    fit();
  };
  const sent = (to, text) => {
    const draft = to === key ? input.value : (drafts.get(to) ?? "");
    const rest = draft.startsWith(text) ? draft.slice(text.length) : draft;
    if (to === key) {
      write(rest);
      end();
    } else drafts.set(to, rest);
  };
  // What the text is about: an answer to a message, or its new wording.
  const begin = (mode, message) => {
    end();
    about = { mode, id: message.id };
    bar.hidden = false;
    setText(bar.querySelector("b"), mode === "edit" ? "Edit" : "Reply");
    setText(bar.querySelector("span"), summary(message));
    if (mode === "edit") write(message.text);
    input.focus();
  };
  const end = () => {
    if (about?.mode === "edit") write("");
    about = null;
    bar.hidden = true;
  };
  const pass = async act => {
    const to = key,
      text = input.value;
    if (await act(text.trim())) sent(to, text);
  };
  // Sends what is written along with something else: as the text of a file.
  const use = act => {
    if (about?.mode === "edit") end();
    return pass(act);
  };
  form.onsubmit = async event => {
    event.preventDefault();
    if (!input.value.trim() || form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    await pass(text => send(text, about));
    form.ariaBusy = "false";
  };
  input.oninput = () => {
    fit();
    if (input.value.trim()) typed?.();
  };
  input.onkeydown = event => {
    if (event.key === "Escape" && about) end();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  bar.querySelector("button").onclick = () => {
    end();
    input.focus();
  };
  const switchTo = next => {
    if (next === key) return false;
    end();
    drafts.set(key, input.value);
    key = next;
    write(drafts.get(key) ?? "");
    return true;
  };
  return { switchTo, begin, use, answered: () => (about?.mode === "reply" ? about.id : null) };
}

/* ---- Unread: how many messages of the other side were on the screen ---- */
const seen = new Map();
const incoming = (messages, from) => messages.filter(message => message.from === from).length;
// Fewer than were seen means a restarted sandbox: then all of them are new.
function unread(key, messages, from) {
  const count = incoming(messages, from),
    known = seen.get(key) ?? 0;
  return known > count ? count : count - known;
}
const see = (key, messages, from) => seen.set(key, incoming(messages, from));
const chatUnread = chat => unread(telegramKey(chat), chat.messages, "bot");
const inboxUnread = chat => unread(chat.chat_id, chat.messages, "customer");

function seeAll() {
  for (const chat of state.telegram) see(telegramKey(chat), chat.messages, "bot");
  for (const chat of state.kommo) see(chat.chat_id, chat.messages, "customer");
}
