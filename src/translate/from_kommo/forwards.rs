//! Messages that a manager forwards.

use crate::{
    domain::message::Attachment,
    kommo::wire::{HookForwards, HookQuoted},
};

/// Prepends the forwarded messages to the text, as quotes with their authors.
pub(super) fn prepend(forwards: Option<&HookForwards>, text: Option<String>) -> Option<String> {
    let messages = forwards.and_then(|forwards| forwards.messages.as_ref()).into_iter().flatten();
    let parts: Vec<_> = messages.filter_map(quoted).chain(text).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The files of the forwarded messages, in order. The quotes in the text name them as well.
pub(super) fn files(forwards: Option<&HookForwards>) -> Vec<Attachment> {
    let messages = forwards.and_then(|forwards| forwards.messages.as_ref()).into_iter().flatten();
    let file = |it: &HookQuoted| super::attachment(it.media.as_deref(), it.r#type.as_deref(), it.file_name.as_deref());
    messages.filter_map(file).collect()
}

fn quoted(message: &HookQuoted) -> Option<String> {
    let author =
        message.sender.as_ref().and_then(|sender| non_blank(sender.name.as_ref())).map(|name| format!("{name}:"));
    let file = non_blank(message.r#type.as_ref()).filter(|kind| *kind != "text").map(|kind| {
        let name = non_blank(message.file_name.as_ref()).map(|name| format!(" {name}")).unwrap_or_default();
        format!("[{kind}]{name}")
    });
    let text = non_blank(message.text.as_ref()).map(str::to_owned);
    let content: Vec<_> = file.into_iter().chain(text).collect();
    let all = author.filter(|_| !content.is_empty()).into_iter().chain(content).collect::<Vec<_>>().join("\n");
    let lines: Vec<_> = all.lines().map(|line| format!("> {line}")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn non_blank(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}
