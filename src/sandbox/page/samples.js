"use strict";

/* ---- Ready-made files, drawn and written on the spot ---- */
function drawn(name, type, width, height, paint) {
  const canvas = Object.assign(el("canvas"), { width, height });
  paint(canvas.getContext("2d"));
  return new Promise(done => canvas.toBlob(blob => done(new File([blob], name, { type: blob.type })), type));
}

function disc(pen, colour, x, y, radius) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, Math.PI * 2);
  pen.fill();
}

// Hills below a sun. The hue tells the pictures of an album apart.
function landscape(pen, hue) {
  const sky = pen.createLinearGradient(0, 0, 0, 480);
  sky.addColorStop(0, `hsl(${hue + 170} 65% 62%)`);
  sky.addColorStop(1, `hsl(${hue + 20} 85% 84%)`);
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 720, 480);
  disc(pen, `hsl(${hue + 30} 95% 70%)`, 520, 190, 60);
  [
    [300, 46],
    [360, 36],
    [420, 26],
  ].forEach(([top, light], n) => {
    pen.fillStyle = `hsl(${hue + 70} 38% ${light}%)`;
    pen.beginPath();
    pen.moveTo(0, 480);
    for (let x = 0; x <= 720; x += 8) pen.lineTo(x, top + Math.sin(x / (90 + n * 25) + n * 2) * 34);
    pen.lineTo(720, 480);
    pen.fill();
  });
}

const samplePhoto = (hue, name) => drawn(name, "image/png", 720, 480, pen => landscape(pen, hue));
const sampleAlbum = () => Promise.all([20, 140, 260].map((hue, n) => samplePhoto(hue, `Walk ${n + 1}.png`)));
const sampleDocument = () => new File(["Договор аренды № 7\n"], "Договор аренды № 7.txt", { type: "text/plain" });
const sampleAvatar = () =>
  drawn("me.png", "image/png", 320, 320, pen => {
    const hue = Math.floor(Math.random() * 360);
    pen.fillStyle = `hsl(${hue} 60% 78%)`;
    pen.fillRect(0, 0, 320, 320);
    disc(pen, `hsl(${hue} 50% 38%)`, 160, 345, 130);
    disc(pen, `hsl(${hue + 20} 55% 88%)`, 160, 135, 72);
  });

const sampleSticker = () =>
  drawn("smile.webp", "image/webp", 512, 512, pen => {
    disc(pen, "#fff", 256, 256, 236);
    disc(pen, "#ffc93c", 256, 256, 216);
    disc(pen, "#43310a", 184, 212, 26);
    disc(pen, "#43310a", 328, 212, 26);
    Object.assign(pen, { lineWidth: 24, lineCap: "round", strokeStyle: "#43310a" });
    pen.beginPath();
    pen.arc(256, 270, 112, 0.35, Math.PI - 0.35);
    pen.stroke();
  });

/* ---- A voice that says nothing: Opus in OGG (RFC 7845, RFC 3533) ---- */
const OPUS_SILENCE = [0xf8, 0xff, 0xfe],
  OPUS_SAMPLES = 960,
  OPUS_FRAMES = 150,
  OPUS_RATE = 48000;
const letters = text => [...text].map(letter => letter.charCodeAt(0));
const little = (number, bytes) => Array.from({ length: bytes }, (_, n) => Math.floor(number / 256 ** n) % 256);

function oggSum(bytes) {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  return sum >>> 0;
}

function oggPage(number, flags, samples, packets) {
  const page = [
    ...letters("OggS"),
    0,
    flags,
    ...little(samples, 8),
    ...little(7, 4),
    ...little(number, 4),
    0,
    0,
    0,
    0,
    packets.length,
    ...packets.map(packet => packet.length),
    ...packets.flat(),
  ];
  page.splice(22, 4, ...little(oggSum(page), 4));
  return page;
}

function sampleVoice() {
  const head = [...letters("OpusHead"), 1, 1, ...little(312, 2), ...little(OPUS_RATE, 4), 0, 0, 0];
  const tags = [...letters("OpusTags"), ...little(9, 4), ...letters("telekommo"), ...little(0, 4)];
  const pages = [
    oggPage(0, 2, 0, [head]),
    oggPage(1, 0, 0, [tags]),
    oggPage(2, 4, OPUS_SAMPLES * OPUS_FRAMES, Array(OPUS_FRAMES).fill(OPUS_SILENCE)),
  ];
  return new File([new Uint8Array(pages.flat())], "voice.ogg", { type: "audio/ogg" });
}
