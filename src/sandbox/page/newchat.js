"use strict";

/* ---- A manager writes first: to a phone number, through one of the bots ---- */
const knownPhones = () => [...new Set(state.kommo.map(chat => chat.contact.phone).filter(Boolean))];

function newChat(anchor) {
  const phone = Object.assign(el("input"), {
    type: "tel",
    name: "phone",
    required: true,
    placeholder: "+49 151 77000111",
    autocomplete: "off",
  });
  const source = Object.assign(el("select", "", ...state.bots.map(bot => new Option(bot.name, bot.source))), {
    name: "source",
  });
  const text = Object.assign(el("textarea"), { name: "text", required: true, rows: 3, dir: "auto" });
  const form = el(
    "form",
    "newchat-form",
    labelled("Phone number", phone, phoneList(phone)),
    labelled("Through", source),
    labelled("Message", text),
    el("p", "", "It reaches a customer who has opened this bot and shared this number as their own."),
    el("button", "newchat-send", "Send"),
  );
  [phone, text, form.lastElementChild].forEach((node, at) => {
    node.dataset.testid = `newchat-${["phone", "text", "send"][at]}`;
  });
  form.onsubmit = event => {
    event.preventDefault();
    writeFirst({ phone: phone.value, source: source.value, text: text.value });
  };
  openPopup(anchor, "New chat", form);
}

function labelled(name, ...controls) {
  return el("label", "", el("span", "", name), ...controls);
}

// The numbers that Kommo has on its cards.
function phoneList(input) {
  const list = el("datalist", "", ...knownPhones().map(phone => new Option(phone)));
  list.id = "newchat-phones";
  input.setAttribute("list", list.id);
  return list;
}

async function writeFirst(first) {
  const answer = await sendKommo("write_first", first);
  if (!answer) return;
  closePopup();
  view.chat = answer.chat_id;
  refresh();
  $("kommo-input").focus();
}

for (const button of document.querySelectorAll(".newchat")) button.onclick = () => newChat(button);
