"use strict";
const LARGEST_FILES = 60 * 1024 * 1024;
const PLAYERS = { picture: "img", sticker: "img", video: "video", audio: "audio", voice: "audio" };
const FILE_NAMES = {
  picture: "Photo",
  sticker: "Sticker",
  video: "Video",
  audio: "Audio",
  voice: "Voice message",
  file: "File",
};

/* ---- Files in bubbles ---- */
const fileSize = bytes =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 * 1024
      ? `${Math.round(bytes / 1024)} KB`
      : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const fileTitle = media => media.name || FILE_NAMES[media.kind] || "File";
// What a message says in one line.
const summary = message => message.text || message.card?.text || (message.media ? fileTitle(message.media) : "");

function paintFiles(node, files) {
  const isSeen = file => file.kind === "picture" || file.kind === "video";
  node.classList.toggle("tiles", files.length > 1 && files.every(isSeen));
  painted(node, files, () => files.map(fileNode));
}

function fileNode(media) {
  const player = media.url && PLAYERS[media.kind];
  const node = el("div", "file", player ? filePlayer(player, media) : fileRow(media));
  node.dataset.kind = media.kind;
  return node;
}

function filePlayer(tag, media) {
  const player = el(tag);
  player.src = media.url;
  if (tag === "img") player.alt = fileTitle(media);
  else Object.assign(player, { controls: true, preload: "metadata", ariaLabel: fileTitle(media) });
  // What the browser cannot show is still a file.
  player.onerror = () => player.replaceWith(fileRow(media));
  return player;
}

function fileRow(media) {
  const row = el(
    media.url ? "a" : "span",
    "filerow",
    icon("file"),
    el(
      "span",
      "filename",
      el("b", "clip", fileTitle(media)),
      el("small", "", media.failed ? "could not be fetched" : media.url ? fileSize(media.size ?? 0) : "being fetched…"),
    ),
  );
  if (media.url) Object.assign(row, { href: media.url, download: fileTitle(media) });
  return row;
}
