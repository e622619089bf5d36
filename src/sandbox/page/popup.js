"use strict";

/* ---- One popup for all menus: it opens beside what was pressed ---- */
const popup = $("popup");
const POPUP_GAP = 6,
  SCREEN_EDGE = 8,
  REOPEN_AFTER_MS = 300;
let opener = null,
  closedAt = 0;

function openPopup(anchor, label, ...parts) {
  // The press that closes a popup must not open it again.
  if (opener === anchor && performance.now() - closedAt < REOPEN_AFTER_MS) return;
  closePopup();
  opener = anchor;
  popup.ariaLabel = label;
  popup.replaceChildren(...parts);
  popup.showPopover();
  const at = anchor.getBoundingClientRect(),
    box = popup.getBoundingClientRect();
  const below = at.bottom + POPUP_GAP,
    above = at.top - POPUP_GAP - box.height;
  const top = below + box.height <= innerHeight - SCREEN_EDGE ? below : above;
  popup.style.top = `${Math.max(SCREEN_EDGE, Math.min(top, innerHeight - SCREEN_EDGE - box.height))}px`;
  popup.style.left = `${Math.max(SCREEN_EDGE, Math.min(at.left, innerWidth - SCREEN_EDGE - box.width))}px`;
  popup.querySelector("button, input")?.focus({ preventScroll: true });
}

function closePopup() {
  if (popup.matches(":popover-open")) popup.hidePopover();
  opener = null;
}

popup.addEventListener("beforetoggle", event => {
  if (event.newState === "closed") closedAt = performance.now();
});

popup.onkeydown = event => {
  if (!event.target.matches("button")) return;
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...popup.querySelectorAll("button")];
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
};

function popupItem(picture, label, testId, act) {
  const item = el("button", "item", icon(picture), el("span", "", label));
  item.type = "button";
  item.dataset.testid = testId;
  item.onclick = () => {
    closePopup();
    act();
  };
  return item;
}
