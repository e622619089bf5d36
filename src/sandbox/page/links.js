"use strict";

/* ---- A customer opens a link with ?start=, as from a poster or a page ---- */
const CAMPAIGN = "summer";

function linkForm(anchor) {
  const bot = state.bots.find(({ source }) => source === currentRoom()?.source) ?? state.bots[0];
  const link = Object.assign(el("input"), {
    type: "text",
    name: "link",
    required: true,
    value: `https://t.me/${bot.username}?start=${CAMPAIGN}`,
    autocomplete: "off",
    spellcheck: false,
  });
  const form = el(
    "form",
    "link-form",
    labelled("Link", link),
    el(
      "p",
      "",
      "What stands behind ?start= goes to the bot with START. This one is a campaign of the sandbox: its lead gets a " +
        "tag and tracking fields. `telekommo link` makes such links.",
    ),
    el("button", "", "Open, and press START"),
  );
  link.dataset.testid = "link-input";
  form.lastElementChild.dataset.testid = "link-send";
  form.onsubmit = event => {
    event.preventDefault();
    openLink(link.value);
  };
  openPopup(anchor, "Open a link", form);
  link.select();
}

// As Telegram reads it: which bot, and what it is started with.
function readLink(text) {
  const url = URL.parse(/^https?:/.test(text) ? text : `https://${text}`);
  const bot = state.bots.find(({ username }) => username.toLowerCase() === url?.pathname.slice(1).toLowerCase());
  if (url?.hostname !== "t.me" || !bot) return null;
  const payload = url.searchParams.get("start") ?? "";
  return /^[A-Za-z0-9_-]{0,64}$/.test(payload) ? { bot, payload } : null;
}

async function openLink(text) {
  const link = readLink(text.trim());
  if (!link) {
    toast(`The link has to lead to a bot of the sandbox, such as https://t.me/${state.bots[0].username}?start=summer.`);
    return;
  }
  closePopup();
  view.room = link.bot.source;
  view.asOwner = false;
  render();
  await customerSide.send("write", { ...customerPlace(), text: `/start ${link.payload}`.trim() });
  $("customer-input").focus();
}

$("by-link").onclick = () => linkForm($("by-link"));
$("link-open").onclick = () => {
  openMenu(false);
  linkForm($("menu-open"));
};
