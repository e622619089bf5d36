"use strict";

/* ---- What can go wrong, and what the bridge has stored meanwhile ---- */
const SWITCHES = [
  { name: "kommo_away", label: "Kommo away", isOn: bridge => bridge.kommo_away },
  { name: "telegram_away", label: "Telegram away", isOn: bridge => bridge.telegram_away },
  { name: "bridge_off", label: "Bridge cut off", isOn: bridge => bridge.bridge === "off" },
  { name: "refuse_next", label: "Refuse next answer", once: "Telegram refuses the next text that a manager sends." },
  { name: "slow_next", label: "Slow next answer", once: "Kommo takes 8 seconds for the next message of a customer." },
];
const LOW = 640;

function switchButton({ name, label, once }) {
  const button = el("button", "switch", el("i"), el("span", "", label));
  button.type = "button";
  button.dataset.testid = `switch-${name}`;
  button.onclick = async () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.disabled = true;
    const answer = await post("/api/switch", { switch: name, on });
    button.disabled = false;
    if (answer && once) toast(once);
    refresh();
  };
  return button;
}

function renderSwitches() {
  const { bridge } = state;
  const shown = SWITCHES.filter(({ name }) => name !== "bridge_off" || bridge.bridge !== "elsewhere");
  keyed(
    $("switches"),
    shown,
    it => it.name,
    switchButton,
    (node, { isOn }) => {
      if (isOn) node.setAttribute("aria-pressed", String(isOn(bridge)));
    },
  );
  renderStored(bridge);
}

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

function renderStored({ bridge, queue }) {
  const messages = state.kommo.flatMap(chat => chat.messages);
  const count = wanted => messages.filter(wanted).length;
  const answers = status => count(message => message.from !== "customer" && message.status === status);
  const waits = waiting => queue && `${waiting} stored and waiting`;
  setText(
    $("stored-kommo"),
    [waits(queue?.to_kommo), `${count(({ from }) => from === "customer")} arrived`].filter(Boolean).join(" · "),
  );
  const some = (count, what) => count && `${count} ${what}`;
  setText(
    $("stored-telegram"),
    [
      waits(queue?.to_telegram),
      some(answers("sent"), "sent"),
      `${answers("delivered") + answers("read")} delivered`,
      some(answers("failed"), "failed"),
    ]
      .filter(Boolean)
      .join(" · "),
  );
  setText(
    $("stored-note"),
    bridge === "off"
      ? "The bridge is off. What it has stored lies on the disk, and goes on when it starts again."
      : queue?.parked
        ? `${plural(queue.parked, "message needs", "messages need")} a person: telekommo queue list`
        : "",
  );
  $("stored-note").hidden = !$("stored-note").textContent;
}

if (innerHeight < LOW) $("trouble").open = false;
