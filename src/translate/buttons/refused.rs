//! Finds the buttons that Telegram refuses, in few attempts, so that the rest of the keyboard is still sent.
//!
//! A refusal may name the address of the bad button. If it names nothing, one button after another is left out, links
//! first: people write those, while telekommo makes the others. Each attempt is a call, and a refused call has sent
//! nothing. The last attempt has no buttons.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::keyboard::{Button, Keyboard};

/// The maximum of calls after a refusal.
const MAX_ATTEMPTS: usize = 5;
/// The maximum if each call uploads a file.
const MAX_ATTEMPTS_WITH_FILE: usize = 2;

/// A keyboard of which Telegram refuses a button.
#[derive(Clone, Debug)]
pub struct Retreat<'a> {
    keyboard: &'a Keyboard,
    /// The indices of the buttons that refusals have named.
    named: BTreeSet<usize>,
    /// The buttons to leave out next, besides those.
    trials: Option<VecDeque<BTreeSet<usize>>>,
    attempts_left: usize,
}

/// A keyboard without the buttons that Telegram may refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptButtons {
    pub shown: Keyboard,
    /// Buttons that are written as text.
    pub as_text: Keyboard,
}

impl KeptButtons {
    /// All of a keyboard.
    #[must_use]
    pub fn all(keyboard: &Keyboard) -> Self {
        Self { shown: keyboard.clone(), as_text: Keyboard::default() }
    }
}

impl<'a> Retreat<'a> {
    /// The state before the first refusal of a message with `keyboard`.
    #[must_use]
    pub const fn new(keyboard: &'a Keyboard) -> Self {
        Self { keyboard, named: BTreeSet::new(), trials: None, attempts_left: MAX_ATTEMPTS }
    }

    /// As [`Retreat::new`], for a file, which each attempt uploads again.
    #[must_use]
    pub fn with_file(keyboard: &'a Keyboard) -> Self {
        Self { attempts_left: MAX_ATTEMPTS_WITH_FILE, ..Self::new(keyboard) }
    }

    /// The keyboard to try after a refusal. The last attempt has no buttons.
    #[must_use]
    pub fn after(&mut self, refusal: &str) -> KeptButtons {
        let attempts_left = self.attempts_left;
        self.attempts_left = attempts_left.saturating_sub(1);
        if attempts_left <= 1 {
            return self.without(|_| true);
        }
        let named = self.named_by(refusal);
        if !named.is_empty() {
            self.named.extend(named);
            self.trials = None;
            return self.without(|index| self.named.contains(&index));
        }
        if self.trials.is_none() {
            self.trials = Some(trials_of(&self.suspects(refusal), attempts_left));
        }
        let Some(trial) = self.trials.as_mut().and_then(VecDeque::pop_front) else {
            self.attempts_left = 0;
            return self.without(|_| true);
        };
        self.without(|index| self.named.contains(&index) || trial.contains(&index))
    }

    /// The buttons that no refusal has named yet, with their indices.
    fn unnamed(&self) -> impl Iterator<Item = (usize, &Button)> {
        self.keyboard.buttons().enumerate().filter(|(index, _)| !self.named.contains(index))
    }

    fn named_by(&self, refusal: &str) -> BTreeSet<usize> {
        let Some(url) = url_in(refusal) else { return BTreeSet::new() };
        self.unnamed().filter(|(_, button)| button.url.as_deref() == Some(url)).map(|(index, _)| index).collect()
    }

    /// The indices of the buttons that a refusal without a name is probably about.
    fn suspects(&self, refusal: &str) -> Vec<usize> {
        let refusal = refusal.to_lowercase();
        let is_of_answers = ["data", "text"].iter().any(|word| refusal.contains(word));
        let (links, answers): (Vec<_>, Vec<_>) = self.unnamed().partition(|(_, button)| button.url.is_some());
        let first = if links.is_empty() || (is_of_answers && !answers.is_empty()) { answers } else { links };
        first.into_iter().map(|(index, _)| index).collect()
    }

    fn without(&self, as_text: impl Fn(usize) -> bool) -> KeptButtons {
        let mut index = 0;
        let mut kept = KeptButtons::default();
        for row in &self.keyboard.0 {
            let (removed, shown): (Vec<_>, Vec<_>) = row.iter().cloned().partition(|_| {
                index += 1;
                as_text(index - 1)
            });
            kept.shown.0.extend(Some(shown).filter(|row| !row.is_empty()));
            kept.as_text.0.extend(Some(removed).filter(|row| !row.is_empty()));
        }
        kept
    }
}

