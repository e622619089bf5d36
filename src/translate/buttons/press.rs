//! What a button carries, and what a press of it says.
//!
//! `b:{place}:{label}`, or `c:{place}:{length}:{choice}{label}` where Kommo wants to hear of the choice; each without
//! the label if it does not fit, and the choice is left out if it alone does not.

use crate::{domain::keyboard::Button, telegram::wire::InlineKeyboard};

/// The longest `callback_data`, in bytes (Bot API, `InlineKeyboardButton`).
const DATA_BYTES: usize = 64;

/// What a button carries: its place among all of its keyboard, what Kommo wants to hear, and its label.
pub(super) fn data(index: usize, button: &Button) -> String {
    let label = &button.label;
    let chosen = button.choice.as_ref().map(|choice| format!("c:{index}:{}:{choice}", choice.len()));
    let with_choice = chosen.into_iter().flat_map(|chosen| [format!("{chosen}{label}"), chosen]);
    let fitting = with_choice.chain([format!("b:{index}:{label}")]).find(|data| data.len() <= DATA_BYTES);
    fitting.unwrap_or_else(|| format!("b:{index}"))
}

/// What a press says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pressed {
    /// The place of the button among all of its keyboard, if it is known.
    pub index: Option<usize>,
    /// The label, if it is known.
    pub label: Option<String>,
    /// What Kommo wants to hear besides, if the button carried it.
    pub choice: Option<String>,
}

/// Reads a press from what the button carried and the keyboard that it was on. A message that has grown too old comes
/// without its keyboard; then what the button carried has to do.
#[must_use]
pub fn pressed(data: &str, keyboard: Option<InlineKeyboard>) -> Pressed {
    let carried = carried(data).unwrap_or_default();
    let rows = keyboard.and_then(|keyboard| keyboard.inline_keyboard).unwrap_or_default();
    let found =
        rows.into_iter().flatten().enumerate().find(|(_, button)| button.callback_data.as_deref() == Some(data));
    match found.map(|(index, button)| (index, button.text)) {
        Some((index, Some(label))) => {
            // What Telegram has made of it is not what Kommo compares.
            let own = carried.label.clone().filter(|own| is_cleaned(own, &label));
            Pressed { index: Some(index), label: Some(own.unwrap_or(label)), ..carried }
        }
        Some((_, None)) | None => carried,
    }
}

/// Whether `shown` is what Telegram makes of `label`: it leaves out some characters, and makes others a space.
fn is_cleaned(label: &str, shown: &str) -> bool {
    let stays = |c: &char| !(c.is_whitespace() || c.is_control() || ('\u{2028}'..='\u{202e}').contains(c));
    label.chars().filter(stays).eq(shown.chars().filter(stays))
}

/// What one of our own buttons carried.
fn carried(data: &str) -> Option<Pressed> {
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
    fn a_press_without_its_keyboard_says_what_it_carried() {
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
    fn a_press_on_another_programs_keyboard_says_its_label() {
        let keyboard =
            serde_json::from_str(r#"{"inline_keyboard":[[{"text":"x"},{"text":"Yes","callback_data":"order-17"}]]}"#);
        assert_eq!(
            pressed("order-17", Some(keyboard.unwrap())),
            Pressed { index: Some(1), label: Some("Yes".to_owned()), choice: None }
        );
    }

    #[test]
    fn a_label_that_telegram_has_cleaned_comes_back_as_it_was() {
        let says = |carried: &str, shown: &str| {
            let keyboard = serde_json::json!({ "inline_keyboard": [[{ "text": shown, "callback_data": carried }]] });
            pressed(carried, serde_json::from_str(&keyboard.to_string()).unwrap()).label.unwrap()
        };
        assert_eq!(says("b:0:Yes\t\u{202e}please", "Yes please"), "Yes\t\u{202e}please");
        assert_eq!(says("b:0:Yes", "No"), "No", "another program's");
        assert_eq!(says("b:0:", "Yes "), "Yes ");
    }

    #[test]
    fn a_choice_comes_back_as_far_as_it_fits() {
        let carried = |label: &str, choice: &str| {
            let button = Button { choice: Some(choice.to_owned()), ..Button::answer(label) };
            let data = data(7, &button);
            assert!(data.len() <= DATA_BYTES, "{data}");
            pressed(&data, None)
        };
        let known = |label: Option<&str>, choice: Option<&str>| Pressed {
            index: Some(7),
            label: label.map(str::to_owned),
            choice: choice.map(str::to_owned),
        };
        let long = "x".repeat(61);
        assert_eq!(carried("A", "vG9"), known(Some("A"), Some("vG9")));
        assert_eq!(carried("2:да", "ы:1"), known(Some("2:да"), Some("ы:1")));
        assert_eq!(carried(&long, "vG9"), known(None, Some("vG9")));
        assert_eq!(carried("A", &long), known(Some("A"), None));
        assert_eq!(carried(&long, &long), known(None, None));
        for odd in ["c:7", "c:7:", "c:7:3:ab", "c:7:1:é", "c:7:x:ab", "c:x:1:a", "c:7:-1:a", "d:7:1:a"] {
            assert_eq!(pressed(odd, None), Pressed::default(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn every_label_comes_back(labels in prop::collection::vec("\\PC{1,90}", 1..20), width in 1_usize..4, pick: prop::sample::Index) {
            let rows = labels.chunks(width).map(|row| row.iter().map(Button::answer).collect()).collect();
            let markup = reply_markup(&Keyboard(rows), Layout::Inline);
            let picked = pick.index(labels.len());
            let buttons: Vec<&Value> = markup["inline_keyboard"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).collect();
            let data = buttons[picked]["callback_data"].as_str().unwrap();
            prop_assert!((1..=DATA_BYTES).contains(&data.len()));
            let keyboard = serde_json::from_str(&markup.to_string()).unwrap();
            let want = Pressed { index: Some(picked), label: Some(labels[picked].clone()), choice: None };
            prop_assert_eq!(pressed(data, Some(keyboard)), want.clone());
            let fits = format!("b:{picked}:{}", labels[picked]).len() <= DATA_BYTES;
            prop_assert_eq!(pressed(data, None), Pressed { label: want.label.filter(|_| fits), ..want });
        }
    }
}
