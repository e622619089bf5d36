// The status page: asks the bridge every few seconds, and writes anew what has changed.

import { delays, messages } from "./chart.js";
import { PATIENCE, byId, element, since, table } from "./dom.js";
import { enter, show } from "./parked.js";
import { about, clock, counted, day, meaning, size, span, took } from "./words.js";

const EVERY = 5000;
const SIDES = {
  working: ["is polled", "answers"],
  starting: ["has not been polled yet", "has not been asked yet"],
  failing: ["is not polled", "does not answer as it should"],
  stopped: ["is not polled, and needs a person", "needs a person"],
};
const FATES = { retried: "is tried again", parked: "is parked", reported: "its manager was told" };
const written = new Map();
// The clock of the bridge less that of this browser.
let ahead = 0;
let current = null;

// Writes a part anew if what it shows has changed, so that nothing that is read or focused goes away.
function write(id, value, make) {
  const now = JSON.stringify(value);
  if (written.get(id) === now) return;
  written.set(id, now);
  byId(id).replaceChildren(...make());
}

function tick() {
  const now = Date.now() + ahead;
  for (const time of document.querySelectorAll("time[data-at]")) {
    const text = time.dataset.before + about(now - Number(time.dataset.at)) + time.dataset.after;
    if (time.textContent !== text) time.textContent = text;
  }
}

function head(status) {
  const state = !status.ready ? "stopped" : status.troubles.length > 0 ? "warned" : "ready";
  const words = { stopped: "Not ready: messages are held up", warned: "Ready, with warnings", ready: "Ready" };
  if (byId("state").dataset.state !== state) {
    byId("state").dataset.state = state;
    byId("state").textContent = words[state];
  }
  document.title = `${status.ready ? "" : "! "}telekommo`;
  byId("seen").textContent =
    `${status.version}, up for ${span(status.at - status.started_at)}, seen at ${clock(status.at)}`;
}

function wrong(troubles) {
  byId("wrong-section").hidden = troubles.length === 0;
  const sorted = [...troubles].sort((one, other) => other.stops - one.stops);
  return sorted.map(it =>
    element(
      "li",
      { "data-stops": `${it.stops}`, "data-cause": it.cause },
      element("span", { class: "sr" }, it.stops ? "Stops messages: " : "Warning: "),
      it.text,
      element("small", {}, since(it.since, "for ")),
    ),
  );
}

function sides(status) {
  const side = (name, { state, since: at }, which) =>
    element(
      "li",
      { "data-state": state },
      element("i", { "aria-hidden": "true" }),
      element("b", {}, name),
      element("small", {}, `${SIDES[state][which]}, `, since(at, "for ")),
    );
  return [...status.bots.map(bot => side(`Bot ${bot.source}`, bot, 0)), side("Kommo", status.kommo, 1)];
}

function flow(status, direction, title) {
  const { received, delivered, failed, p50_ms: half, p99_ms: most } = status.day[direction];
  const number = (name, value, kind) =>
    element("div", {}, element("dt", {}, name), element("dd", { class: kind }, value));
  const hours = status.hours;
  const plot = (draw, caption, label) => {
    const place = element("div", { class: "plot" });
    place.draw = () => place.replaceChildren(draw(Math.max(place.clientWidth, 220), hours, direction, label));
    return element("figure", {}, element("figcaption", {}, caption), place);
  };
  const key = kind => element("i", { class: `key ${kind}`, "aria-hidden": "true" });
  const charts =
    received + delivered + failed === 0
      ? [element("p", { class: "none" }, "No messages yet.")]
      : [
          plot(
            messages,
            [key("bar"), "received by the hour", key("failed"), "failed"],
            `${title} by the hour: ${received} received, ${failed} failed in all. The table below has the numbers.`,
          ),
        ];
  if (half !== null)
    charts.push(
      plot(
        delays,
        "half and 99% of them arrived within",
        `How long they took by the hour: half within ${took(half)}, 99% within ${took(most)} in all.`,
      ),
    );
  const rows = hours
    .filter(hour => hour[direction].received + hour[direction].delivered + hour[direction].failed > 0)
    .map(hour => {
      const it = hour[direction];
      return [clock(hour.since), `${it.received}`, `${it.delivered}`, `${it.failed}`, took(it.p50_ms), took(it.p99_ms)];
    });
  if (rows.length > 0)
    charts.push(
      element(
        "details",
        {},
        element("summary", {}, "As a table"),
        element(
          "div",
          { class: "scroll" },
          table(["Hour", "Received", "Delivered", "Failed", "Half within", "99% within"], rows, [1, 2, 3, 4, 5], title),
        ),
      ),
    );
  return element(
    "article",
    { class: "flow card", "data-direction": direction, "data-testid": `flow-${direction}` },
    element("h3", {}, title),
    element(
      "dl",
      { class: "numbers" },
      number("received", `${received}`),
      number("delivered", `${delivered}`),
      number("failed", `${failed}`, failed > 0 ? "bad" : null),
      number("half within", took(half)),
      number("99% within", took(most)),
    ),
    ...charts,
  );
}

