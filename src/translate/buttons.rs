//! Keyboards for Telegram, and presses of their buttons.
//!
//! The bridge stores nothing about a keyboard, because Telegram returns it with the press. So it understands a press
//! also after a restart, an upgrade or the loss of its store.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Url;
use serde_json::{Value, json};

use crate::domain::keyboard::{Button, Keyboard, Layout};

mod press;
mod refused;

pub use press::{Pressed, pressed};
pub use refused::{KeptButtons, Retreat};

/// The longest address of a button, in bytes.
const MAX_URL_BYTES: usize = 2048;
/// The maximum of buttons of a row, and of all rows together. Telegram refuses a message with more.
const MAX_IN_ROW: usize = 8;
const MAX_BUTTONS: usize = 100;

/// Whether Telegram can show a button. It would refuse the whole message over an invalid address.
#[must_use]
pub fn is_valid(button: &Button) -> bool {
    button.url.as_deref().is_none_or(is_valid_url)
}

fn is_valid_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control();
    let has_host = match scheme.to_lowercase().as_str() {
        "http" | "https" => Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_public)),
        "tg" => rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty()),
        _ => false,
    };
    has_host && url.len() <= MAX_URL_BYTES && !url.contains(is_forbidden)
}

/// Top-level names of private networks.
const PRIVATE: &[&str] = &["localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa"];

/// Whether a customer can reach a host. Telegram refuses names without a dot, and hosts in private networks cannot be
/// reached.
fn is_public(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_public_v4(address),
        Ok(IpAddr::V6(address)) => {
            let is_own = address.is_loopback() || address.is_unspecified();
            !(is_own || address.is_unique_local() || address.is_unicast_link_local())
        }
        Err(_) => {
            let ends = |end: &&str| host.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            host.contains('.') && !PRIVATE.iter().any(ends)
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // Shared address space of providers (RFC 6598).
    let is_shared = first == 100 && second & 0xc0 == 64;
    let is_own = address.is_loopback() || address.is_unspecified();
    !(is_own || is_shared || address.is_private() || address.is_link_local())
}

/// A text with the buttons as lines below it, if there are any; `None` if the result has more than `limit` UTF-16
/// units.
#[must_use]
pub fn as_lines(text: &str, keyboard: &Keyboard, limit: usize) -> Option<String> {
    if keyboard.is_empty() {
        return Some(text.to_owned());
    }
    let lines: Vec<_> = keyboard.buttons().map(Button::line).collect();
    let full = format!("{text}\n\n{}", lines.join("\n"));
    (full.encode_utf16().count() <= limit).then(|| full.trim_start().to_owned())
}

/// A keyboard as Telegram can show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    pub shown: Keyboard,
    /// Buttons without room or a valid address, which are written as text.
    pub as_text: Vec<Button>,
}

/// Fits a keyboard to Telegram's limits: splits long rows, and sets aside buttons that cannot be shown.
#[must_use]
pub fn fit(keyboard: &Keyboard) -> Fitted {
    let mut fitted = Fitted::default();
    let mut room = MAX_BUTTONS;
    for row in &keyboard.0 {
        let (shown, as_text): (Vec<_>, Vec<_>) = row.iter().cloned().partition(|button| {
            let is_shown = is_valid(button) && room > 0;
            room -= usize::from(is_shown);
            is_shown
        });
        fitted.shown.0.extend(shown.chunks(MAX_IN_ROW).map(<[Button]>::to_vec));
        fitted.as_text.extend(as_text);
    }
    fitted
}

/// `reply_markup` for a keyboard (Bot API, `InlineKeyboardMarkup` and `ReplyKeyboardMarkup`).
#[must_use]
pub fn reply_markup(keyboard: &Keyboard, layout: Layout) -> Value {
    match layout {
        Layout::Inline => json!({ "inline_keyboard": inline_rows(keyboard) }),
        Layout::Keyboard { is_one_time } => {
            let row = |row: &Vec<Button>| row.iter().map(|button| json!({ "text": button.label })).collect();
            let rows: Vec<Vec<Value>> = keyboard.0.iter().map(row).collect();
            json!({ "keyboard": rows, "resize_keyboard": true, "one_time_keyboard": is_one_time })
        }
    }
}

