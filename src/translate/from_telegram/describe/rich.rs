//! Articles: formatted text with headings, lists, tables and media (Bot API, `RichMessage`).

use serde_json::Value;

use crate::{
    telegram::wire::RawObject,
    translate::{
        from_telegram::{
            content::kind_in_words,
            describe::{future, joined},
            people::one_line,
        },
        text::is_visible,
    },
    words::{Language, described},
};

mod words;

use words::words;

/// The text of an article; `None` if it is nested more deeply than JSON is read.
pub(super) fn text(message: &RawObject, language: Language) -> Option<String> {
    let article: Value = message.read("rich_message")?;
    Some(blocks(&article["blocks"], language)).filter(|text| is_visible(text))
}

/// Blocks, below each other.
fn blocks(of: &Value, language: Language) -> String {
    joined("\n", of.as_array().into_iter().flatten().map(|it| block(it, language)))
}

fn block(block: &Value, language: Language) -> String {
    let kind = string(&block["type"]);
    match kind {
        "divider" => "———".to_owned(),
        "anchor" => String::new(),
        "pre" => format!("```{}\n{}\n```", string(&block["language"]), words(&block["text"])),
        "mathematical_expression" => string(&block["expression"]).to_owned(),
        "list" => items(&block["items"], language),
        "table" => table(block),
        "blockquote" | "expandable_blockquote" | "pullquote" => quotation(block, language),
        "details" => joined("\n", [words(&block["summary"]), blocks(&block["blocks"], language)]),
        "buttons" => joined(" ", block["buttons"].as_array().into_iter().flatten().map(words::button)),
        "paragraph" | "heading" | "footer" | "thinking" => words(&block["text"]),
        "map" => {
            let place = &block["location"];
            let map = described::map().say(language);
            captioned(format!("[{map}] {}, {}", place["latitude"], place["longitude"]), block)
        }
        "collage" | "slideshow" => {
            let shown = blocks(&block["blocks"], language);
            let kind = kind_in_words(kind).say(language);
            captioned(if shown.is_empty() { format!("[{kind}]") } else { shown }, block)
        }
        "animation" | "audio" | "document" | "photo" | "video" | "voice_note" => {
            captioned(file(kind, block, language), block)
        }
        unknown => unknown_block(unknown, block, language),
    }
}

/// A block of an unknown kind, with its readable texts.
fn unknown_block(kind: &str, block: &Value, language: Language) -> String {
    let rest = future::readable_beside(&["blocks", "caption", "credit", "text"], block);
    let text = joined("\n", [words(&block["text"]), blocks(&block["blocks"], language)]);
    let shown = if text.is_empty() {
        joined(" ", [format!("[{}]", one_line(&kind.replace('_', " "))), rest])
    } else {
        joined("\n", [text, rest])
    };
    credited(captioned(shown, block), &block["credit"])
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A file by its kind, with its artist and title, or else its name.
fn file(kind: &str, block: &Value, language: Language) -> String {
    let file = &block[kind];
    let played = joined(" - ", [string(&file["performer"]), string(&file["title"])].map(one_line));
    let name = if played.is_empty() { one_line(string(&file["file_name"])) } else { played };
    joined(" ", [format!("[{}]", kind_in_words(kind).say(language)), name])
}

/// A quotation. Some kinds have blocks, others a text, and versions of the Bot API differ.
fn quotation(block: &Value, language: Language) -> String {
    let text = joined("\n", [blocks(&block["blocks"], language), words(&block["text"])]);
    let quoted: Vec<_> = text.lines().map(|line| format!("> {line}")).collect();
    credited(quoted.join("\n"), &block["credit"])
}

fn credited(text: String, credit: &Value) -> String {
    let credit = words(credit);
    if credit.is_empty() { text } else { joined("\n", [text, format!("— {credit}")]) }
}

fn captioned(text: String, block: &Value) -> String {
    let caption = &block["caption"];
    // The caption of a table is a text itself.
    let caption_text =
        if caption.get("type").is_none() && caption.is_object() { words(&caption["text"]) } else { words(caption) };
    credited(joined("\n", [text, caption_text]), &caption["credit"])
}

fn items(of: &Value, language: Language) -> String {
    let line = |item: &Value| {
        let label = string(&item["label"]);
        // The label of an item with a checkbox is shown only if it is a number, because it may be a bullet.
        let is_number = label.chars().any(char::is_alphanumeric);
        let ticked = match (item["has_checkbox"] == true, item["is_checked"] == true) {
            (true, true) => "☑",
            (true, false) => "☐",
            (false, _) if label.is_empty() => "•",
            (false, _) => "",
        };
        let label = if ticked.is_empty() || is_number { one_line(label) } else { String::new() };
        joined(" ", [label, ticked.to_owned(), blocks(&item["blocks"], language).replace('\n', "\n  ")])
    };
    joined("\n", of.as_array().into_iter().flatten().map(line))
}

fn table(table: &Value) -> String {
    let row = |row: &Value| {
        let cells = row.as_array().into_iter().flatten().map(|cell| words(&cell["text"]));
        cells.collect::<Vec<_>>().join(" | ")
    };
    let rows = table["cells"].as_array().into_iter().flatten().map(row).collect::<Vec<_>>().join("\n");
    joined("\n", [captioned(String::new(), table), rows])
}

#[cfg(test)]
#[path = "rich_tests.rs"]
mod tests;
