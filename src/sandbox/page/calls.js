"use strict";

/* ---- The calls themselves, for whoever wants to see them ---- */
async function showCall(anchor, row) {
  let told;
  try {
    told = await call(`/api/calls/${row.n}`);
  } catch (error) {
    toast(error.message);
    return;
  }
  const close = el("button", "", icon("close"));
  close.type = "button";
  close.ariaLabel = "Close";
  close.onclick = closePopup;
  const box = el(
    "div",
    "call",
    el("p", "line", el("b", "clip", told.request), close),
    block("Asked", told.asked),
    block(row.status === null ? "No answer" : `Answered ${row.status}`, told.answered ?? ""),
    el("small", "", "Tokens, signatures and what opens links are left out."),
  );
  box.dataset.testid = "call";
  openPopup(anchor, `${row.from} to ${row.to}: ${row.what}`, box);
}

function block(name, text) {
  const pre = el("pre", "", pretty(text));
  pre.tabIndex = 0;
  pre.ariaLabel = name;
  pre.setAttribute("role", "region");
  return el("section", "", el("span", "", name), ...(text ? [pre] : [el("i", "", "nothing")]));
}

// JSON in lines; anything else as it is.
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
