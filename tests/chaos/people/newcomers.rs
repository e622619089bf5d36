//! People who come for the first time and share their phone number. Of some the account has a contact with that number.
//! Later some of them write to the other bot, too.

use telekommo::sandbox::{
    harness::{LINES, Line},
    telegram::{Customer, phone},
};
use tokio::time::{Duration, sleep};

use super::{Visit, pace, turn};

/// How often somebody comes, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 500..1500;
/// How long somebody looks around before they do something, in milliseconds.
const LOOK_MS: std::ops::Range<u64> = 0..400;
/// The id of the first of them.
const FIRST: i64 = 800_000_000;
/// What opens a bot.
const START: &str = "/start";

/// Somebody who has come.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) id: i64,
    /// Digits alone.
    pub(crate) phone: String,
    /// The contact that a manager had made for that number before.
    pub(crate) contact: Option<u64>,
    /// What they wrote to each bot, in order; none for the phone number.
    pub(crate) wrote: [Vec<Option<String>>; LINES.len()],
}

impl Newcomer {
    /// Whether they pressed "Start" before anything else.
    pub(crate) fn has_started(&self) -> bool {
        self.wrote.iter().any(|wrote| wrote.first().is_some_and(|first| first.as_deref() == Some(START)))
    }

    /// The id of their conversation with the bot of a line.
    pub(crate) fn conversation(&self, line: Line) -> String {
        format!("tg:{}:{}", line.source, self.id)
    }
}

/// Somebody comes, and somebody else.
pub(super) async fn come(mut visit: Visit) {
    // What the bots know of each other's customers they know once it has arrived: those of earlier phases are known.
    let known = visit.book.with(|book| book.newcomers.len());
    let mut ticks = pace(&mut visit.chance, PACE_MS);
    while turn(&visit.stop, &mut ticks).await {
        visit.one().await;
        if known > 0 && visit.chance.bool() {
            visit.again(known);
        }
    }
}

impl Visit {
    /// They open a bot, share their number, and say something.
    async fn one(&mut self) {
        let (first, is_known, starts) = (self.chance.usize(..LINES.len()), self.chance.bool(), self.chance.bool());
        let number = self.enter(is_known);
        if starts {
            self.write(number, first, START);
            self.look_around().await;
        }
        self.share(number, first);
        self.look_around().await;
        self.write(number, first, &format!("newcomer {number} asks"));
    }

    /// One of the first so many writes to the bot to which they have not written before.
    fn again(&mut self, known: usize) {
        let number = self.chance.usize(..known);
        let other = self.book.with(|book| book.newcomers[number].wrote.iter().position(Vec::is_empty));
        if let Some(other) = other {
            self.write(number, other, &format!("newcomer {number} asks again"));
        }
    }

    async fn look_around(&mut self) {
        sleep(Duration::from_millis(self.chance.u64(LOOK_MS))).await;
    }

    fn enter(&self, is_known: bool) -> usize {
        self.book.with(|book| {
            let number = book.newcomers.len();
            let id = FIRST + i64::try_from(number).unwrap_or(i64::MAX);
            let (first_name, phone) = (format!("Newcomer {number}"), phone(id));
            let contact = is_known.then(|| self.kommo.add_card(&format!("{first_name} of the book"), &phone));
            let (last_name, username, language_code) = (None, None, None);
            self.telegram.add_customer(Customer { id, first_name, last_name, username, language_code });
            book.newcomers.push(Newcomer { id, phone, contact, wrote: Default::default() });
            number
        })
    }

    fn write(&self, number: usize, line: usize, text: &str) {
        self.book.with(|book| {
            let newcomer = &mut book.newcomers[number];
            self.telegram.write(LINES[line].token, newcomer.id, text);
            newcomer.wrote[line].push(Some(text.to_owned()));
        });
    }

    fn share(&self, number: usize, line: usize) {
        self.book.with(|book| {
            let newcomer = &mut book.newcomers[number];
            self.telegram.share_number(LINES[line].token, newcomer.id);
            newcomer.wrote[line].push(None);
        });
    }
}
