//! Formatted texts: no text is lost, whatever the entities are.

use serde_json::{Value, json};

use crate::{
    fuzz::{
        event::{self, Circumstances},
        input::{Input, is_kept},
    },
    translate::text::is_visible,
};

/// Types of entities.
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

/// A byte for the settings, a line with a text, in which `|` stands for a line feed, and entities of some bytes each.
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
    let relayed = event::relayed(&update, circumstances).expect("a customer's text is relayed");
    if is_visible(&text) && !text.starts_with("/start") {
        assert!(is_kept(&text, &relayed), "{relayed:?} lacks words of {text:?}");
        paired(&text, &relayed);
        let most = text.len() * 8 + entities.len() * (text.len() * 4 + 200);
        assert!(relayed.len() <= most + 200, "{} bytes of {}", relayed.len(), text.len());
    }
}

/// Each mark has its counterpart.
fn paired(text: &str, relayed: &str) {
    for (mark, signs) in [('~', 1), ('|', 2)] {
        let added = relayed.matches(mark).count() - text.matches(mark).count();
        assert_eq!(added % (2 * signs), 0, "{mark:?} is not paired in {relayed:?}");
    }
}

/// Mostly an entity within the text, sometimes one outside of it.
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