/// The buttons to leave out in turn, if `attempts_left` calls may follow, the last of which has no buttons: each
/// suspect if there are few, or else each half, and then all of them.
fn trials_of(suspects: &[usize], attempts_left: usize) -> VecDeque<BTreeSet<usize>> {
    let all: BTreeSet<usize> = suspects.iter().copied().collect();
    let parts = match suspects.len() {
        0 | 1 => Vec::new(),
        few if few + 2 <= attempts_left => suspects.chunks(1).collect(),
        many if attempts_left >= 4 => suspects.chunks(many.div_ceil(2)).collect(),
        _ => Vec::new(),
    };
    parts.into_iter().map(|part| part.iter().copied().collect()).chain([all]).filter(|it| !it.is_empty()).collect()
}

/// The address that a refusal names (published server: "inline keyboard button URL '…' is invalid: …").
fn url_in(refusal: &str) -> Option<&str> {
    let (_, rest) = refusal.split_once("URL '")?;
    rest.rfind("' is invalid").map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL_INVALID: &str = "Bad Request: BUTTON_URL_INVALID";

    fn named(url: &str) -> String {
        format!("Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    }

    fn labels(keyboard: &Keyboard) -> String {
        let row = |row: &Vec<Button>| row.iter().map(|it| it.label.as_str()).collect::<Vec<_>>().join(" ");
        keyboard.0.iter().map(row).collect::<Vec<_>>().join("/")
    }

    fn mixed() -> Keyboard {
        Keyboard(vec![
            vec![Button::answer("Yes"), Button::link("One", "https://one.example.com")],
            vec![Button::link("Two", "https://two.example.com"), Button::answer("No")],
        ])
    }

    #[test]
    fn only_the_named_button_is_removed() {
        let keyboard = mixed();
        let mut retreat = Retreat::new(&keyboard);
        let kept = retreat.after(&named("https://two.example.com"));
        assert_eq!((labels(&kept.shown).as_str(), labels(&kept.as_text).as_str()), ("Yes One/No", "Two"));
        let kept = retreat.after(&named("https://one.example.com"));
        assert_eq!((labels(&kept.shown).as_str(), labels(&kept.as_text).as_str()), ("Yes/No", "One/Two"));
        // An unknown address names no button.
        let kept = retreat.after(&named("https://three.example.com"));
        assert_eq!((labels(&kept.shown).as_str(), labels(&kept.as_text).as_str()), ("", "Yes One/Two No"));
    }

    #[test]
    fn a_bad_button_is_searched_among_the_links_first() {
        let keyboard = mixed();
        let mut retreat = Retreat::new(&keyboard);
        let tried: Vec<_> = (0..5).map(|_| labels(&retreat.after(URL_INVALID).shown)).collect();
        assert_eq!(tried, ["Yes/Two No", "Yes One/No", "Yes/No", "", ""]);
        let mut retreat = Retreat::new(&keyboard);
        let tried: Vec<_> = (0..4).map(|_| labels(&retreat.after("Bad Request: BUTTON_DATA_INVALID").shown)).collect();
        assert_eq!(tried, ["One/Two No", "Yes One/Two", "One/Two", ""]);
    }

    #[test]
    fn there_are_few_attempts_for_any_number_of_buttons() {
        for count in 0..100 {
            let keyboard =
                Keyboard(vec![(0..count).map(|n| Button::link("x", format!("https://x{n}.example.com"))).collect()]);
            for refusal in
                [URL_INVALID.to_owned(), named("https://x0.example.com"), "Bad Request: BUTTON_TYPE_INVALID".to_owned()]
            {
                for (mut retreat, most) in
                    [(Retreat::new(&keyboard), MAX_ATTEMPTS), (Retreat::with_file(&keyboard), MAX_ATTEMPTS_WITH_FILE)]
                {
                    let calls = (1..10).find(|_| retreat.after(&refusal).shown.is_empty()).unwrap();
                    assert!(calls <= most, "{count} {refusal}: {calls}");
                }
            }
        }
    }

    #[test]
    fn half_of_many_links_stays_if_the_other_half_has_the_bad_one() {
        let keyboard =
            Keyboard(vec![(0..6).map(|n| Button::link(n.to_string(), format!("https://x{n}.example.com"))).collect()]);
        let mut retreat = Retreat::new(&keyboard);
        let tried: Vec<_> = (0..4).map(|_| labels(&retreat.after(URL_INVALID).shown)).collect();
        assert_eq!(tried, ["3 4 5", "0 1 2", "", ""]);
    }
}
