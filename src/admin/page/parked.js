// The parked messages. They say who wrote what, so they are shown, retried and dropped within a session alone, which
// `telekommo status --open` opens.

import { PATIENCE, byId, element, since } from "./dom.js";
import { counted, meaning } from "./words.js";

const KEPT = "telekommo-session";
const LIMIT = 50;
let shown = "";

const token = () => sessionStorage.getItem(KEPT);

async function call(path, method = "GET", bearer = token()) {
  const headers = { Authorization: `Bearer ${bearer}`, "X-Telekommo": "1" };
  const answer = await fetch(path, { method, headers, signal: AbortSignal.timeout(PATIENCE) });
  if (answer.status === 401) sessionStorage.removeItem(KEPT);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

// Exchanges the ticket in the address for a session. A ticket is good once, so it leaves the address at once.
export async function enter() {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (!ticket) return;
  history.replaceState(null, "", location.pathname);
  try {
    sessionStorage.setItem(KEPT, (await call("session", "POST", ticket)).token);
  } catch (error) {
    say(error.message, true);
  }
}

function say(text, bad = false) {
  byId("parked-said").dataset.bad = bad;
  byId("parked-said").textContent = text;
}

// Shows how many there are, and within a session which.
export async function show(parked) {
  const total = parked.need_person + parked.told;
  let rows = null;
  if (token() && total > 0) {
    try {
      rows = await call(`parked?limit=${LIMIT}`);
    } catch (error) {
      say(error.message, true);
    }
  }
  const now = JSON.stringify([parked, rows, Boolean(token())]);
  if (now === shown) return;
  shown = now;
  const had = byId("parked").contains(document.activeElement);
  byId("parked").replaceChildren(...(rows ? listed(rows, total) : summary(parked)));
  if (had) byId("parked-title").focus();
}

function summary(parked) {
  const parts = [];
  if (parked.need_person > 0) parts.push(`${counted(parked.need_person, "message")} for a person`);
  if (parked.told > 0) parts.push(`${counted(parked.told, "message")} whose managers know that they failed`);
  if (parts.length === 0) return [element("p", {}, "Nothing is parked.")];
  const how = token()
    ? []
    : [
        element(
          "p",
          { class: "muted" },
          "To see, retry or drop them here, run ",
          element("code", {}, "sudo telekommo status --open"),
          " and open the link that it prints.",
        ),
      ];
  return [element("p", {}, `${parts.join(", and ")}.`), ...how];
}

function listed(rows, total) {
  const more =
    total > rows.length
      ? [
          element(
            "p",
            { class: "muted" },
            `These are the newest ${rows.length} of ${total}. `,
            element("code", {}, "telekommo queue list --parked"),
            " lists all.",
          ),
        ]
      : [];
  return [element("ul", { class: "parked" }, rows.map(row)), ...more];
}

function row(message) {
  const { id, name, thread, route, said, why, parked_at: at, expires_at: expires } = message;
  const who = name ? `${name} (${thread})` : thread;
  const button = (text, act, kind) =>
    element(
      "button",
      {
        type: "button",
        class: kind,
        "aria-label": `${text} message ${id} of ${who}`,
        "data-testid": `${act}-${id}`,
        onclick: event => change(event.currentTarget, act, message, who),
      },
      text,
    );
  return element(
    "li",
    { "data-testid": `parked-${id}` },
    element(
      "div",
      {},
      element("b", {}, who),
      said ? element("q", {}, said) : null,
      element(
        "small",
        {},
        `${id} · ${meaning(route)} · `,
        at === null ? "parked" : since(at, "parked ", " ago"),
        ` · ${why}`,
      ),
      expires ? element("small", {}, "Its manager knows that it failed, and it is removed by itself.") : null,
    ),
    element("div", { class: "acts" }, button("Retry", "retry", null), button("Drop", "drop", "danger")),
  );
}

async function change(button, act, message, who) {
  if (act === "drop" && !(await agreed(`Message ${message.id} of ${who}${message.said ? `: “${message.said}”` : ""}`)))
    return;
  button.disabled = true;
  try {
    const { done, left } = await call(`parked/${act}?ids=${message.id}`, "POST");
    const became = act === "drop" ? "was deleted" : "is back in its queue";
    if (done === 1) say(`Message ${message.id} ${became}.`);
    else say(`Message ${message.id} is as it was: ${left.map(it => it.why).join(", ")}`, true);
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
  document.dispatchEvent(new Event("changed"));
}

// Asks before what cannot be taken back.
function agreed(what) {
  const dialog = byId("ask");
  byId("ask-what").textContent = what;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise(done =>
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }),
  );
}
