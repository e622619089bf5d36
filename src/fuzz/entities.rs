//! Formatted texts: whatever the entities say, no word is lost.

use serde_json::{Value, json};

use crate::{
    fuzz::{
        event::{self, Circumstances},
        input::{Input, is_kept},
    },
    translate::text::is_visible,
};

/// What Telegram calls its entities.
const KINDS: [&str; 20] = [
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "code",
    "pre",
    "blockquote",
    "expandable_blockquote",
    "text_link",
    "text_mention",
    "custom_emoji",
    "mention",
    "hashtag",
    "bot_command",
    "url",
    "date_time",
    "phone_number",
    "of_tomorrow",
    "",
];

/// A byte for the language, a text in one line, where `|` stands for a line feed, and entities of some bytes each.
pub(super) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let circumstances = Circumstances::of(input.byte());
    let text = input.line().replace('|', "\n");
    let mut entities = Vec::new();
    while !input.is_empty() {
        entities.push(entity(&mut input));
    }
    let is_caption = text.len() % 2 == 1;
    let mut message = json!({
        "message_id": 5,
        "date": 1_786_017_600,
        "chat": { "id": 777, "type": "private" },
        "from": { "id": 777, "first_name": "Ann" },
    });
    if is_caption {
        message["voice"] = json!({ "file_id": "file", "duration": 1 });
        message["caption"] = json!(text);
        message["caption_entities"] = json!(entities);
    } else {
        message["text"] = json!(text);
        message["entities"] = json!(entities);
    }
    let update = json!({ "update_id": 1, "message": message }).to_string();
    let told = event::told(&update, circumstances).expect("a text of a customer is told");
    if is_visible(&text) && !text.starts_with("/start") {
        assert!(is_kept(&text, &told), "{told:?} lacks words of {text:?}");
        paired(&text, &told);
        let most = text.len() * 8 + entities.len() * (text.len() * 4 + 200);
        assert!(told.len() <= most + 200, "{} bytes of {}", told.len(), text.len());
    }
}

/// What is marked in front is marked behind.
fn paired(text: &str, told: &str) {
    for (mark, signs) in [('~', 1), ('|', 2)] {
        let added = told.matches(mark).count() - text.matches(mark).count();
        assert_eq!(added % (2 * signs), 0, "{mark:?} is not paired in {told:?}");
    }
}

/// Mostly one that lies in the text, sometimes one that lies anywhere.
fn entity(input: &mut Input<'_>) -> Value {
    let kind = KINDS[usize::from(input.byte()) % KINDS.len()];
    let (offset, length) = (number(input), number(input));
    let mut entity = json!({ "type": kind, "offset": offset, "length": length });
    match kind {
        "text_link" => entity["url"] = json!("https://example.com/a b"),
        "text_mention" => entity["user"] = json!({ "id": 5, "first_name": "B\nob" }),
        "pre" => entity["language"] = json!("ru`st\n"),
        "date_time" => entity["unix_time"] = json!(number(input).saturating_mul(10_000_000)),
        _ => {}
    }
    entity
}

fn number(input: &mut Input<'_>) -> i64 {
    match input.byte() {
        255 => i64::MAX,
        254 => i64::MIN,
        253 => -1,
        small => small.into(),
    }
}
