//! Texts and captions: what becomes of them on their way.

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        methods::{Answer, Refusal},
        sending,
        world::World,
    },
};

/// The longest text, in UTF-16 units. The server counts code points after parsing, which are never more.
const LONGEST_TEXT: usize = 4096;
/// The longest caption, in UTF-16 units.
const LONGEST_CAPTION: usize = 1024;
/// Above this many bytes the server does not even count.
const LONGEST_TEXT_BYTES: usize = 1 << 15;

/// `sendMessage`.
pub(super) fn send_message(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    sending::plain(arguments)?;
    let text = shown_text(arguments.text("text").unwrap_or_default())?;
    sending::send(world, token, arguments, now, |_| Ok(ChatMessage { text, ..ChatMessage::default() }))
}

/// What becomes of a text on its way: control characters go, and the space around it.
pub(super) fn shown_text(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(400, "Bad Request: message text is empty"));
    }
    if text.len() > LONGEST_TEXT_BYTES {
        return Err(Refusal::new(400, "Bad Request: text is too long"));
    }
    let shown = cleaned(text);
    if shown.chars().all(is_blank) {
        return Err(Refusal::new(400, "Bad Request: text must be non-empty"));
    }
    if shown.encode_utf16().count() > LONGEST_TEXT {
        return Err(Refusal::new(400, "Bad Request: message is too long"));
    }
    Ok(shown)
}

/// Judges a caption, which may be empty.
pub(super) fn caption(text: Option<&str>) -> Result<String, Refusal> {
    let text = text.unwrap_or_default();
    let shown = cleaned(text);
    if text.len() > LONGEST_TEXT_BYTES || shown.encode_utf16().count() > LONGEST_CAPTION {
        return Err(Refusal::new(400, "Bad Request: message caption is too long"));
    }
    Ok(shown)
}

/// What the server counts as nothing, as all of a text (server source, `is_empty_string`).
const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}')
        || matches!(c, '\u{205f}' | '\u{2800}' | '\u{3000}' | '\u{feff}' | '\u{ffa0}')
}

/// Without control characters and the space around it.
fn cleaned(text: &str) -> String {
    let visible = text.chars().filter(|c| *c != '\r').map(|c| if c < ' ' && c != '\n' { ' ' } else { c });
    visible.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_judged_as_the_server_does() {
        let longest = "👋".repeat(LONGEST_TEXT / 2);
        for (text, becomes) in [
            (" a\tb\r\nc\n".to_owned(), Ok("a b\nc".to_owned())),
            (longest.clone(), Ok(longest.clone())),
            (String::new(), Err("Bad Request: message text is empty")),
            (" \n ".to_owned(), Err("Bad Request: text must be non-empty")),
            (format!("{longest}a"), Err("Bad Request: message is too long")),
            ("a".repeat(LONGEST_TEXT_BYTES + 1), Err("Bad Request: text is too long")),
        ] {
            let shown = shown_text(&text).map_err(|refusal| refusal.description.into_owned());
            assert_eq!(shown, becomes.map_err(str::to_owned));
        }
    }

    #[test]
    fn a_caption_may_be_missing_but_not_long() {
        let judged = |text: &str| caption(Some(text)).map_err(|refusal| refusal.description.into_owned());
        let longest = "👋".repeat(LONGEST_CAPTION / 2);
        assert_eq!(caption(None), Ok(String::new()));
        assert_eq!(judged(" a\r\n"), Ok("a".to_owned()));
        assert_eq!(judged(&longest), Ok(longest.clone()));
        assert_eq!(judged(&format!("{longest}a")), Err("Bad Request: message caption is too long".to_owned()));
    }
}
