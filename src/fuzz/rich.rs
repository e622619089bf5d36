//! Articles: formatted messages of nested blocks.

use serde_json::{Value, json};

use crate::{
    fuzz::{
        event::{self, Circumstances},
        input::{Input, is_kept},
    },
    telegram::wire::{MAX_LEVELS, levels},
    translate::text::is_visible,
};

/// The levels of an update around its article.
const AROUND: usize = 2;

/// A byte for the settings, and the JSON of an article or of its blocks.
pub(super) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let circumstances = Circumstances::of(input.byte());
    let Some(article) = input.text().filter(|text| serde_json::from_str::<Value>(text).is_ok()) else { return };
    let article =
        if article.trim_start().starts_with('[') { format!(r#"{{"blocks":{article}}}"#) } else { article.to_owned() };
    let fields =
        r#""message_id":5,"date":1786017600,"chat":{"id":777,"type":"private"},"from":{"id":777,"first_name":"Ann"}"#;
    let update = format!(r#"{{"update_id":1,"message":{{{fields},"rich_message":{article}}}}}"#);
    let relayed = event::relayed(&update, circumstances);
    if levels(&article) + AROUND > MAX_LEVELS {
        return;
    }
    let relayed = relayed.unwrap_or_else(|why| unreachable!("an article is relayed: {why}"));
    assert!(is_visible(&relayed), "{relayed:?}");
    let article: Value = serde_json::from_str(&article).unwrap_or_default();
    for block in article["blocks"].as_array().into_iter().flatten() {
        let words = paragraph(block);
        assert!(is_kept(&words, &relayed), "{relayed:?} lacks words of {block}");
    }
    check_below_unknown_block(&article["blocks"], circumstances);
}

/// The text of a paragraph that consists of strings only.
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

/// Known blocks within an unknown block are relayed as well.
fn check_below_unknown_block(blocks: &Value, circumstances: Circumstances) {
    let has_words = blocks.as_array().is_some_and(|blocks| blocks.iter().any(|block| is_visible(&paragraph(block))));
    if !has_words || levels(&blocks.to_string()) + AROUND + 4 > MAX_LEVELS {
        return;
    }
    let article = json!({ "blocks": [{ "type": "of_tomorrow", "blocks": blocks }] });
    let message = json!({
        "message_id": 5, "date": 1_786_017_600, "chat": { "id": 777, "type": "private" }, "rich_message": article,
    });
    let update = json!({ "update_id": 1, "message": message }).to_string();
    let relayed = event::relayed(&update, circumstances).expect("an article is relayed");
    for block in blocks.as_array().into_iter().flatten() {
        assert!(is_kept(&paragraph(block), &relayed), "{relayed:?} lacks words of {block}");
    }
}
