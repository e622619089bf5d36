"use strict";

/* ---- What either side can send besides a text ---- */
const PLACE = { lat: 52.520008, lon: 13.404954 };
const FILE_SAMPLES = [
  ["image", "Photo", "photo", async () => [await samplePhoto(20, "Sunset.png")]],
  ["album", "Album of 3", "album", sampleAlbum],
  ["voice", "Voice", "voice", () => [sampleVoice()]],
  ["file", "Document", "document", () => [sampleDocument()]],
  ["smile", "Sticker", "sticker", async () => [await sampleSticker()]],
];
const PIECES = [
  ["phone", "My number", "number", { kind: "own_number" }],
  ["person", "Contact", "contact", { kind: "contact", name: "Max Weber", phone: "+49 30 901820" }],
  ["pin", "Location", "location", { kind: "location", ...PLACE }],
  [
    "pin",
    "Venue",
    "venue",
    { kind: "venue", ...PLACE, title: "Walnut & Co.", address: "Karl-Liebknecht-Straße 5, Berlin" },
  ],
  [
    "poll",
    "Poll",
    "poll",
    { kind: "poll", question: "Which wood do you like best?", options: ["Walnut", "Oak", "Ash"] },
  ],
  ["dice", "Die", "die", { kind: "dice", emoji: "🎲" }],
];
const FORMS = [
  [
    "buttons",
    "Buttons",
    "buttons",
    "When may we deliver?",
    { kind: "buttons", rows: [["Morning", "Evening"], ["Another day"]] },
  ],
  [
    "link",
    "Link buttons",
    "links",
    "See for yourself:",
    {
      kind: "links",
      rows: [
        [
          ["Catalogue", "https://example.com/desks"],
          ["Map", "https://example.com/map"],
        ],
      ],
    },
  ],
  [
    "list",
    "List",
    "list",
    "Which desk is it about?",
    {
      kind: "list",
      button: "Desks",
      rows: [
        ["walnut", "Walnut, 160 cm"],
        ["oak", "Oak, 140 cm"],
        ["ash", "Ash, 120 cm"],
      ],
    },
  ],
  [
    "template",
    "Template",
    "template",
    "",
    {
      kind: "template",
      content: "Your order #{{lead.id}} is ready. Shall we bring it?",
      params: [["{{lead.id}}", "4711"]],
      rows: [["Yes, please", "I collect it"]],
    },
  ],
  ["pin", "Location", "location", "", { kind: "location", ...PLACE }],
  ["person", "Contact", "contact", "", { kind: "contact", name: "Walnut & Co.", phone: "+49 30 901820" }],
];

function attachMenu(side, anchor) {
  const items = FILE_SAMPLES.map(([picture, label, id, make]) =>
    popupItem(picture, label, `attach-${id}`, async () => sendFiles(side, await make())),
  );
  items.push(popupItem("clip", "Own files…", "attach-own", () => side.picker.click()));
  openPopup(anchor, "Attach", el("div", "grid", ...items), el("hr"), el("div", "grid", ...side.more()));
}

async function sendFiles(side, files) {
  if (!files.length) return;
  const size = [...files].reduce((sum, file) => sum + file.size, 0);
  if (size > LARGEST_FILES) return toast("The sandbox takes at most 60 MB at once.");
  await side.composer.use(text => {
    const form = new FormData();
    form.append("about", JSON.stringify(side.place()));
    form.append("caption", text);
    for (const file of files) form.append("file", file, file.name);
    return side.send("send_files", form);
  });
}

/* ---- Own files: picked, dropped or pasted ---- */
function takeFiles(side, ground) {
  side.picker.onchange = () => {
    const files = [...side.picker.files];
    side.picker.value = "";
    sendFiles(side, files);
  };
  ground.addEventListener("dragover", event => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    ground.classList.add("dropping");
  });
  ground.addEventListener("dragleave", event => {
    if (!ground.contains(event.relatedTarget)) ground.classList.remove("dropping");
  });
  ground.addEventListener("drop", event => {
    event.preventDefault();
    ground.classList.remove("dropping");
    sendFiles(side, [...event.dataTransfer.files]);
  });
  ground.addEventListener("paste", event => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    sendFiles(side, [...event.clipboardData.files]);
  });
}
