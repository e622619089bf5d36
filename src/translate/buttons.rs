//! Buttons as Telegram takes them, and what a pressed one says.
//!
//! A press has to be understood by a bridge that was restarted, upgraded or has lost its store, so nothing is kept about
//! a keyboard: Telegram gives it back with the press.

use serde_json::{Value, json};

use crate::{
    domain::keyboard::{Button, Keyboard},
    telegram::wire::InlineKeyboard,
};

/// The longest `callback_data`, in bytes (Bot API, `InlineKeyboardButton`).
const DATA_BYTES: usize = 64;
/// The longest address that a button leads to, in bytes.
const URL_BYTES: usize = 2048;

/// Whether Telegram can show a button. One whose address leads nowhere would cost the customer the whole message.
#[must_use]
pub fn works(button: &Button) -> bool {
    button.url.as_deref().is_none_or(leads_somewhere)
}

fn leads_somewhere(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let known = ["http", "https", "tg"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let odd = |c: char| c.is_whitespace() || c.is_control();
    known && !host.is_empty() && url.len() <= URL_BYTES && !url.contains(odd)
}

/// `reply_markup` for a keyboard (Bot API, `InlineKeyboardMarkup`).
#[must_use]
pub fn reply_markup(keyboard: &Keyboard) -> Value {
    let mut index = 0;
    let mut button = |button: &Button| {
        index += 1;
        match &button.url {
            Some(url) => json!({ "text": button.label, "url": url }),
            None => json!({ "text": button.label, "callback_data": data(index - 1, &button.label) }),
        }
    };
    let rows: Vec<Vec<Value>> = keyboard.0.iter().map(|row| row.iter().map(&mut button).collect()).collect();
    json!({ "inline_keyboard": rows })
}

/// What a button carries: its place among all of its keyboard, and its label if that fits.
fn data(index: usize, label: &str) -> String {
    let full = format!("b:{index}:{label}");
    if full.len() <= DATA_BYTES { full } else { format!("b:{index}") }
}

/// What a press says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pressed {
    /// The place of the button among all of its keyboard, if it is known.
    pub index: Option<usize>,
    /// The label, if it is known.
    pub label: Option<String>,
}

/// Reads a press from what the button carried and the keyboard that it was on. A message that has grown too old comes
/// without its keyboard; then what the button carried has to do.
#[must_use]
pub fn pressed(data: &str, keyboard: Option<InlineKeyboard>) -> Pressed {
    let rows = keyboard.and_then(|keyboard| keyboard.inline_keyboard).unwrap_or_default();
    let found =
        rows.into_iter().flatten().enumerate().find(|(_, button)| button.callback_data.as_deref() == Some(data));
    if let Some((index, Some(label))) = found.map(|(index, button)| (index, button.text)) {
        return Pressed { index: Some(index), label: Some(label) };
    }
    let Some(ours) = data.strip_prefix("b:") else { return Pressed::default() };
    let (index, label) = ours.split_once(':').map_or((ours, None), |(index, label)| (index, Some(label)));
    index.parse().map_or_else(
        |_| Pressed::default(),
        |index| Pressed { index: Some(index), label: label.filter(|label| !label.is_empty()).map(str::to_owned) },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(url: &str) -> Button {
        Button { label: "Site".to_owned(), url: Some(url.to_owned()) }
    }

    #[test]
    fn an_address_that_leads_nowhere_is_no_button() {
        for good in ["https://example.com", "HTTP://example.com/a?b#c", "tg://resolve?domain=x", "https://é.com:8080/"]
        {
            assert!(works(&link(good)), "{good}");
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
            &long,
        ] {
            assert!(!works(&link(bad)), "{bad}");
        }
        assert!(works(&Button::answer("Yes")));
    }

    #[test]
    fn a_keyboard_keeps_its_rows() {
        let keyboard =
            Keyboard(vec![vec![Button::answer("A"), Button::answer("B")], vec![link("https://example.com")]]);
        insta::assert_snapshot!(reply_markup(&keyboard), @r#"{"inline_keyboard":[[{"callback_data":"b:0:A","text":"A"},{"callback_data":"b:1:B","text":"B"}],[{"text":"Site","url":"https://example.com"}]]}"#);
    }

    #[test]
    fn a_press_without_its_keyboard_says_what_it_carried() {
        let known = |index, label: Option<&str>| Pressed { index, label: label.map(str::to_owned) };
        let cases = [
            ("b:3:Yes: really", known(Some(3), Some("Yes: really"))),
            ("b:3", known(Some(3), None)),
            ("b:3:", known(Some(3), None)),
            ("b:x:Yes", known(None, None)),
            ("order-17", known(None, None)),
        ];
        for (data, want) in cases {
            assert_eq!(pressed(data, None), want, "{data}");
        }
    }

    #[test]
    fn a_press_on_another_programs_keyboard_says_its_label() {
        let keyboard =
            serde_json::from_str(r#"{"inline_keyboard":[[{"text":"x"},{"text":"Yes","callback_data":"order-17"}]]}"#);
        assert_eq!(
            pressed("order-17", Some(keyboard.unwrap())),
            Pressed { index: Some(1), label: Some("Yes".to_owned()) }
        );
    }

    proptest! {
        #[test]
        fn every_label_comes_back(labels in prop::collection::vec("\\PC{1,90}", 1..20), width in 1_usize..4, pick: prop::sample::Index) {
            let rows = labels.chunks(width).map(|row| row.iter().map(Button::answer).collect()).collect();
            let markup = reply_markup(&Keyboard(rows));
            let picked = pick.index(labels.len());
            let buttons: Vec<&Value> = markup["inline_keyboard"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).collect();
            let data = buttons[picked]["callback_data"].as_str().unwrap();
            prop_assert!((1..=DATA_BYTES).contains(&data.len()));
            let keyboard = serde_json::from_str(&markup.to_string()).unwrap();
            let want = Pressed { index: Some(picked), label: Some(labels[picked].clone()) };
            prop_assert_eq!(pressed(data, Some(keyboard)), want.clone());
            let fits = format!("b:{picked}:{}", labels[picked]).len() <= DATA_BYTES;
            prop_assert_eq!(pressed(data, None), Pressed { label: want.label.filter(|_| fits), ..want });
        }
    }
}
