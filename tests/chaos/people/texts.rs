//! Texts: customers write and change what they wrote, managers answer; both quote each other.

use telekommo::sandbox::{
    kommo::{Author, Draft, Message},
    telegram::FakeTelegram,
};

use super::{Answer, Item, Part, Said, Talk, Written, programs::is_programs};

/// The pace of people, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 60..300;
/// How often somebody changes what they have just written: every so many messages.
const CHANGED_EVERY: usize = 9;
/// How often somebody answers a message of the other side.
const QUOTES_EVERY: usize = 7;
/// What is added by a change.
pub(crate) const CHANGED: &str = ", changed";

/// The customer says hello.
pub(super) fn begin(telegram: &FakeTelegram, talk: &Talk, said: &mut Said) {
    let text = format!("{} hello", talk.tag());
    talk.write(telegram, &text, None);
    said.write(Item::text(text));
}

/// A customer writes and writes, and changes some of it.
pub(super) async fn write(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        let (talk, telegram) = (part.talk, &part.telegram);
        part.note(|said| {
            let number = said.written.len();
            let mut text = format!("{} message {number}", talk.tag());
            let newest = || {
                talk.in_telegram(telegram, |all| {
                    all.iter().rfind(|message| message.from_bot && !is_programs(&message.text)).cloned()
                })
            };
            let quoted = (number % QUOTES_EVERY == 0).then(newest).flatten();
            let quoted = quoted.filter(|message| message.file.is_none());
            let id = talk.write(telegram, &text, quoted.as_ref().map(|message| message.message_id));
            if number % CHANGED_EVERY == 0 {
                text.push_str(CHANGED);
                talk.edit(telegram, id, &text);
            }
            let quotes = quoted.map(|message| Item::shown(&talk, &message.text, None));
            said.written.push(Written { shows: Item::text(text), quotes, is_forgotten: false });
        });
    }
}

/// A manager answers and answers. A hook that is under way is waited for: Kommo does not take one back.
pub(super) async fn answer(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        if !part.talk.is_known(&part.kommo) {
            continue;
        }
        let number = part.note(|said| said.answers.len());
        let newest = || part.talk.in_kommo(&part.kommo, |all| all.iter().rfind(|message| is_quoted(message)).cloned());
        let quoted = number.is_multiple_of(QUOTES_EVERY).then(newest).flatten();
        let text = format!("{} answer {number} by text", part.talk.tag());
        let mut draft = Draft::text(&text);
        if let Some(quoted) = &quoted {
            draft = draft.answering(&quoted.id);
        }
        let quotes = quoted.map(|message| Item::shown(&part.talk, &message.text, None));
        part.say(Item::text(text), quotes, draft, Vec::new()).await;
    }
}

/// One that the customer has written. A press stands in Telegram nowhere but below its question.
fn is_quoted(message: &Message) -> bool {
    message.from == Author::Customer && message.text.contains(" message ")
}

impl Part {
    /// A manager or Salesbot says something.
    pub(super) async fn say(&self, shows: Item, quotes: Option<Item>, draft: Draft, buttons: Vec<String>) {
        let _turn = self.desk().await;
        let (id, _) = self.kommo.say(&self.talk.conversation(), "Maria", draft).await;
        self.note(|said| {
            let place = said.answers.len();
            said.answers.push(Answer { id, shows, place, quotes, buttons, is_pressed: false, is_accepted: false });
        });
    }
}
