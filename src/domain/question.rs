//! A customer's unanswered message in a person's own chat, and how long it can be answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{BotId, ContactId, Conversation, MessageId},
        crm::CustomerProfile,
        message::{Author, Content, Customer, Inbound},
        time::UnixMillis,
    },
    words::{Language, count, notice},
};

/// How long a bot may answer in a person's own chat after the customer has written (Bot API, `BusinessBotRights`).
pub const ANSWERABLE_FOR: Duration = Duration::from_hours(24);
/// How long before the end of that time a manager is reminded.
pub const REMIND_BEFORE: Duration = Duration::from_hours(2);

/// The newest message of a customer in a person's own chat, as long as nobody has answered it. This is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    #[serde(rename = "guest")]
    pub customer: CustomerProfile,
    /// The bot that answers there.
    pub bot: BotId,
    /// Telegram's number of the message.
    pub message: i64,
    /// When it was written.
    pub written_at: UnixMillis,
    /// Whether a manager was reminded that the time is nearly over.
    #[serde(default, rename = "is_told")]
    pub is_reminded: bool,
}

impl Question {
    /// The question of `inbound`; `None` unless it is a customer's new message in a person's own chat.
    #[must_use]
    pub fn of(inbound: &Inbound) -> Option<Self> {
        let (Author::Customer, ContactId::Person(id)) = (&inbound.author, inbound.customer.id) else { return None };
        let is_asked = inbound.conversation.chat.owner.is_some() && !inbound.edited;
        let Customer { name, username, .. } = inbound.customer.clone();
        is_asked.then_some(Self {
            customer: CustomerProfile { id, name, username },
            bot: inbound.id.bot,
            message: inbound.id.message,
            written_at: inbound.sent_at,
            is_reminded: false,
        })
    }

    /// How long it can still be answered; `None` if it cannot any more.
    #[must_use]
    pub fn left(&self, now: UnixMillis) -> Option<Duration> {
        let ends_at = self.written_at.plus(ANSWERABLE_FOR);
        (now < ends_at).then(|| now.until(ends_at))
    }

    /// Whether a manager should be reminded now, or the time is over.
    #[must_use]
    pub fn is_due(&self, now: UnixMillis) -> bool {
        self.left(now).is_none_or(|left| !self.is_reminded && left <= REMIND_BEFORE)
    }

    /// The reminder to a manager in the `conversation`, with the time that is `left`.
    #[must_use]
    pub fn notice(&self, conversation: &Conversation, left: Duration, now: UnixMillis, language: Language) -> Inbound {
        let minutes = left.as_secs().div_ceil(60);
        let time = if minutes > 90 { count::hours(minutes.div_ceil(60)) } else { count::minutes(minutes) };
        let chat = conversation.chat;
        Inbound {
            conversation: conversation.clone(),
            // No message in Telegram has the number 0, and no update has a negative one: each question has one notice.
            id: MessageId { bot: self.bot, chat, message: 0, update: Some(-self.message) },
            customer: Customer {
                id: ContactId::Person(self.customer.id),
                name: self.customer.name.clone(),
                username: self.customer.username.clone(),
                phone: None,
            },
            author: Author::Business { name: "Telegram".to_owned(), kommo: None },
            sent_at: now,
            content: Content::Text(notice::window_ends(time).say(language)),
            quote: None,
            edited: false,
            topic: None,
            unattended: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{SourceId, TelegramChat, UserId};

    const WRITTEN: UnixMillis = UnixMillis(1_786_017_600_000);
    const MINUTE: Duration = Duration::from_mins(1);

    fn question() -> Question {
        let customer = CustomerProfile { id: UserId(7), name: "Ann".to_owned(), username: None };
        Question { customer, bot: BotId(1), message: 42, written_at: WRITTEN, is_reminded: false }
    }

    fn after(minutes: u32) -> UnixMillis {
        WRITTEN.plus(MINUTE * minutes)
    }

    #[test]
    fn a_manager_is_reminded_once_in_the_last_two_hours() {
        let (new, reminded) = (question(), Question { is_reminded: true, ..question() });
        for (minutes, is_new_due, is_reminded_due) in [
            (0, false, false),
            (21 * 60 + 59, false, false),
            (22 * 60, true, false),
            (23 * 60, true, false),
            (24 * 60, true, true),
        ] {
            let now = after(minutes);
            assert_eq!((new.is_due(now), reminded.is_due(now)), (is_new_due, is_reminded_due), "{minutes}");
        }
        assert_eq!(new.left(after(24 * 60)), None);
    }

    #[test]
    fn the_notice_says_how_much_time_is_left() {
        let chat = TelegramChat { owner: Some(UserId(9)), id: 7 };
        let conversation = Conversation::new(SourceId::parse("sales").unwrap(), chat);
        for (minutes, words) in [(22 * 60, "2 hours"), (23 * 60, "60 minutes"), (24 * 60 - 1, "1 minute ")] {
            let now = after(minutes);
            let left = question().left(now).unwrap();
            let notice = question().notice(&conversation, left, now, Language::En);
            let Content::Text(text) = &notice.content else { panic!("{:?}", notice.content) };
            assert!(text.contains(words), "{text}");
            assert_eq!(notice.id.to_string(), "tg:1:9/7:0:-42");
        }
    }
}
