//! The callback data of buttons, and what a press means.
//!
//! The data are `b:{index}:{label}`, or `c:{index}:{length}:{choice}{label}` for a choice of Kommo's. The label is left
//! out if it does not fit, and then the choice if it does not fit either.

use crate::{domain::keyboard::Button, telegram::wire::InlineKeyboard};

/// The longest `callback_data`, in bytes (Bot API, `InlineKeyboardButton`).
const MAX_DATA_BYTES: usize = 64;

/// The data of a button: its index in the keyboard, Kommo's choice, and its label.
pub(super) fn data(index: usize, button: &Button) -> String {
    let label = &button.label;
    let with_choice = button.choice.as_ref().map(|choice| format!("c:{index}:{}:{choice}", choice.len()));
    let with_choice = with_choice.into_iter().flat_map(|with_choice| [format!("{with_choice}{label}"), with_choice]);
    let fitting = with_choice.chain([format!("b:{index}:{label}")]).find(|data| data.len() <= MAX_DATA_BYTES);
    fitting.unwrap_or_else(|| format!("b:{index}"))
}

/// A pressed button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pressed {
    /// The index of the button in its keyboard, if it is known.
    pub index: Option<usize>,
    /// The label, if it is known.
    pub label: Option<String>,
    /// Kommo's choice, if the data have it.
    pub choice: Option<String>,
}

/// Reads a press from the data and the keyboard. An old message has no keyboard, and then the data have to suffice.
#[must_use]
pub fn pressed(data: &str, keyboard: Option<InlineKeyboard>) -> Pressed {
    let decode = decode(data).unwrap_or_default();
    let rows = keyboard.and_then(|keyboard| keyboard.inline_keyboard).unwrap_or_default();
    let found =
        rows.into_iter().flatten().enumerate().find(|(_, button)| button.callback_data.as_deref() == Some(data));
    match found.map(|(index, button)| (index, button.text)) {
        Some((index, Some(label))) => {
            // Kommo compares the original label, not the one that Telegram has cleaned.
            let own = decode.label.clone().filter(|own| is_cleaned(own, &label));
            Pressed { index: Some(index), label: Some(own.unwrap_or(label)), ..decode }
        }
        Some((_, None)) | None => decode,
    }
}

/// Whether `shown` is `label` after Telegram's cleaning, which drops some characters and replaces others by a space.
fn is_cleaned(label: &str, shown: &str) -> bool {
    let stays = |c: &char| !(c.is_whitespace() || c.is_control() || ('\u{2028}'..='\u{202e}').contains(c));
    label.chars().filter(stays).eq(shown.chars().filter(stays))
}

/// Decodes the data of a button of ours.
fn decode(data: &str) -> Option<Pressed> {
    let (kind, rest) = data.split_once(':')?;
    let (index, rest) = rest.split_once(':').unwrap_or((rest, ""));
    let index = Some(index.parse().ok()?);
    let label = |label: &str| Some(label.to_owned()).filter(|label| !label.is_empty());
    match kind {
        "b" => Some(Pressed { index, label: label(rest), choice: None }),
        "c" => {
            let (length, rest) = rest.split_once(':')?;
            let (choice, rest) = rest.split_at_checked(length.parse().ok()?)?;
            Some(Pressed { index, label: label(rest), choice: Some(choice.to_owned()) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::{
        domain::keyboard::{Keyboard, Layout},
        translate::buttons::reply_markup,
    };

    #[test]
    fn a_press_without_its_keyboard_is_read_from_the_data() {
        let known = |index, label: Option<&str>| Pressed { index, label: label.map(str::to_owned), choice: None };
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
    fn a_press_on_another_programs_keyboard_has_its_label() {
        let keyboard =
            serde_json::from_str(r#"{"inline_keyboard":[[{"text":"x"},{"text":"Yes","callback_data":"order-17"}]]}"#);
        assert_eq!(
            pressed("order-17", Some(keyboard.unwrap())),
            Pressed { index: Some(1), label: Some("Yes".to_owned()), choice: None }
        );
    }

    #[test]
    fn a_label_that_telegram_has_cleaned_is_restored() {
        let label = |decode: &str, shown: &str| {
            let keyboard = serde_json::json!({ "inline_keyboard": [[{ "text": shown, "callback_data": decode }]] });
            pressed(decode, serde_json::from_str(&keyboard.to_string()).unwrap()).label.unwrap()
        };
        assert_eq!(label("b:0:Yes\t\u{202e}please", "Yes please"), "Yes\t\u{202e}please");
        assert_eq!(label("b:0:Yes", "No"), "No", "another program's");
        assert_eq!(label("b:0:", "Yes "), "Yes ");
    }

    #[test]
    fn a_choice_is_read_back_if_it_fits() {
        let decode = |label: &str, choice: &str| {
            let button = Button { choice: Some(choice.to_owned()), ..Button::answer(label) };
            let data = data(7, &button);
            assert!(data.len() <= MAX_DATA_BYTES, "{data}");
            pressed(&data, None)
        };
        let known = |label: Option<&str>, choice: Option<&str>| Pressed {
            index: Some(7),
            label: label.map(str::to_owned),
            choice: choice.map(str::to_owned),
        };
        let long = "x".repeat(61);
        assert_eq!(decode("A", "vG9"), known(Some("A"), Some("vG9")));
        assert_eq!(decode("2:да", "ы:1"), known(Some("2:да"), Some("ы:1")));
        assert_eq!(decode(&long, "vG9"), known(None, Some("vG9")));
        assert_eq!(decode("A", &long), known(Some("A"), None));
        assert_eq!(decode(&long, &long), known(None, None));
        for odd in ["c:7", "c:7:", "c:7:3:ab", "c:7:1:é", "c:7:x:ab", "c:x:1:a", "c:7:-1:a", "d:7:1:a"] {
            assert_eq!(pressed(odd, None), Pressed::default(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn every_label_is_read_back(labels in prop::collection::vec("\\PC{1,90}", 1..20), width in 1_usize..4, pick: prop::sample::Index) {
            let rows = labels.chunks(width).map(|row| row.iter().map(Button::answer).collect()).collect();
            let markup = reply_markup(&Keyboard(rows), Layout::Inline);
            let picked = pick.index(labels.len());
            let buttons: Vec<&Value> = markup["inline_keyboard"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).collect();
            let data = buttons[picked]["callback_data"].as_str().unwrap();
            prop_assert!((1..=MAX_DATA_BYTES).contains(&data.len()));
            let keyboard = serde_json::from_str(&markup.to_string()).unwrap();
            let want = Pressed { index: Some(picked), label: Some(labels[picked].clone()), choice: None };
            prop_assert_eq!(pressed(data, Some(keyboard)), want.clone());
            let fits = format!("b:{picked}:{}", labels[picked]).len() <= MAX_DATA_BYTES;
            prop_assert_eq!(pressed(data, None), Pressed { label: want.label.filter(|_| fits), ..want });
        }
    }
}
