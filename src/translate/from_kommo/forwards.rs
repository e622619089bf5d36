//! Messages that a manager passes on.

use crate::{
    domain::message::Attachment,
    kommo::wire::{HookForwards, HookQuoted},
};

/// The text with what is passed on in front of it, each line as a quotation below the name of who wrote it.
pub(super) fn in_front(forwards: Option<&HookForwards>, text: Option<String>) -> Option<String> {
    let messages = forwards.and_then(|forwards| forwards.messages.as_ref()).into_iter().flatten();
    let parts: Vec<_> = messages.filter_map(passed_on).chain(text).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The files of what is passed on, in order. Each is named in the text in front, too.
pub(super) fn files(forwards: Option<&HookForwards>) -> Vec<Attachment> {
    let messages = forwards.and_then(|forwards| forwards.messages.as_ref()).into_iter().flatten();
    let file = |it: &HookQuoted| super::attachment(it.media.as_deref(), it.r#type.as_deref(), it.file_name.as_deref());
    messages.filter_map(file).collect()
}

fn passed_on(message: &HookQuoted) -> Option<String> {
    let author = message.sender.as_ref().and_then(|sender| said(sender.name.as_ref())).map(|name| format!("{name}:"));
    let file = said(message.r#type.as_ref()).filter(|kind| *kind != "text").map(|kind| {
        let name = said(message.file_name.as_ref()).map(|name| format!(" {name}")).unwrap_or_default();
        format!("[{kind}]{name}")
    });
    let text = said(message.text.as_ref()).map(str::to_owned);
    let what: Vec<_> = file.into_iter().chain(text).collect();
    let all = author.filter(|_| !what.is_empty()).into_iter().chain(what).collect::<Vec<_>>().join("\n");
    let lines: Vec<_> = all.lines().map(|line| format!("> {line}")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn said(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}
