//! A message of an export as the event that creates it in Kommo.

use crate::{
    cli::import::{
        read::{Enclosed, Item, Said},
        walk::ChatHead,
    },
    domain::{
        address::{BotId, Conversation, SourceId, TelegramChat, UserId},
        imported::ImportedId,
        message::MediaKind,
        time::UnixMillis,
    },
    kommo::wire::{
        Card, Delivered, ImportEvent, ImportedMessage, Location, Message, NewChat, OurMessage, OurReply, Sender, Source,
    },
    words::{Language, described, kind},
};

/// A conversation that messages are imported into.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    source: SourceId,
    bot: BotId,
    /// The chat in the owner's account.
    chat: TelegramChat,
    customer: Sender,
}

impl Thread {
    /// The conversation of a bot with the customer of a chat in the account of `owner`.
    pub(super) fn new(source: &SourceId, bot: BotId, owner: i64, chat: &ChatHead) -> Self {
        let id = UserId(chat.id).to_string();
        let name = if chat.name.is_empty() { format!("Telegram {}", chat.id) } else { chat.name.clone() };
        Self {
            source: source.clone(),
            bot,
            chat: TelegramChat { owner: Some(UserId(owner)), id: chat.id },
            customer: Sender { id, ref_id: None, name, avatar: None, profile: None, profile_link: None },
        }
    }

    /// Whether a message was written by the customer.
    pub(super) const fn is_customers(&self, item: &Item) -> bool {
        item.author == self.chat.id
    }

    /// Our id of a message.
    pub(super) fn msgid(&self, message: i64) -> String {
        ImportedId { bot: self.bot, chat: self.chat, message }.to_string()
    }

    /// Its chat, as Kommo is asked for it.
    pub(super) fn chat(&self) -> NewChat {
        NewChat {
            conversation_id: self.conversation(),
            source: Source { external_id: self.source.to_string() },
            user: self.customer.clone(),
        }
    }

    /// Our id of the conversation.
    pub(super) fn conversation(&self) -> String {
        Conversation::new(self.source.clone(), self.chat.id).to_string()
    }

    /// A message that says `message`; `author` if the customer did not write it. It answers `reply_to` if Kommo has
    /// that. So many came `within` its second before it.
    pub(super) fn event(
        &self,
        item: &Item,
        author: Option<Sender>,
        message: Message,
        reply_to: Option<i64>,
        within: i64,
        silent: bool,
    ) -> ImportEvent {
        // Telegram tells seconds. What comes within one stays in its order.
        let at = UnixMillis(UnixMillis::from_seconds(item.at_seconds).0.saturating_add(within.min(999)));
        let reply_to = reply_to.map(|id| OurReply { message: OurMessage { msgid: self.msgid(id) } });
        let receiver = author.is_some().then(|| self.customer.clone());
        ImportEvent {
            event_type: "new_message",
            payload: ImportedMessage {
                timestamp: at.seconds(),
                msec_timestamp: at.0,
                msgid: self.msgid(item.id),
                conversation_id: self.conversation(),
                source: Source { external_id: self.source.to_string() },
                sender: author.unwrap_or_else(|| self.customer.clone()),
                message: Message { delivery_status: receiver.is_some().then_some(Delivered::ARRIVED), ..message },
                receiver,
                reply_to,
                silent,
            },
        }
    }
}

/// Why a file is named instead of sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The export does not have it.
    Missing,
    /// It is larger than what is to be imported.
    TooLarge,
}

/// A file that Kommo can fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetchable {
    pub(super) link: String,
    pub(super) name: String,
    pub(super) size_bytes: u64,
}

