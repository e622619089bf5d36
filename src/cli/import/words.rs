//! The text of an export: formatted as customers' messages are when they come by a bot.

use serde_json::Value;

/// A text, or a list of texts and formatted parts, as plain text: what changes the meaning of words gets a mark.
pub(super) fn plain(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(part).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

fn part(part: &Value) -> String {
    let word = |name: &str| part[name].as_str().unwrap_or_default();
    let (kind, text) = (word("type"), word("text"));
    match (part, kind) {
        (Value::String(text), _) => text.clone(),
        (_, "text_link") if word("href") != text => format!("{text} ({})", word("href")),
        (_, "code") => format!("`{text}`"),
        (_, "pre") => format!("```{}\n{text}\n```", word("language")),
        (_, "strikethrough") => format!("~{text}~"),
        (_, "spoiler") => format!("||{text}||"),
        (_, "blockquote") => text.lines().map(|line| format!("> {line}\n")).collect::<Vec<_>>().concat(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_are_put_together_with_their_marks() {
        let text = json!(["See ", {"type": "text_link", "text": "this", "href": "https://a.example"}, " and ",
            {"type": "bold", "text": "that"}, {"type": "code", "text": "x"}, {"type": "link", "text": "b.example"}]);
        assert_eq!(plain(&text), "See this (https://a.example) and that`x`b.example");
        assert_eq!(plain(&json!("as it is")), "as it is");
        assert_eq!(plain(&json!([{"type": "blockquote", "text": "a\nb"}, "c"])), "> a\n> b\nc");
        assert_eq!(plain(&json!([{"type": "new kind", "text": "kept"}])), "kept");
    }
}
