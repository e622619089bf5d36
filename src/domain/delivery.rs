//! Delivery statuses of answers.

use serde::{Deserialize, Serialize};

use crate::{
    domain::address::{KommoMessageId, MessageId},
    words::{Language, Sentence, refusal},
};

/// Kommo's error codes of a failed delivery (Chats API, update delivery status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// 901: the customer deleted the conversation. Blocking the bot is Telegram's way to do so.
    ConversationDeleted,
    /// 902: the integration is off on the channel's side.
    IntegrationOff,
    /// 903: an internal error of the channel.
    Internal,
    /// 904: the conversation cannot be created.
    ConversationImpossible,
    /// 905: anything else; the sentence explains.
    Other,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::ConversationDeleted => 901,
            Self::IntegrationOff => 902,
            Self::Internal => 903,
            Self::ConversationImpossible => 904,
            Self::Other => 905,
        }
    }
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// Telegram took all of it.
    Delivered,
    /// The customer has read it, as their own activity shows.
    Read,
    /// It will not arrive, or it is unknown whether it did.
    Failed(RefusalText),
}

/// Why a message did not arrive, for a program and for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    /// A sentence for a manager. Never contains a secret or an address.
    pub sentence: Sentence,
    /// Whether the message may have arrived all the same.
    pub may_have_arrived: bool,
}

impl Refusal {
    /// A refusal with `code`, explained by `sentence`.
    #[must_use]
    pub const fn new(code: ErrorCode, sentence: Sentence) -> Self {
        Self { code, sentence, may_have_arrived: false }
    }

    /// A refusal of a message that may have arrived, which nobody can find out.
    #[must_use]
    pub const fn uncertain(sentence: Sentence) -> Self {
        Self { code: ErrorCode::Other, sentence, may_have_arrived: true }
    }

    /// A refusal for the operator alone, of a job that no manager reads about.
    #[must_use]
    pub fn internal(why: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, Sentence::plain(why))
    }

    /// Why, for the operator.
    #[must_use]
    pub fn why(&self) -> String {
        self.sentence.say(Language::En)
    }

    /// The refusal of one part of an answer.
    #[must_use]
    pub fn of_part(self, part: u16, parts: u16) -> Self {
        Self { sentence: refusal::part(part, parts, self.sentence), ..self }
    }

    /// The refusal with another sentence behind its own.
    #[must_use]
    pub fn and(self, more: Sentence) -> Self {
        Self { sentence: self.sentence.and(more), ..self }
    }

    /// The refusal in the words of `language`.
    #[must_use]
    pub fn in_language(&self, language: Language) -> RefusalText {
        RefusalText { code: self.code, sentence: self.sentence.say(language) }
    }
}

/// A refusal in the words that a manager reads. This is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalText {
    pub code: ErrorCode,
    pub sentence: String,
}

impl RefusalText {
    /// A refusal with `code`, explained by `sentence`.
    #[must_use]
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

/// The delivery status of one answer, for Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReport {
    pub message: KommoMessageId,
    pub delivery: Delivery,
}

/// An answer that has arrived, and that the customer has not shown to have read.
///
/// This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadAnswer {
    pub message: KommoMessageId,
    /// The Telegram message that it became; the last one, if it has parts.
    pub ours: MessageId,
    /// The topic of the chat that it is in, by Telegram's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<i64>,
}

impl UnreadAnswer {
    /// Whether a customer who has read `shown`, in the same topic, has read this. Telegram numbers the messages of a
    /// chat in order, so no clocks are compared.
    #[must_use]
    pub fn is_read_with(&self, shown: &MessageId, topic: Option<i64>) -> bool {
        let is_here = (self.ours.bot, self.ours.chat, self.topic) == (shown.bot, shown.chat, topic);
        is_here && self.ours.message <= shown.message
    }

    /// Whether it became this message.
    #[must_use]
    pub fn is(&self, message: &MessageId) -> bool {
        (self.ours.bot, self.ours.chat, self.ours.message) == (message.bot, message.chat, message.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::BotId;

    #[test]
    fn earlier_messages_are_read_only_in_the_same_chat_of_the_same_bot() {
        let id = |bot, chat: i64, message| MessageId { bot: BotId(bot), chat: chat.into(), message, update: None };
        let unread = UnreadAnswer { message: KommoMessageId("a".to_owned()), ours: id(1, 7, 5), topic: None };
        for (shown, is_read) in
            [(id(1, 7, 4), false), (id(1, 7, 5), true), (id(1, 7, 6), true), (id(2, 7, 6), false), (id(1, 8, 6), false)]
        {
            assert_eq!(unread.is_read_with(&shown, None), is_read, "{shown}");
            assert!(!unread.is_read_with(&shown, Some(3)), "{shown}: another topic");
        }
    }
}