/// What a message says, after `quoted`, which stands for a message that Kommo does not have. A file that is not there
/// is named instead.
pub(super) fn message(said: &Said, quoted: &str, file: Result<Fetchable, Left>, language: Language) -> Message {
    let beside = |text: Option<&str>| {
        let text = format!("{quoted}{}", text.unwrap_or_default()).trim_end().to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    match (said, file) {
        (Said::Text(text), _) => worded(format!("{quoted}{text}")),
        (Said::File(enclosed), Ok(file)) => Message {
            r#type: type_of(enclosed.kind),
            text: beside(enclosed.text.as_deref()),
            media: Some(file.link),
            file_name: Some(file.name),
            file_size: Some(file.size_bytes),
            media_duration: enclosed.duration_seconds,
            ..Message::default()
        },
        (Said::File(enclosed), Err(left)) => worded(format!("{quoted}{}", named(enclosed, left, language))),
        (Said::Place { latitude, longitude, text }, _) => Message {
            r#type: "location",
            text: beside(text.as_deref()),
            location: Some(Location { lon: *longitude, lat: *latitude }),
            ..Message::default()
        },
        (Said::Card { name, phone }, _) => Message {
            r#type: "contact",
            text: beside(None),
            contact: Some(Card { name: name.clone(), phone: phone.clone() }),
            ..Message::default()
        },
    }
}

fn worded(text: String) -> Message {
    Message { r#type: "text", text: Some(text), ..Message::default() }
}

const fn type_of(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Picture => "picture",
        MediaKind::Video => "video",
        MediaKind::Voice => "voice",
        MediaKind::Audio => "audio",
        MediaKind::Sticker => "sticker",
        MediaKind::File => "file",
    }
}

/// What stands for a file that is not there.
fn named(enclosed: &Enclosed, left: Left, language: Language) -> String {
    let described = enclosed.path.rsplit('/').next().filter(|_| !enclosed.path.contains('('));
    let name = enclosed.name.as_deref().or(described).map(|name| format!(" {name}")).unwrap_or_default();
    let text = enclosed.text.as_ref().map(|text| format!("\n{text}")).unwrap_or_default();
    let why = match left {
        Left::Missing => described::not_in_the_export(),
        Left::TooLarge => described::too_large_to_import(),
    };
    format!("[{}{name}: {}]{text}", enclosed.kind.in_words().say(language), why.say(language))
}

/// The words of a message, for those that answer it where Kommo does not have it.
pub(super) fn words(said: &Said, language: Language) -> String {
    match said {
        Said::Text(text) => text.clone(),
        Said::File(enclosed) => {
            enclosed.text.clone().unwrap_or_else(|| format!("[{}]", enclosed.kind.in_words().say(language)))
        }
        Said::Place { .. } => format!("[{}]", kind::location().say(language)),
        Said::Card { name, .. } => format!("[{}] {name}", kind::contact().say(language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Said {
        Said::File(Enclosed {
            kind: MediaKind::Picture,
            path: path.to_owned(),
            name: None,
            mime_type: None,
            duration_seconds: None,
            text: Some("look".to_owned()),
        })
    }

    #[test]
    fn a_message_is_told_under_its_own_time_and_a_marked_id() {
        let head = ChatHead { id: 777, name: "Anna".to_owned(), kind: "personal_chat".to_owned() };
        let thread = Thread::new(&SourceId::parse("sales").unwrap(), BotId(1), 555, &head);
        let said = Said::Text("Hi".to_owned());
        let item = Item {
            id: 42,
            author: 777,
            author_name: "Anna".to_owned(),
            at_seconds: 1_714_557_600,
            reply_to: None,
            said,
        };
        let event =
            thread.event(&item, None, message(&item.said, "", Err(Left::Missing), Language::En), Some(41), 42, true);
        insta::assert_snapshot!(serde_json::to_string(&event).unwrap(), @r#"{"event_type":"new_message","payload":{"timestamp":1714557600,"msec_timestamp":1714557600042,"msgid":"tg:1:555/777:i42","conversation_id":"tg:sales:777","source":{"external_id":"sales"},"sender":{"id":"tg-user:777","name":"Anna"},"message":{"type":"text","text":"Hi"},"reply_to":{"message":{"msgid":"tg:1:555/777:i41"}},"silent":true}}"#);
        let owner = Sender { id: "kommo-user:o".to_owned(), name: "Olga".to_owned(), ..thread.customer.clone() };
        let sent =
            thread.event(&item, Some(owner), message(&item.said, "", Err(Left::Missing), Language::En), None, 0, true);
        assert_eq!(sent.payload.message.delivery_status, Some(Delivered::ARRIVED), "the customer has it");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let text = |said: &Said| message(said, "> before\n\n", Err(Left::Missing), Language::En).text.unwrap();
        let large = message(&file("a.jpg"), "", Err(Left::TooLarge), Language::En).text.unwrap();
        assert_eq!(large, "[picture a.jpg: too large to be imported]\nlook");
        assert_eq!(text(&file("photos/a.jpg")), "> before\n\n[picture a.jpg: not in the export]\nlook");
        assert_eq!(text(&file("(File not included.)")), "> before\n\n[picture: not in the export]\nlook");
    }
}
