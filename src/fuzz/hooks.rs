//! Kommo's hooks: their signatures, and the calls to Telegram for their messages.

use axum::body::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha1::Sha1;

use crate::{
    domain::{
        job::{Call, Method},
        keyboard::{Keyboard, Layout},
        message::Outbound,
    },
    fuzz::input::squeezed,
    kommo::sign::Signer,
    translate::{
        buttons,
        from_kommo::{self, Arrival},
        text::{CAPTION_UNITS, MESSAGE_UNITS, is_visible},
        to_telegram::{self, album},
    },
    words::Language,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
/// The longest `callback_data`, in bytes (Bot API, `InlineKeyboardButton`).
const MAX_DATA_BYTES: usize = 64;
/// Telegram's maximum of buttons of a row and of a message.
const MAX_IN_ROW: usize = 8;
const MAX_BUTTONS: usize = 100;

/// The body of a hook.
pub(super) fn check(body: &[u8]) {
    signature(body);
    if let Ok(raw) = str::from_utf8(body) {
        hook(raw);
    }
}

/// A second implementation of Kommo's signature.
fn signed(body: &[u8]) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes a key of any length");
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default());
    mac.chain_update(body).finalize().into_bytes().iter().flat_map(digits).collect()
}

/// A signature is valid for its body only, with or without newlines after it.
fn signature(body: &[u8]) {
    let (signer, right) = (Signer::new(SECRET), signed(body));
    let read = |body: Vec<u8>, signature: Option<&str>| {
        signer.verify(&Bytes::from(body), signature).ok().map(|verified| verified.bytes().to_vec())
    };
    assert_eq!(read(body.to_vec(), Some(&right)).as_deref(), Some(body), "signed as it is");
    let opened = read([body, b"\r\n"].concat(), Some(&right));
    let has_end = body.ends_with(b"\n") || body.ends_with(b"\r");
    assert_eq!(opened.as_deref(), Some(body).filter(|_| !has_end), "with a newline that was not signed");
    assert_eq!(read(body.to_vec(), None), None, "unsigned");

    let at = body.iter().fold(body.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let mut others = vec![[body, b" "].concat()];
    if !body.is_empty() {
        others.push([b"\n", body].concat());
        let mut flipped = body.to_vec();
        flipped[at % body.len()] ^= 1 << (at % 8);
        others.extend([flipped, body[1..].to_vec(), body[..body.len() - 1].to_vec()]);
    }
    for other in others {
        assert_eq!(read(other, Some(&right)), None, "another body");
    }
    let digit = at % right.len();
    let changed = if right.as_bytes()[digit] == b'0' { "1" } else { "0" };
    let wrong = [
        [&right[..digit], changed, &right[digit + 1..]].concat(),
        right[..digit].to_owned(),
        format!("{right}00"),
        SECRET.to_owned(),
    ];
    for wrong in &wrong {
        assert_eq!(read(body.to_vec(), Some(wrong)), None, "{wrong}");
    }
}

fn hook(raw: &str) {
    let received = from_kommo::read(raw).ok();
    let json: Value = serde_json::from_str(raw).unwrap_or_default();
    assert!(received.is_some() || !json.is_object(), "every object is a hook");
    let content = &json["message"]["message"];
    let id = content["id"].as_str().filter(|id| !id.is_empty());
    match received.map(|received| received.arrival) {
        Some(Arrival::Message(message)) => {
            assert!(id.is_none_or(|id| id == message.id.0), "{id:?}");
            for language in Language::ALL {
                answer(&message, content["text"].as_str().unwrap_or_default(), language);
            }
        }
        Some(other) => assert_eq!(id, None, "{other:?}"),
        None => {}
    }
}

/// An answer becomes valid calls with all of its content, or a refusal for its author.
fn answer(message: &Outbound, text: &str, language: Language) {
    let calls = match to_telegram::encode(message, |source| source != "gone", language) {
        Ok(calls) => calls,
        Err(refusal) => {
            let refusal = refusal.in_language(language);
            assert!(is_visible(&refusal.sentence), "{refusal:?}");
            return;
        }
    };
    assert!(!calls.is_empty());
    for (part, call) in (1..).zip(&calls) {
        assert_eq!((&call.message, call.part, usize::from(call.parts)), (&message.id, part, calls.len()));
        assert_eq!(call.is_last(), usize::from(part) == calls.len());
        acceptable(call);
        let stored = serde_json::to_vec(call).expect("a call can be stored");
        assert_eq!(serde_json::from_slice::<Call>(&stored).ok().as_ref(), Some(call), "it is read as it was stored");
    }
    let files = usize::from(message.file.is_some()) + message.passed_on.len();
    assert_eq!(calls.iter().filter(|call| is_file(call)).count(), files, "every file is sent");
    let sent = calls.iter().map(text_of).collect::<String>();
    let text = if is_visible(text) { squeezed(text) } else { String::new() };
    assert!(squeezed(&sent).contains(&text), "{sent:?} lacks words of {text:?}");
    united(calls, files);
}

fn is_file(call: &Call) -> bool {
    matches!(call.method, Method::SendFile { .. })
}

fn text_of(call: &Call) -> &str {
    match &call.method {
        Method::SendText { text, .. } | Method::SendFile { caption: text, .. } => text,
        Method::SendLocation { .. } | Method::SendContact { .. } => "",
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Checks that Telegram accepts the content of a call.
fn acceptable(call: &Call) {
    match &call.method {
        Method::SendText { text, keyboard, .. } => {
            assert!((1..=MESSAGE_UNITS).contains(&units(text)), "{} units", units(text));
            assert!(is_visible(text), "{text:?}");
            buttons(keyboard, text, MESSAGE_UNITS);
        }
        Method::SendFile { file, caption, keyboard, .. } => {
            assert!(units(caption) <= CAPTION_UNITS, "{} units", units(caption));
            assert!(!file.url.is_empty() && !file.name.is_empty(), "{file:?}");
            assert!(!file.name.contains(|c: char| c.is_control() || c == '/' || c == '\\'), "{file:?}");
            buttons(keyboard, caption, CAPTION_UNITS);
        }
        Method::SendContact { phone, name, .. } => assert!(!phone.is_empty() && !name.is_empty()),
        Method::SendLocation { latitude_microdegrees, longitude_microdegrees, .. } => {
            assert!(latitude_microdegrees.abs() <= 90_000_000 && longitude_microdegrees.abs() <= 180_000_000);
        }
    }
}

fn buttons(keyboard: &Keyboard, text: &str, limit: usize) {
    assert!(keyboard.0.iter().all(|row| (1..=MAX_IN_ROW).contains(&row.len())), "{keyboard:?}");
    assert!(keyboard.buttons().count() <= MAX_BUTTONS, "{keyboard:?}");
    let markup = buttons::reply_markup(keyboard, Layout::Inline);
    for button in markup["inline_keyboard"].as_array().into_iter().flatten().filter_map(Value::as_array).flatten() {
        assert!(button["text"].as_str().is_some_and(|label| !label.trim().is_empty()), "{button}");
        let Some(data) = button["callback_data"].as_str() else {
            assert!(button["url"].as_str().is_some_and(|url| !url.is_empty()), "{button}");
            continue;
        };
        assert!((1..=MAX_DATA_BYTES).contains(&data.len()), "{button}");
        let pressed = buttons::pressed(data, None);
        assert!(pressed.index.is_some(), "a press is understood without its keyboard: {button}");
        assert!(pressed.label.is_none_or(|label| button["text"] == label), "{button}");
    }
    if let Some(lines) = buttons::as_lines(text, keyboard, limit) {
        assert!(units(&lines) <= limit, "{} units", units(&lines));
    }
}

/// Answers that become albums keep their files and texts.
fn united(calls: Vec<Call>, files: usize) {
    let text = squeezed(&calls.iter().map(text_of).collect::<String>());
    let jobs = album::unite(vec![calls.clone(), calls]);
    let sent: Vec<_> = jobs.iter().flat_map(crate::domain::job::Job::calls).collect();
    for job in &jobs {
        assert!(job.calls().len() <= album::MAX_FILES && !job.calls().is_empty());
        assert!(job.calls().len() == 1 || job.calls().iter().all(is_file), "an album is of files");
    }
    for call in &sent {
        acceptable(call);
    }
    assert_eq!(sent.iter().filter(|call| is_file(call)).count(), 2 * files);
    let united_text = squeezed(&sent.iter().map(|call| text_of(call)).collect::<String>());
    assert!(united_text.chars().filter(|c| text.contains(*c)).count() >= 2 * text.chars().count(), "words are lost");
}
