//! Reactions, of both sides. They are courtesies, and may be let go while a way is bad; the last ones must hold.

use std::time::Duration;

use telekommo::sandbox::kommo::{Author, Message, Status};
use tokio::time::sleep;

use super::{CHANGED, Part, Reaction};

/// How often somebody reacts, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 400..1500;
/// What both sides have.
const EMOJI: [&str; 5] = ["👍", "🔥", "🎉", "🙏", "🤔"];
/// Of how many of the newest messages one is chosen.
const NEWEST: usize = 10;
/// How long a person looks at a message before they change their mind.
const PAUSE: Duration = Duration::from_millis(20);
/// Whose reaction it is, in the book.
const CUSTOMERS: usize = 0;
const MANAGERS: usize = 1;

impl Part {
    fn emoji(&mut self) -> Option<&'static str> {
        (self.chance.u8(..4) > 0).then(|| EMOJI[self.chance.usize(..EMOJI.len())])
    }

    /// An answer that has arrived: its words, and its number in Telegram. What a kill has doubled is left alone, since
    /// the bridge may know either of the two.
    fn delivered(&mut self) -> Option<(String, i64)> {
        let is_delivered = |status: &Status| matches!(status, Status::Delivered | Status::Read);
        let is_it = |it: &&Message| it.from == Author::Manager && it.media.is_none() && is_delivered(&it.status);
        let newest = |all: &[Message]| {
            all.iter().rev().filter(is_it).take(NEWEST).map(|message| message.text.clone()).collect::<Vec<_>>()
        };
        let text = self.chance.choice(self.talk.in_kommo(&self.kommo, newest))?;
        let number = self.talk.in_telegram(&self.telegram, |all| {
            let mut copies = all.iter().filter(|message| message.from_bot && message.text == text);
            copies.next().filter(|_| copies.next().is_none()).map(|first| first.message_id)
        })?;
        Some((text, number))
    }

    /// A text of the customer's in Kommo: its words, and Kommo's id. One that was changed may be there twice.
    fn arrived(&mut self) -> Option<(String, String)> {
        let tag = self.talk.tag();
        let is_plain = |it: &&Message| {
            let is_theirs = it.from == Author::Customer && it.media.is_none() && it.callback_data.is_none();
            is_theirs && it.text.starts_with(&tag) && it.text.contains(" message ") && !it.text.ends_with(CHANGED)
        };
        let newest = |all: &[Message]| {
            let plain = all.iter().rev().filter(is_plain).take(2 * NEWEST);
            plain.map(|message| (message.text.clone(), message.id.clone())).collect::<Vec<_>>()
        };
        let mut texts = self.talk.in_kommo(&self.kommo, newest);
        self.note(|said| {
            let is_known =
                |text: &str| said.written.iter().rev().any(|it| it.quotes.is_none() && it.shows.words == text);
            texts.retain(|(text, _)| is_known(text));
        });
        texts.truncate(NEWEST);
        self.chance.choice(texts)
    }

    fn reacted(&self, whose: usize, words: &str, emoji: Option<&str>, is_sure: bool) {
        let reaction = Reaction { emoji: emoji.map(str::to_owned), is_sure };
        self.note(|said| said.reactions[whose].entry(words.to_owned()).or_default().push(reaction));
    }

    fn customer_reacts(&self, (words, number): &(String, i64), emoji: Option<&str>, is_last: bool) {
        let is_known = self.note(|said| said.answers[said.before..].iter().any(|it| it.shows.words == *words));
        self.reacted(CUSTOMERS, words, emoji, is_last && is_known);
        self.telegram.react(self.talk.line().token, self.talk.who, *number, emoji);
    }

    async fn manager_reacts(&self, (words, id): &(String, String), emoji: Option<&str>, is_last: bool) {
        let _turn = self.desk().await;
        // The hook may arrive before it is answered.
        self.reacted(MANAGERS, words, emoji, false);
        let hook = self.kommo.react(&self.talk.conversation(), "Maria", id, emoji).await;
        self.reacted(MANAGERS, words, emoji, is_last && hook.status == Some(200));
    }
}

/// A customer reacts to answers.
pub(super) async fn customer(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.talk.has_reactions() && part.turn(&mut ticks).await {
        if let Some(chosen) = part.delivered() {
            let emoji = part.emoji();
            part.customer_reacts(&chosen, emoji, false);
        }
    }
}

/// A manager reacts to what a customer wrote.
pub(super) async fn manager(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.talk.has_reactions() && part.turn(&mut ticks).await {
        if let Some(chosen) = part.arrived() {
            let emoji = part.emoji();
            part.manager_reacts(&chosen, emoji, false).await;
        }
    }
}

/// A customer changes their mind about an answer, and takes a reaction to another one back.
pub(super) async fn customers_last(mut part: Part) {
    if !part.talk.has_reactions() {
        return;
    }
    for last in [Some("🙏"), None] {
        let Some(chosen) = part.delivered() else { return };
        for (emoji, is_last) in [(Some("🔥"), false), (last, true)] {
            sleep(PAUSE).await;
            part.customer_reacts(&chosen, emoji, is_last);
        }
    }
}

/// A manager does the same.
pub(super) async fn managers_last(mut part: Part) {
    if !part.talk.has_reactions() {
        return;
    }
    for last in [Some("🎉"), None] {
        let Some(chosen) = part.arrived() else { return };
        for (emoji, is_last) in [(Some("👍"), false), (last, true)] {
            part.manager_reacts(&chosen, emoji, is_last).await;
        }
    }
}
