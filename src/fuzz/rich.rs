//! Articles: formatted messages of blocks within blocks.

use serde_json::{Value, json};

use crate::{
    fuzz::{
        event::{self, Circumstances},
        input::{Input, is_kept},
    },
    telegram::wire::{MAX_LEVELS, levels},
    translate::text::is_visible,
};

/// How many levels stand around an article in an update.
const AROUND: usize = 2;

/// A byte for the language, and the JSON of an article or of its blocks.
pub(super) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let circumstances = Circumstances::of(input.byte());
    let Some(article) = input.text().filter(|text| serde_json::from_str::<Value>(text).is_ok()) else { return };
    let article =
        if article.trim_start().starts_with('[') { format!(r#"{{"blocks":{article}}}"#) } else { article.to_owned() };
    let said =
        r#""message_id":5,"date":1786017600,"chat":{"id":777,"type":"private"},"from":{"id":777,"first_name":"Ann"}"#;
    let update = format!(r#"{{"update_id":1,"message":{{{said},"rich_message":{article}}}}}"#);
    let told = event::told(&update, circumstances);
    if levels(&article) + AROUND > MAX_LEVELS {
        return;
    }
    let told = told.unwrap_or_else(|why| unreachable!("an article is told: {why}"));
    assert!(is_visible(&told), "{told:?}");
    let article: Value = serde_json::from_str(&article).unwrap_or_default();
    for block in article["blocks"].as_array().into_iter().flatten() {
        let words = paragraph(block);
        assert!(is_kept(&words, &told), "{told:?} lacks words of {block}");
    }
    reprised(&article["blocks"], circumstances);
}

/// The words of a paragraph that is made of texts alone.
fn paragraph(block: &Value) -> String {
    let plain = ["paragraph", "heading", "footer"].iter().any(|kind| block["type"] == *kind);
    match &block["text"] {
        Value::String(text) if plain => text.clone(),
        Value::Array(texts) if plain && texts.iter().all(Value::is_string) => {
            texts.iter().filter_map(Value::as_str).collect()
        }
        _ => String::new(),
    }
}

/// Blocks that are known stay as they are below a block that nobody knows.
fn reprised(blocks: &Value, circumstances: Circumstances) {
    let has_words = blocks.as_array().is_some_and(|blocks| blocks.iter().any(|block| is_visible(&paragraph(block))));
    if !has_words || levels(&blocks.to_string()) + AROUND + 4 > MAX_LEVELS {
        return;
    }
    let article = json!({ "blocks": [{ "type": "of_tomorrow", "blocks": blocks }] });
    let message = json!({
        "message_id": 5, "date": 1_786_017_600, "chat": { "id": 777, "type": "private" }, "rich_message": article,
    });
    let update = json!({ "update_id": 1, "message": message }).to_string();
    let told = event::told(&update, circumstances).expect("an article is told");
    for block in blocks.as_array().into_iter().flatten() {
        assert!(is_kept(&paragraph(block), &told), "{told:?} lacks words of {block}");
    }
}
