//! What is told in words alone.

use crate::{telegram::wire::Part, translate::from_telegram::people};

/// What a message of a `kind` says, as a line that begins with what it is.
pub(super) fn line(kind: &str, message: &Part) -> Option<String> {
    let what = message.part(kind);
    Some(match kind {
        "dice" => format!("[dice] {} {}", what.text("emoji")?, what.number("value")?),
        "new_chat_members" => format!("[new members] {}", people::all(&message.list(kind))),
        _ => return None,
    })
}
