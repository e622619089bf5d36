"use strict";

/* ---- All together ---- */
function choose(first) {
  if (first) seeAll();
  if (!state.customers.some(({ id }) => id === view.customer)) view.customer = state.customers[0]?.id;
  if (!currentRoom()) view.room = allRooms()[0]?.key;
  if (!kommoChat()) view.chat = state.kommo[0]?.chat_id ?? null;
}

function renderTabs() {
  const fresh = { customer: state.telegram.some(chatUnread), kommo: state.kommo.some(inboxUnread) };
  for (const tab of $("tabs").children) {
    tab.setAttribute("aria-current", String(tab.dataset.view === document.body.dataset.view));
    tab.lastElementChild.hidden = !fresh[tab.dataset.view];
  }
}

let rendered = false;
function render() {
  if (!state) return;
  choose(!rendered);
  renderCustomer();
  renderTraffic(!rendered);
  renderSwitches();
  renderKommo();
  renderTabs();
  rendered = true;
}

function tick() {
  setText($("clock"), short.format(Date.now()));
}

for (const [side, name] of [
  [customerSide, "customer"],
  [kommoSide, "kommo"],
]) {
  const open = $(`${name}-attach`);
  open.onclick = () => attachMenu(side, open);
}
takeFiles(customerSide, document.querySelector(".screen"));
takeFiles(kommoSide, document.querySelector(".thread"));
$("start").onclick = () => {
  customerSide.send("write", { ...customerPlace(), text: "/start" });
  $("customer-input").focus();
};
$("avatar-new").onclick = () => setAvatar(sampleAvatar());
$("avatar-none").onclick = () => setAvatar(null);
$("block").onclick = () => setShut(!isShut(currentRoom(), telegramChat()));
$("unblock").onclick = () => setShut(false);
$("menu-open").onclick = () => openMenu($("menu").hidden);
$("tabs").onclick = event => {
  const tab = event.target.closest("button");
  if (tab) {
    document.body.dataset.view = tab.dataset.view;
    render();
  }
};
addEventListener("click", event => {
  if (!event.target.closest(".bot")) openMenu(false);
});
addEventListener("keydown", event => {
  if (event.key !== "Escape" || $("menu").hidden) return;
  openMenu(false);
  $("menu-open").focus();
});
tick();
setInterval(tick, 10000);
listen();
