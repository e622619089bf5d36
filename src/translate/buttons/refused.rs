//! Finds the buttons that Telegram refuses, in few attempts, so that the rest of the keyboard is still sent.
//!
//! A refusal may name the address of the bad button. If it names nothing, one button after another is left out, links
//! first: people write those, while telekommo makes the others. Each attempt is a call, and a refused call has sent
//! nothing. The last attempt has no buttons.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::keyboard::{Button, Keyboard};

/// The most calls after a refusal.
const MOST: usize = 5;
/// The same where each call takes a file along.
const MOST_WITH_FILE: usize = 2;

/// A keyboard in which Telegram refuses something.
#[derive(Clone, Debug)]
pub struct Retreat<'a> {
    keyboard: &'a Keyboard,
    /// The buttons that refusals have named, by their places.
    named: BTreeSet<usize>,
    /// What is left out next, besides those.
    trials: Option<VecDeque<BTreeSet<usize>>>,
    /// How many calls may follow.
    left: usize,
}

/// A keyboard without the buttons that Telegram may not take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptButtons {
    pub shown: Keyboard,
    /// What is written as text.
    pub told: Keyboard,
}

impl KeptButtons {
    /// All of a keyboard.
    #[must_use]
    pub fn all(keyboard: &Keyboard) -> Self {
        Self { shown: keyboard.clone(), told: Keyboard::default() }
    }
}

impl<'a> Retreat<'a> {
    /// Before the first refusal of a message with `keyboard`.
    #[must_use]
    pub const fn new(keyboard: &'a Keyboard) -> Self {
        Self { keyboard, named: BTreeSet::new(), trials: None, left: MOST }
    }

    /// The same of a file, which each attempt sends anew.
    #[must_use]
    pub fn with_file(keyboard: &'a Keyboard) -> Self {
        Self { left: MOST_WITH_FILE, ..Self::new(keyboard) }
    }

    /// What to try after a refusal. It comes to an end: at last nothing is shown.
    #[must_use]
    pub fn after(&mut self, refusal: &str) -> KeptButtons {
        let left = self.left;
        self.left = left.saturating_sub(1);
        if left <= 1 {
            return self.without(|_| true);
        }
        let named = self.named_by(refusal);
        if !named.is_empty() {
            self.named.extend(named);
            self.trials = None;
            return self.without(|place| self.named.contains(&place));
        }
        if self.trials.is_none() {
            self.trials = Some(plan(&self.suspects(refusal), left));
        }
        let Some(trial) = self.trials.as_mut().and_then(VecDeque::pop_front) else {
            self.left = 0;
            return self.without(|_| true);
        };
        self.without(|place| self.named.contains(&place) || trial.contains(&place))
    }

    /// The buttons, each with its place, that no refusal has named yet.
    fn unnamed(&self) -> impl Iterator<Item = (usize, &Button)> {
        self.keyboard.buttons().enumerate().filter(|(place, _)| !self.named.contains(place))
    }

    fn named_by(&self, refusal: &str) -> BTreeSet<usize> {
        let Some(url) = url_in(refusal) else { return BTreeSet::new() };
        self.unnamed().filter(|(_, button)| button.url.as_deref() == Some(url)).map(|(place, _)| place).collect()
    }

    /// The places of the buttons that an unnamed refusal is probably about.
    fn suspects(&self, refusal: &str) -> Vec<usize> {
        let refusal = refusal.to_lowercase();
        let is_of_answers = ["data", "text"].iter().any(|word| refusal.contains(word));
        let (links, answers): (Vec<_>, Vec<_>) = self.unnamed().partition(|(_, button)| button.url.is_some());
        let first = if links.is_empty() || (is_of_answers && !answers.is_empty()) { answers } else { links };
        first.into_iter().map(|(place, _)| place).collect()
    }

    fn without(&self, told: impl Fn(usize) -> bool) -> KeptButtons {
        let mut place = 0;
        let mut kept = KeptButtons::default();
        for row in &self.keyboard.0 {
            let (out, shown): (Vec<_>, Vec<_>) = row.iter().cloned().partition(|_| {
                place += 1;
                told(place - 1)
            });
            kept.shown.0.extend(Some(shown).filter(|row| !row.is_empty()));
            kept.told.0.extend(Some(out).filter(|row| !row.is_empty()));
        }
        kept
    }
}

/// What to leave out in turn, if `left` calls may follow, of which the last one is without buttons: each suspect by
/// itself where there are few, else each half, and then all of them.
fn plan(suspects: &[usize], left: usize) -> VecDeque<BTreeSet<usize>> {
    let all: BTreeSet<usize> = suspects.iter().copied().collect();
    let parts = match suspects.len() {
        0 | 1 => Vec::new(),
        few if few + 2 <= left => suspects.chunks(1).collect(),
        many if left >= 4 => suspects.chunks(many.div_ceil(2)).collect(),
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
    fn a_named_button_goes_alone() {
        let keyboard = mixed();
        let mut retreat = Retreat::new(&keyboard);
        let kept = retreat.after(&named("https://two.example.com"));
        assert_eq!((labels(&kept.shown).as_str(), labels(&kept.told).as_str()), ("Yes One/No", "Two"));
        let kept = retreat.after(&named("https://one.example.com"));
        assert_eq!((labels(&kept.shown).as_str(), labels(&kept.told).as_str()), ("Yes/No", "One/Two"));
        // One that is not among them cannot be taken out.
        let kept = retreat.after(&named("https://three.example.com"));
        assert_eq!((labels(&kept.shown).as_str(), labels(&kept.told).as_str()), ("", "Yes One/Two No"));
    }

    #[test]
    fn an_unnamed_button_is_found_among_the_links_first() {
        let keyboard = mixed();
        let mut retreat = Retreat::new(&keyboard);
        let tried: Vec<_> = (0..5).map(|_| labels(&retreat.after(URL_INVALID).shown)).collect();
        assert_eq!(tried, ["Yes/Two No", "Yes One/No", "Yes/No", "", ""]);
        let mut retreat = Retreat::new(&keyboard);
        let tried: Vec<_> = (0..4).map(|_| labels(&retreat.after("Bad Request: BUTTON_DATA_INVALID").shown)).collect();
        assert_eq!(tried, ["One/Two No", "Yes One/Two", "One/Two", ""]);
    }

    #[test]
    fn however_many_buttons_there_are_the_attempts_are_few() {
        for count in 0..100 {
            let keyboard =
                Keyboard(vec![(0..count).map(|n| Button::link("x", format!("https://x{n}.example.com"))).collect()]);
            for refusal in
                [URL_INVALID.to_owned(), named("https://x0.example.com"), "Bad Request: BUTTON_TYPE_INVALID".to_owned()]
            {
                for (mut retreat, most) in
                    [(Retreat::new(&keyboard), MOST), (Retreat::with_file(&keyboard), MOST_WITH_FILE)]
                {
                    let calls = (1..10).find(|_| retreat.after(&refusal).shown.is_empty()).unwrap();
                    assert!(calls <= most, "{count} {refusal}: {calls}");
                }
            }
        }
    }

    #[test]
    fn half_of_many_links_stays_where_the_other_half_has_the_bad_one() {
        let keyboard =
            Keyboard(vec![(0..6).map(|n| Button::link(n.to_string(), format!("https://x{n}.example.com"))).collect()]);
        let mut retreat = Retreat::new(&keyboard);
        let tried: Vec<_> = (0..4).map(|_| labels(&retreat.after(URL_INVALID).shown)).collect();
        assert_eq!(tried, ["3 4 5", "0 1 2", "", ""]);
    }
}