function queues(status) {
  const used = status.queues.filter(queue => queue.waiting > 0);
  const held =
    status.held.conversations === 0
      ? []
      : [
          element(
            "p",
            {},
            `Answers in ${counted(status.held.conversations, "conversation")} are held until older ones that are missing have been ` +
              `looked for${status.held.why ? `: ${status.held.why}` : "."}`,
          ),
        ];
  const programs = status.programs.map(program => [
    program.name,
    `${program.waiting}`,
    program.oldest_at === null ? "–" : since(program.oldest_at),
    `${program.dropped}`,
  ]);
  const shared =
    programs.length === 0
      ? []
      : [table(["Program", "Updates", "Oldest", "Deleted"], programs, [1, 2, 3], "Updates that programs have not confirmed")];
  if (used.length === 0) return [element("p", {}, "Nothing waits."), ...held, ...shared];
  const rows = used.map(queue => [
    meaning(queue.route),
    `${queue.waiting}`,
    queue.oldest_at === null ? "–" : since(queue.oldest_at),
  ]);
  return [table(["Where to", "Jobs", "Oldest"], rows, [1, 2], "Jobs that wait"), ...held, ...shared];
}

function failures(list) {
  byId("failures-section").hidden = list.length === 0;
  return list
    .slice(0, 20)
    .map(it =>
      element(
        "li",
        {},
        `${meaning(it.route)}: ${it.why}`,
        element(
          "small",
          {},
          since(it.at, "", " ago"),
          ` · failed ${it.attempts === 1 ? "once" : `${it.attempts} times`} · ${FATES[it.fate]}`,
          it.fate === "parked" && it.parked !== null ? ` as ${it.parked}` : null,
        ),
      ),
    );
}

function machine(status) {
  const { disk } = status;
  const row = (name, ...value) => element("div", {}, element("dt", {}, name), element("dd", {}, ...value));
  const ends = at =>
    at === null ? "unknown" : at < status.at ? `ended on ${day(at)}` : `${day(at)}, in ${about(at - status.at)}`;
  return [
    row("Free on the disk", size(disk.free_bytes)),
    row("Store", size(disk.store_bytes)),
    row("Dumps", size(disk.dumps_bytes)),
    row("Last dump", disk.last_dump_at === null ? "none yet" : since(disk.last_dump_at, "", " ago")),
    row("Access token ends", ends(status.token_ends_at)),
    row("Certificate ends", ends(status.certificate_ends_at)),
    row("Started", new Date(status.started_at).toLocaleString()),
    row("Version", status.version),
  ];
}

function draw() {
  for (const place of document.querySelectorAll(".plot")) place.draw?.();
}

async function refresh() {
  try {
    const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(await answer.text());
    current = await answer.json();
  } catch {
    byId("lost").hidden = false;
    byId("state").dataset.state = "lost";
    byId("state").textContent = "The bridge does not answer";
    return;
  }
  const status = current;
  byId("lost").hidden = true;
  ahead = status.at - Date.now();
  head(status);
  write("wrong", status.troubles, () => wrong(status.troubles));
  write("sides", [status.bots, status.kommo], () => sides(status));
  byId("counted").replaceChildren(
    "Counted ",
    since(status.counted_since, "for "),
    ". A restart of the bridge begins anew.",
  );
  write("flows", [status.day, status.hours], () => [
    flow(status, "inbound", "From customers"),
    flow(status, "outbound", "From managers"),
  ]);
  draw();
  write("queues", [status.queues, status.held, status.programs], () => queues(status));
  write("failures", status.failures, () => failures(status.failures));
  write("machine", [status.disk, status.token_ends_at, status.certificate_ends_at, status.started_at], () =>
    machine(status),
  );
  await show(status.parked);
  tick();
}

async function loop() {
  if (!document.hidden) await refresh();
  setTimeout(loop, EVERY);
}

await enter();
addEventListener("resize", draw);
addEventListener("hashchange", async () => {
  await enter();
  await refresh();
});
document.addEventListener("changed", refresh);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(tick, 1000);
loop();
