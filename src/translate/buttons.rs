//! Buttons as Telegram takes them, and what a pressed one says.
//!
//! A press has to be understood by a bridge that was restarted, upgraded or has lost its store, so nothing is kept
//! about a keyboard: Telegram gives it back with the press.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Url;
use serde_json::{Value, json};

use crate::domain::keyboard::{Button, Keyboard, Layout};

mod press;
mod refused;

pub use press::{Pressed, pressed};
pub use refused::{KeptButtons, Retreat};

/// The longest address that a button leads to, in bytes.
const URL_BYTES: usize = 2048;
/// The most buttons of a row, and of all rows together. More, and Telegram refuses the message.
const MOST_IN_ROW: usize = 8;
const MOST: usize = 100;

/// Whether Telegram can show a button. One whose address leads nowhere would cost the customer the whole message.
#[must_use]
pub fn is_valid(button: &Button) -> bool {
    button.url.as_deref().is_none_or(leads_somewhere)
}

fn leads_somewhere(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let has_host = match scheme.to_lowercase().as_str() {
        "http" | "https" => Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_public)),
        "tg" => rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty()),
        _ => false,
    };
    has_host && url.len() <= URL_BYTES && !url.contains(odd)
}

/// Names that exist in somebody's own network alone.
const PRIVATE: &[&str] = &["localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa"];

/// Whether a customer may reach a host. Telegram takes no name without a dot, and what is in somebody's own network
/// leads a customer nowhere.
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
    // Between a provider and its customers (RFC 6598).
    let is_shared = first == 100 && second & 0xc0 == 64;
    let is_own = address.is_loopback() || address.is_unspecified();
    !(is_own || is_shared || address.is_private() || address.is_link_local())
}

/// A text with its choices, if there are any, below it as lines; `None` if both together have more than `limit` UTF-16
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
    /// What has no room there, or no valid address, and is written as text.
    pub told: Vec<Button>,
}

/// Makes a keyboard fit: long rows are broken, and what cannot be shown is left over.
#[must_use]
pub fn fit(keyboard: &Keyboard) -> Fitted {
    let mut fitted = Fitted::default();
    let mut room = MOST;
    for row in &keyboard.0 {
        let (shown, told): (Vec<_>, Vec<_>) = row.iter().cloned().partition(|button| {
            let is_shown = is_valid(button) && room > 0;
            room -= usize::from(is_shown);
            is_shown
        });
        fitted.shown.0.extend(shown.chunks(MOST_IN_ROW).map(<[Button]>::to_vec));
        fitted.told.extend(told);
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
    fn an_address_that_leads_nowhere_is_no_button() {
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
        let long = format!("https://example.com/{}", "a".repeat(URL_BYTES));
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
    fn a_keyboard_that_is_too_large_is_made_to_fit() {
        let row = |labels: std::ops::Range<u32>| labels.map(|n| Button::answer(n.to_string())).collect::<Vec<_>>();
        let mut wide = row(0..20);
        wide.insert(3, link("nowhere"));
        let fitted = fit(&Keyboard(vec![wide, row(20..25), Vec::new(), row(25..120)]));
        let lengths: Vec<_> = fitted.shown.0.iter().map(Vec::len).collect();
        assert_eq!(lengths, [8, 8, 4, 5, 8, 8, 8, 8, 8, 8, 8, 8, 8, 3]);
        let labels = |buttons: &[Button]| buttons.iter().map(|it| it.label.clone()).collect::<Vec<_>>();
        let shown: Vec<_> = fitted.shown.buttons().cloned().collect();
        assert_eq!(labels(&shown), labels(&row(0..100)));
        assert_eq!(labels(&fitted.told), [vec!["Site".to_owned()], labels(&row(100..120))].concat());
    }
}
