//! What the targets begin with: the fixtures, and what has a form of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

/// The seeds of a target.
pub(super) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "hooks" => [files("kommo", "hook_"), long_hooks()].concat(),
        "updates" => {
            [files("telegram", ""), files("telegram/updates", "")].concat().iter().flat_map(|it| in_each(it)).collect()
        }
        "entities" => entities(),
        "rich" => rich(),
        "start" => start(),
        "links" => links(),
        "ranges" => texts(RANGES),
        "multipart" => multipart(),
        "config" => config(),
        "export" => export(),
        "rows" => rows(),
        "dumps" => dumps(),
        other => unreachable!("{other} has no seeds"),
    }
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

/// The JSON files of a folder whose names begin with this, in the order of their names.
fn files(folder: &str, begin: &str) -> Vec<Vec<u8>> {
    let paths = fs::read_dir(fixtures(folder)).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut paths: Vec<_> = paths
        .filter(|path| name(path).starts_with(begin) && path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.retain(|path| name(path) != "bot_api.json");
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Hooks with more words and buttons than go into one message of Telegram's.
fn long_hooks() -> Vec<Vec<u8>> {
    let text = "A sentence of words 👩\u{200d}👧. ".repeat(300);
    let row = json!([{ "text": "A button 😀" }, { "text": "Site", "url": "https://a.example/" }]);
    let markup = json!({ "buttons": vec![row; 70] });
    let file =
        json!({ "type": "file", "media": "https://a.example/b.pdf", "text": "a note", "sender": { "name": "Ann" } });
    let content = [
        json!({ "id": "a", "type": "text", "text": text, "markup": markup }),
        json!({ "id": "b", "type": "picture", "text": text, "media": "https://a.co", "markup": markup }),
        json!({ "id": "c", "type": "text", "text": "see", "forwards": { "messages": [file, file] } }),
        json!({ "id": "d", "type": "location", "text": "here", "location": { "lon": 2.25, "lat": 48.5 } }),
        json!({ "id": "e", "type": "contact", "contact": { "name": "Bob", "phone": "+4915550100, +4915550101" } }),
    ];
    let chat = json!({ "id": "k", "client_id": "tg:sales:7" });
    let hook = |content| json!({ "time": 1, "message": { "conversation": chat, "message": content } });
    content.map(|content| hook(content).to_string().into_bytes()).to_vec()
}

/// An update where groups are ignored and no connection is known, and where it is the other way.
fn in_each(update: &[u8]) -> [Vec<u8>; 2] {
    [b" ", b"#"].map(|circumstances| [&circumstances[..], update].concat())
}

fn entities() -> Vec<Vec<u8>> {
    let text = " Hello 👋|brave new 👩\u{200d}👧 world, it was always late\n".as_bytes();
    let entities: [&[u8]; 6] = [
        &[0, 0, 5, 3, 6, 2, 9, 9, 5],
        &[7, 9, 9, 5, 9, 2, 6, 0, 9, 30],
        &[10, 20, 9, 16, 3, 4, 17],
        &[4, 6, 1, 7, 255, 3, 1, 254, 253],
        &[8, 0, 200, 6, 0, 200, 4, 0, 200],
        &[],
    ];
    entities.map(|entities| [text, entities].concat()).to_vec()
}

fn rich() -> Vec<Vec<u8>> {
    let fixture: serde_json::Value =
        serde_json::from_slice(&fs::read(fixtures("telegram/rich_message.json")).unwrap()).unwrap();
    let blocks = fixture["message"]["rich_message"]["blocks"].as_array().unwrap();
    let each = blocks.iter().map(|block| format!(" [{block}]").into_bytes());
    let whole = format!(" {}", fixture["message"]["rich_message"]).into_bytes();
    let own = texts(&[
        r#" [{"type":"paragraph","text":["a",{"type":"bold","text":{"type":"link","url":"tg://a","text":"b"}}]}]"#,
        r#"$[{"type":"table","cells":[[{"text":"a"},{"text":"b"}]],"caption":"c"},{"type":"of_tomorrow","text":"d"}]"#,
    ]);
    each.chain([whole]).chain(own).collect()
}

fn start() -> Vec<Vec<u8>> {
    let begin = [b" \0\0\0\0\0\0\0\x11\xff\xff\xff\xff\0\0\0\0", &b"a-nonce!"[..]].concat();
    let payloads = ["", "spring_sale-1", "a b", "ref=1", &"A".repeat(48), &"x".repeat(64), &"x".repeat(65), "@bot x"];
    payloads.iter().map(|payload| [&begin[..], payload.as_bytes()].concat()).collect()
}

fn links() -> Vec<Vec<u8>> {
    let seeds: [(u8, &str); 18] = [
        (0, "/media/@/a.jpg"),
        (0, "//media//@"),
        (0, "/media/e30.AAAA/x"),
        (0, "/other/@/a.jpg"),
        (1, "a.pdf\nBQACAgIAAxkBAAM\napplication/pdf\n\0\0\0\0\0\0\0\x05\x0f"),
        (1, "Договор 📄.pdf\nfile\nimage/svg+xml\n"),
        (1, "a\"; filename=\"b\r/\\%\nfile\ntext/html; charset=utf-8\n"),
        (1, "..\nfile\nimage/png\n"),
        (1, "\n\n\n"),
        (2, "1-2/7/5.jpg"),
        (2, "1-2/7/link"),
        (2, "1-2/../secret"),
        (2, "../secret"),
        (2, "1-2/done.jsonl"),
        (3, "@/5.jpg"),
        (3, "@/link"),
        (3, "@/../done.jsonl"),
        (3, "@/../../../secret"),
    ];
    seeds.iter().map(|(kind, text)| [&[*kind], text.as_bytes()].concat()).collect()
}

/// A letter for the length, and a range; two letters and two lines of what another server tells.
const RANGES: &[&str] = &[
    "dbytes=0-1",
    "dbytes=2-",
    "dbytes=-3",
    "dbytes=-0",
    "dbytes=99-100",
    "dbytes=100-",
    "dbytes=5-2",
    "dbytes=0-1,4-5",
    "dbytes=18446744073709551615-18446744073709551615",
    "dbytes=-18446744073709551616",
    "\0bytes=0-",
    "dlines=1-2",
    "dab100\nbytes 0-99/100\n",
    "dbb2\nbytes 1-2/100\n",
    "dba\nbytes 0-18446744073709551615/*\n",
];

fn multipart() -> Vec<Vec<u8>> {
    let form = "multipart/form-data; boundary=X\n@\
                --X\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n7\r\n\
                --X\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\
                Content-Type: image/jpeg\r\n\r\nabc\r\n--X--\r\n";
    let seeds: [(u8, &str); 9] = [
        (0, form),
        (0, "multipart/form-data; boundary=X\n@--X\r\nContent-Disposition: form-data\r\n\r\n7\r\n--X--\r\n"),
        (0, "multipart/form-data\n@--X--"),
        (0, "text/plain\n@x"),
        (1, "\u{1}chat 7\ncaption: hello\n\u{2}a.jpg\nabc\nб\".txt\ndef\n"),
        (1, "\0\n\u{1}a b.bin\n\n"),
        (2, "\0chat_id=7&text=a%20b\ntext\n{\"chat_id\":7,\"text\":\"é\",\"a\":true,\"n\":null,\"l\":[1]}"),
        (2, "\u{1}a=true\na\nchat_id=7&text=%C3%A9+%26&n="),
        (2, "\0\nx\n[]"),
    ];
    let large = format!("\u{1}\0a field\n\u{2}a\n{0}\nb\n{0}\n", "x".repeat(600));
    let seeds = seeds.iter().map(|(kind, text)| [&[*kind], text.as_bytes()].concat());
    seeds.chain([large.into_bytes()]).collect()
}

fn config() -> Vec<Vec<u8>> {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml.example")).unwrap();
    let least = "[server]\npublic_url = \"https://bridge.example.com\"\n\
                 [kommo]\nchannel_id = \"344a5002-f8ca-454d-af3d-396180102ac7\"\n\
                 channel_secret = \"@S\"\naccess_token = \"@A\"\nproxy = \"@P\"\n\
                 [sources.sales]\ntoken = \"@T\"\nname = \"Sales\"\n";
    let seeds: [(u8, &str); 12] = [
        (0, &example),
        (0, least),
        (0, "[kommo]\nchannel_secret = @S\n"),
        (1, "\u{1}\u{20}\u{3}"),
        (1, "\u{1}\u{70}\u{10}\0\u{40}\u{2}"),
        (1, "\u{1}\u{3f}\u{1}\u{1}\u{55}\u{5}"),
        (2, "\0KOMMO__CHANNEL_SECRET=@S\nKOMMO__TIMEOUT=1s\nSOURCES__SALES__TOKEN=@T"),
        (2, "\u{1}TELEGRAM__PROXY=@P\nKOMMO__BOT_ID=@T\nKOMMO__ACCESS_TOKEN=@A\nPORT=80\nDATA_DRI=x"),
        (2, "\u{2}SERVER__PUBLIC_URL=@S\nLOG__LEVEL=@A\nKOMMO__CHANNEL_SECRET_FILE=@S"),
        (3, "\0@S\n"),
        (3, "\u{1}@T @T"),
        (3, "\u{2}@A\u{7f}"),
    ];
    seeds.iter().map(|(kind, text)| [&[*kind], text.as_bytes()].concat()).collect()
}

fn export() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for name in fs::read_dir(fixtures("telegram/export")).unwrap().map(|entry| entry.unwrap().path()) {
        if name.extension().is_some_and(|ending| ending == "json") {
            all.push(fs::read(name).unwrap());
        }
    }
    let head = r#"{"name":"Anna","type":"personal_chat","id":777,"messages":"#;
    let fields_of = r#""type":"message","date_unixtime":"1714557600","from":"Anna","from_id":"user777""#;
    let message = |fields: &str| format!("{head}[{{\"id\":5,{fields_of},{fields}}}]}}").into_bytes();
    all.extend(
        [
            r#""text":["a\x1F",{"type":"blockquote","text":"b"}]"#,
            r#""photo":"photos/a.jpg","text":"""#,
            r#""file":"link","media_type":"sticker","sticker_emoji":"👍","text":"""#,
            r#""photo":"../secret","text":"""#,
            r#""location_information":{"latitude":48.5,"longitude":2.25},"place_name":"Cafe","text":"""#,
            r#""contact_information":{"first_name":"Bob","phone_number":"+15550100"},"text":"""#,
            r#""poll":{"question":"When?","answers":[{"text":"Now"}]},"text":"""#,
        ]
        .map(message),
    );
    all
}

fn dump() -> String {
    fs::read_to_string(fixtures("store/format-1.jsonl")).unwrap()
}

/// The values of the fixture's rows, and the keys by themselves.
fn rows() -> Vec<Vec<u8>> {
    let lines: Vec<serde_json::Value> = dump().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    let key = |key: &str| key.as_bytes().chunks(2).map(byte).collect();
    let all =
        lines.iter().flat_map(|line| [line["v"].as_str().map(|v| v.as_bytes().to_vec()), line["k"].as_str().map(key)]);
    all.flatten().chain([dump().lines().next().unwrap().as_bytes().to_vec()]).collect()
}

/// The whole fixture, each of its rows alone, and what is no dump.
fn dumps() -> Vec<Vec<u8>> {
    let whole = dump();
    let lines: Vec<_> = whole.lines().collect();
    let (head, rows) = (lines[0], &lines[1..lines.len() - 1]);
    let small =
        rows.chunks(16).map(|rows| format!("{head}\n{}\n{{\"rows\":{}}}\n", rows.join("\n"), rows.len()).into_bytes());
    let highest = r#"{"k":"7affffffffffffffff","v":"{}"}"#.replace("7a", "70");
    let odd = [
        format!("{head}\n{{\"rows\":0}}\n"),
        format!("{head}\n{highest}\n{{\"rows\":1}}\n"),
        format!("{head}\n{{\"k\":\"78ff\",\"b\":\"ff00\"}}\n{{\"rows\":1}}"),
        head.to_owned(),
        String::new(),
    ];
    small.chain([whole.clone().into_bytes()]).chain(odd.map(String::into_bytes)).collect()
}