fn inline_rows(keyboard: &Keyboard) -> Vec<Vec<Value>> {
    let mut index = 0;
    let mut button = |button: &Button| {
        index += 1;
        match &button.url {
            Some(url) => json!({ "text": button.label, "url": url }),
            None => json!({ "text": button.label, "callback_data": press::data(index - 1, button) }),
        }
    };
    keyboard.0.iter().map(|row| row.iter().map(&mut button).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> Button {
        Button::link("Site", url)
    }

    #[test]
    fn a_button_without_a_valid_address_is_invalid() {
        for good in [
            "https://example.com",
            "HTTP://example.com/a?b#c",
            "tg://resolve?domain=x",
            "https://é.com:8080/",
            "https://user@example.com/",
            "https://93.184.216.34/",
            "https://[2606:2800::1]/",
            "https://local.example.com",
            "https://thelocal.com.",
        ] {
            assert!(is_valid(&link(good)), "{good}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES));
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b",
            "https://intranet/page",
            "http://localhost:8080/x",
            "http://LOCALHOST./x",
            "http://shop.localhost",
            "http://printer.local/",
            "http://wiki.lan",
            "http://nas.home.arpa",
            "http://home.arpa",
            "http://127.0.0.1/",
            "http://10.1.2.3:80/",
            "http://192.168.0.1",
            "http://172.16.0.1",
            "http://169.254.1.1",
            "http://100.64.0.1",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[fd00::1]/",
            "https://user@intranet/",
            "https://example.com:99999/",
            "tg://",
            &long,
        ] {
            assert!(!is_valid(&link(bad)), "{bad}");
        }
        assert!(is_valid(&Button::answer("Yes")));
    }

    #[test]
    fn a_keyboard_keeps_its_rows() {
        let keyboard =
            Keyboard(vec![vec![Button::answer("A"), Button::answer("B")], vec![link("https://example.com")]]);
        insta::assert_snapshot!(reply_markup(&keyboard, Layout::Inline), @r#"{"inline_keyboard":[[{"callback_data":"b:0:A","text":"A"},{"callback_data":"b:1:B","text":"B"}],[{"text":"Site","url":"https://example.com"}]]}"#);
    }

    #[test]
    fn a_keyboard_can_replace_the_customers_own() {
        let keyboard = Keyboard(vec![vec![Button::answer("A"), Button::answer("B")], vec![Button::answer("C")]]);
        let markup = |is_one_time| reply_markup(&keyboard, Layout::Keyboard { is_one_time }).to_string();
        insta::assert_snapshot!(markup(true), @r#"{"keyboard":[[{"text":"A"},{"text":"B"}],[{"text":"C"}]],"one_time_keyboard":true,"resize_keyboard":true}"#);
        assert!(markup(false).contains(r#""one_time_keyboard":false"#));
    }

    #[test]
    fn a_keyboard_that_is_too_large_is_fitted() {
        let row = |labels: std::ops::Range<u32>| labels.map(|n| Button::answer(n.to_string())).collect::<Vec<_>>();
        let mut wide = row(0..20);
        wide.insert(3, link("nowhere"));
        let fitted = fit(&Keyboard(vec![wide, row(20..25), Vec::new(), row(25..120)]));
        let lengths: Vec<_> = fitted.shown.0.iter().map(Vec::len).collect();
        assert_eq!(lengths, [8, 8, 4, 5, 8, 8, 8, 8, 8, 8, 8, 8, 8, 3]);
        let labels = |buttons: &[Button]| buttons.iter().map(|it| it.label.clone()).collect::<Vec<_>>();
        let shown: Vec<_> = fitted.shown.buttons().cloned().collect();
        assert_eq!(labels(&shown), labels(&row(0..100)));
        assert_eq!(labels(&fitted.as_text), [vec!["Site".to_owned()], labels(&row(100..120))].concat());
    }
}
