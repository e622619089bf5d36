//! Articles: formatted text with headings, lists, tables and media among it (Bot API, `RichMessage`).

use serde_json::Value;

use crate::{
    telegram::wire::{Entity, Part},
    translate::{from_telegram::entities, text::is_visible},
};

/// The text of an article. What is deeper than JSON is read is no article.
pub(super) fn text(message: &Part) -> Option<String> {
    let article: Value = message.read("rich_message")?;
    Some(blocks(&article["blocks"])).filter(|text| is_visible(text))
}

/// Blocks, below each other.
fn blocks(of: &Value) -> String {
    let blocks = of.as_array().into_iter().flatten().map(block).filter(|text| !text.is_empty());
    blocks.collect::<Vec<_>>().join("\n")
}

fn block(block: &Value) -> String {
    let kind = block["type"].as_str().unwrap_or_default();
    match kind {
        "divider" => "———".to_owned(),
        "anchor" => String::new(),
        "pre" => format!("```{}\n{}\n```", string(&block["language"]), words(&block["text"])),
        "mathematical_expression" => string(&block["expression"]).to_owned(),
        "list" => items(&block["items"]),
        "table" => table(block),
        "blockquote" | "pullquote" => {
            let said = below(blocks(&block["blocks"]), words(&block["text"]));
            credited(quoted(&said), &block["credit"])
        }
        "details" => below(words(&block["summary"]), blocks(&block["blocks"])),
        "paragraph" | "heading" | "footer" | "thinking" => words(&block["text"]),
        "map" => {
            let place = &block["location"];
            captioned(format!("[map] {}, {}", place["latitude"], place["longitude"]), block)
        }
        // Media, groups of them, and what is not known yet.
        _ => {
            let inner = below(words(&block["text"]), blocks(&block["blocks"]));
            let file = block[kind]["file_name"].as_str().map(|name| format!(" {name}")).unwrap_or_default();
            let shown = if inner.is_empty() { format!("[{}]{file}", kind.replace('_', " ")) } else { inner };
            captioned(shown, block)
        }
    }
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn below(first: String, second: String) -> String {
    match (first.is_empty(), second.is_empty()) {
        (false, false) => format!("{first}\n{second}"),
        (true, _) => second,
        (_, true) => first,
    }
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

fn credited(text: String, credit: &Value) -> String {
    let credit = words(credit);
    if credit.is_empty() { text } else { format!("{text}\n— {credit}") }
}

fn captioned(text: String, block: &Value) -> String {
    let caption = &block["caption"];
    credited(below(text, words(&caption["text"])), &caption["credit"])
}

fn items(of: &Value) -> String {
    let line = |item: &Value| {
        let label = match (item["has_checkbox"] == true, item["is_checked"] == true) {
            (true, true) => "☑",
            (true, false) => "☐",
            (false, _) => item["label"].as_str().unwrap_or("•"),
        };
        format!("{label} {}", blocks(&item["blocks"]).replace('\n', "\n  "))
    };
    of.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

fn table(table: &Value) -> String {
    let row = |row: &Value| {
        let cells = row.as_array().into_iter().flatten().map(|cell| words(&cell["text"]));
        cells.collect::<Vec<_>>().join(" | ")
    };
    let rows = table["cells"].as_array().into_iter().flatten().map(row).collect::<Vec<_>>().join("\n");
    below(words(&table["caption"]), rows)
}

/// Words with their marks (Bot API, `RichText`).
fn words(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(words).collect(),
        Value::Object(part) => {
            let said = ["alternative_text", "expression"].into_iter().find_map(|field| part.get(field)?.as_str());
            let label = said.map_or_else(|| part.get("text").map(words).unwrap_or_default(), str::to_owned);
            marked(text, label)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn marked(part: &Value, label: String) -> String {
    let own = |field: &str| part[field].as_str().map(str::to_owned);
    let user = part.get("user").and_then(|user| serde_json::from_str(&user.to_string()).ok());
    let entity = Entity { r#type: own("type"), url: own("url"), user, ..Entity::default() };
    match entities::marks(&entity, &label) {
        Some(marks) => format!("{}{label}{}", marks.before, marks.after),
        None => label,
    }
}
