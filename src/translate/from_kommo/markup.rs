//! The buttons of an answer.

use crate::{
    domain::keyboard::{Button, Keyboard},
    kommo::wire::{HookButton, HookList, HookMarkup, HookRow},
};

/// The keyboard of an answer. A list has one button per choice.
pub(super) fn keyboard(markup: &HookMarkup) -> Keyboard {
    let rows = markup.buttons.iter().flatten().map(|row| row.iter().filter_map(button).collect());
    let choices = markup.list_message.iter().flat_map(rows_of).filter_map(choice).map(|button| vec![button]);
    Keyboard(rows.chain(choices).collect()).filtered(|_| true)
}

fn button(button: &HookButton) -> Option<Button> {
    let url = button.url.clone().filter(|url| !url.is_empty());
    Some(Button { label: non_blank(button.text.as_ref())?.to_owned(), url, choice: None })
}

fn choice(row: &HookRow) -> Option<Button> {
    let choice = row.callback_data.clone().filter(|choice| !choice.is_empty());
    Some(Button { choice, ..Button::answer(non_blank(row.title.as_ref())?) })
}

fn rows_of(list: &HookList) -> impl Iterator<Item = &HookRow> {
    list.sections.iter().flatten().flat_map(|section| section.rows.iter().flatten())
}

/// The text of a list: its header, body and footer, and the descriptions of its choices.
pub(super) fn list_text(markup: &HookMarkup) -> Option<String> {
    let list = markup.list_message.as_ref()?;
    let descriptions = descriptions(list);
    let parts = [
        non_blank(list.header.as_ref()),
        non_blank(list.body.as_ref()),
        descriptions.as_deref(),
        non_blank(list.footer.as_ref()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().map(str::trim).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The choices with a description, below the titles of their sections.
fn descriptions(list: &HookList) -> Option<String> {
    let mut lines = Vec::new();
    for section in list.sections.iter().flatten() {
        let row = |row: &HookRow| {
            let (title, more) = (non_blank(row.title.as_ref())?, non_blank(row.description.as_ref())?);
            Some(format!("• {} — {}", title.trim(), more.trim()))
        };
        let rows: Vec<_> = section.rows.iter().flatten().filter_map(row).collect();
        let heading =
            non_blank(section.title.as_ref()).filter(|_| !rows.is_empty()).map(|title| title.trim().to_owned());
        lines.extend(heading.into_iter().chain(rows));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn non_blank(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.trim().is_empty())
}
