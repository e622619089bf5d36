'use strict';
const LARGEST_FILE = 5 * 1024 * 1024;
const PLAYERS = { picture: 'img', sticker: 'img', video: 'video', audio: 'audio' };
const FILE_NAMES = { picture: 'Photo', sticker: 'Sticker', video: 'Video', audio: 'Audio', file: 'File' };

/* ---- Files in bubbles ---- */
const fileSize = bytes => bytes < 1024 ? `${bytes} B` : bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const fileTitle = media => media.name || FILE_NAMES[media.kind] || 'File';
// What a message says in one line.
const summary = message => message.text || message.card || (message.media ? fileTitle(message.media) : '');

function paintFile(node, media) {
  const state = media ? `${media.url ?? ''} ${media.failed ?? ''}` : '';
  node.hidden = !media;
  if (!media || node.dataset.painted === state) return;
  node.dataset.painted = state;
  node.dataset.kind = media.kind;
  const player = media.url && PLAYERS[media.kind];
  node.replaceChildren(player ? filePlayer(player, media) : fileRow(media));
}

function filePlayer(tag, media) {
  const player = el(tag);
  player.src = media.url;
  if (tag === 'img') player.alt = fileTitle(media);
  else Object.assign(player, { controls: true, preload: 'metadata', ariaLabel: fileTitle(media) });
  // What the browser cannot show is still a file.
  player.onerror = () => player.replaceWith(fileRow(media));
  return player;
}

function fileRow(media) {
  const row = el(media.url ? 'a' : 'span', 'filerow', icon('file'),
    el('span', 'filename', el('b', 'clip', fileTitle(media)), el('small', '', media.failed ? 'could not be fetched' : media.url ? fileSize(media.size ?? 0) : 'being fetched…')));
  if (media.url) Object.assign(row, { href: media.url, download: fileTitle(media) });
  return row;
}

async function sendFile(file) {
  if (file.size > LARGEST_FILE) return toast('The sandbox takes files of up to 5 MB.');
  const about = new URLSearchParams({ source: view.source, customer: view.customer, name: file.name, type: file.type });
  return post(`/api/telegram/send_file?${about}`, file);
}
