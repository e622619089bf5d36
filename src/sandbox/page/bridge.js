"use strict";

/* ---- The bridge ---- */
const trafficFollow = follower($("traffic-scroll"), $("traffic-jump"));
const LANES = ["telegram", "bridge", "kommo"];

function legOf({ from, to }) {
  const ends = [from, to].filter(end => end !== "bridge");
  return ends.length === 2 ? "both" : (ends[0] ?? "bridge");
}

function renderTraffic(first) {
  const rows = state.traffic.slice(-TRAFFIC_SHOWN);
  $("quiet").hidden = rows.length > 0;
  keyed(
    $("traffic"),
    rows,
    row => `${row.n}:${row.at_ms}`,
    row => hop(row, first),
    paintHop,
  );
  trafficFollow.follow();
}

function hop(row, first) {
  const back = LANES.indexOf(row.from) > LANES.indexOf(row.to);
  const node = el(
    "li",
    `hop${back ? " back" : ""}${first ? "" : " fresh"}`,
    el("span", "sr"),
    row.has_call ? callButton(row) : el("span", "what"),
    el("div", "wire", el("i"), el("span", "chip code")),
    el("time"),
  );
  node.dataset.leg = legOf(row);
  setText(node.querySelector(".sr"), `${row.from} to ${row.to}: `);
  return node;
}

function callButton(row) {
  const button = el("button", "what");
  button.type = "button";
  button.onclick = () => showCall(button, row);
  return button;
}

// An address may be broken behind its signs, and not within a word.
function breakable(text) {
  return text
    .split(/(?<=[/?&=:,])/)
    .flatMap(part => [part, el("wbr")])
    .slice(0, -1);
}

function paintHop(node, row) {
  const chip = node.querySelector(".chip"),
    what = node.querySelector(".what");
  if (what.title !== row.what) what.replaceChildren(...breakable(row.what));
  what.title = row.what;
  setTime(node.querySelector("time"), row.at_ms, exact);
  chip.hidden = row.status === null && row.ok;
  setText(chip, String(row.status ?? "failed"));
  node.classList.toggle("refused", !row.ok);
}
