//! The choices under an answer.

use crate::{
    domain::keyboard::{Button, Keyboard},
    kommo::wire::{HookButton, HookList, HookMarkup, HookRow},
};

/// The buttons of an answer. A list is shown as one button per choice.
pub(super) fn keyboard(markup: &HookMarkup) -> Keyboard {
    let rows = markup.buttons.iter().flatten().map(|row| row.iter().filter_map(button).collect());
    let choices = markup.list_message.iter().flat_map(rows_of).filter_map(choice).map(|button| vec![button]);
    Keyboard(rows.chain(choices).collect()).filtered(|_| true)
}

fn button(button: &HookButton) -> Option<Button> {
    let url = button.url.clone().filter(|url| !url.is_empty());
    Some(Button { label: said(button.text.as_ref())?.to_owned(), url, choice: None })
}

fn choice(row: &HookRow) -> Option<Button> {
    let choice = row.callback_data.clone().filter(|choice| !choice.is_empty());
    Some(Button { choice, ..Button::answer(said(row.title.as_ref())?) })
}

fn rows_of(list: &HookList) -> impl Iterator<Item = &HookRow> {
    list.sections.iter().flatten().flat_map(|section| section.rows.iter().flatten())
}

/// What a list says above its choices: its own words, and what there is to say of them.
pub(super) fn list_text(markup: &HookMarkup) -> Option<String> {
    let list = markup.list_message.as_ref()?;
    let described = described(list);
    let parts =
        [said(list.header.as_ref()), said(list.body.as_ref()), described.as_deref(), said(list.footer.as_ref())];
    let parts: Vec<_> = parts.into_iter().flatten().map(str::trim).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The choices that say more than fits on a button, below the headings of their sections.
fn described(list: &HookList) -> Option<String> {
    let mut lines = Vec::new();
    for section in list.sections.iter().flatten() {
        let row = |row: &HookRow| {
            let (title, more) = (said(row.title.as_ref())?, said(row.description.as_ref())?);
            Some(format!("• {} — {}", title.trim(), more.trim()))
        };
        let rows: Vec<_> = section.rows.iter().flatten().filter_map(row).collect();
        let heading = said(section.title.as_ref()).filter(|_| !rows.is_empty()).map(|title| title.trim().to_owned());
        lines.extend(heading.into_iter().chain(rows));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.trim().is_empty())
}
