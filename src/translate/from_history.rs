//! Converts a chat's history to the domain.
//!
//! Messages that were written in Kommo are recognised by two rules: neither users of the account nor their messages
//! have an id of ours ("Chat history"). Messages that we have sent there have both.

use serde::Serialize;

use crate::{
    domain::{
        address::{Conversation, KommoMessageId, KommoUserId},
        imported::ImportedId,
        message::Outbound,
        time::UnixMillis,
    },
    kommo::wire::{HistoryItem, HistoryPerson, HookCard, HookConversation, HookLocation, HookMessage, HookSource},
    translate::from_kommo,
};

/// A message of a chat's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub id: KommoMessageId,
    /// Our id, if it has one.
    pub ours: Option<String>,
    /// When it was written.
    pub at: UnixMillis,
    /// The author's name in Kommo; may be empty.
    pub author: String,
    /// Kommo's id of the author, if it has one.
    pub author_id: Option<KommoUserId>,
    /// Whether it was written in Kommo, for the customer. It may still be the customer's own ([`Past::is_by`]).
    pub is_answer: bool,
    /// `text`, `picture`, `file` and so on.
    pub kind: String,
    /// The text, or a caption; may be empty.
    pub text: String,
    /// A file's name; may be empty.
    pub file_name: String,
    /// The address of a file; may be empty.
    pub media: String,
    pub place: Option<GeoPoint>,
    pub card: Option<NamedNumber>,
}

/// A location, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GeoPoint {
    pub latitude: f64,
    pub longitude: f64,
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedNumber {
    /// The name; may be empty.
    pub name: String,
    /// The phone number; may be empty.
    pub phone: String,
}

impl Past {
    /// Whether it was imported.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.ours.as_deref().is_some_and(ImportedId::is_one)
    }

    /// Whether `user` wrote it, a customer whose id of ours the message lacks.
    #[must_use]
    pub fn is_by(&self, user: &KommoUserId) -> bool {
        self.author_id.as_ref() == Some(user)
    }
}

/// Reads a message of a chat's history; `None` if it has no id.
#[must_use]
pub fn read(item: &HistoryItem) -> Option<Past> {
    let content = item.content();
    let id = content.id.filter(|id| !id.is_empty())?;
    let ours = content.client_id.filter(|id| !id.is_empty());
    Some(Past {
        id: KommoMessageId(id),
        is_answer: ours.is_none() && item.sender.as_ref().is_none_or(|sender| !is_customer(sender)),
        ours,
        at: at(item),
        author_id: item.sender.as_ref().and_then(|sender| sender.id.clone()).map(KommoUserId),
        author: item.sender.as_ref().and_then(|sender| sender.name.clone()).unwrap_or_default(),
        kind: content.r#type.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "text".to_owned()),
        text: content.text.unwrap_or_default(),
        file_name: content.file_name.unwrap_or_default(),
        media: content.media.unwrap_or_default(),
        place: content.location.as_ref().and_then(place),
        card: content.contact.and_then(card),
    })
}

/// A location, if both coordinates are there.
fn place(location: &HookLocation) -> Option<GeoPoint> {
    Some(GeoPoint { latitude: location.lat?, longitude: location.lon? })
}

/// A contact, if it is not blank.
fn card(card: HookCard) -> Option<NamedNumber> {
    let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
    let named = NamedNumber { name: text(card.name), phone: text(card.phone) };
    (!named.name.is_empty() || !named.phone.is_empty()).then_some(named)
}

/// Whether a person is a customer. The channel's bot has an id of ours as well, in another format.
fn is_customer(person: &HistoryPerson) -> bool {
    person.client_id.as_deref().is_some_and(|id| id.starts_with("tg-"))
}

fn at(item: &HistoryItem) -> UnixMillis {
    let seconds = || item.timestamp.map(UnixMillis::from_seconds);
    item.msec_timestamp.map(UnixMillis).or_else(seconds).unwrap_or_default()
}

/// Converts a message of the history to an answer in `conversation`, whose chat has the id `kommo_chat` in Kommo, as
/// its hook would be. `None` if it has no content.
#[must_use]
pub fn answer(item: &HistoryItem, conversation: &Conversation, kommo_chat: &str) -> Option<Box<Outbound>> {
    let message = serde_json::from_str(item.message.as_deref()?.get()).ok()?;
    from_kommo::message(HookMessage {
        conversation: Some(HookConversation {
            id: Some(kommo_chat.to_owned()),
            client_id: Some(conversation.to_string()),
        }),
        source: Some(HookSource { external_id: Some(conversation.source.to_string()) }),
        timestamp: Some(at(item).seconds()),
        msec_timestamp: Some(at(item).0),
        message: Some(message),
        ..HookMessage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::message::{Content, Recipient},
        kommo::wire::History,
        translate::from_kommo::Arrival,
    };

    fn items(raw: &str) -> Vec<HistoryItem> {
        serde_json::from_str::<History>(raw).unwrap().items().unwrap()
    }

    #[test]
    fn a_users_message_is_an_answer_and_ours_is_none() {
        let items = items(include_str!("../../tests/fixtures/kommo/history.json"));
        let past: Vec<_> = items.iter().filter_map(read).collect();
        assert_eq!(past.iter().map(|past| past.is_answer).collect::<Vec<_>>(), [true, false]);
        assert_eq!((past[0].author.as_str(), past[0].at.0), ("Manager", 1_738_864_454_584));
        assert_eq!(past[1].ours.as_deref(), Some("tg:bot1:777000111:1"));
    }

    #[test]
    fn a_message_is_no_answer_by_either_rule() {
        for (message, is_answer) in [
            (r#"{"sender":{"id":"u"},"message":{"id":"m"}}"#, true),
            (r#"{"message":{"id":"m"}}"#, true),
            (r#"{"sender":{"id":"b","client_id":"the-bot"},"message":{"id":"m"}}"#, true),
            (r#"{"sender":{"id":"b","client_id":"the-bot"},"message":{"id":"m","client_id":"tg:1:2:3"}}"#, false),
            (r#"{"sender":{"id":"u"},"message":{"id":"m","client_id":"imported"}}"#, false),
            (r#"{"sender":{"id":"c","client_id":"tg-user:7"},"message":{"id":"m"}}"#, false),
        ] {
            let item = &items(&format!(r#"{{"messages":[{message}]}}"#))[0];
            assert_eq!(read(item).unwrap().is_answer, is_answer, "{message}");
        }
        assert_eq!(read(&items(r#"{"messages":[{"message":{"id":""}}]}"#)[0]), None);
        assert_eq!(read(&items(r#"{"messages":[{}]}"#)[0]), None);
    }

    #[test]
    fn a_location_and_a_contact_are_read_and_blank_ones_are_none() {
        for (message, place, card) in [
            (r#""location":{"lat":48.8566,"lon":2.3522}"#, Some((48.8566, 2.3522)), None),
            (r#""location":{"lat":48.8566}"#, None, None),
            (r#""location":{"lat":0,"lon":0},"contact":null"#, Some((0.0, 0.0)), None),
            (r#""contact":{"name":" Bob ","phone":"+15550101"}"#, None, Some(("Bob", "+15550101"))),
            (r#""contact":{"phone":"+15550101"}"#, None, Some(("", "+15550101"))),
            (r#""location":{},"contact":{"name":"","phone":""}"#, None, None),
        ] {
            let past = read(&items(&format!(r#"{{"messages":[{{"message":{{"id":"m",{message}}}}}]}}"#))[0]).unwrap();
            assert_eq!(past.place.map(|it| (it.latitude, it.longitude)), place, "{message}");
            assert_eq!(past.card.as_ref().map(|it| (it.name.as_str(), it.phone.as_str())), card, "{message}");
        }
    }

    #[test]
    fn a_message_reads_as_its_hook() {
        let items = items(include_str!("../../tests/fixtures/kommo/history.json"));
        let conversation = Conversation::new(crate::domain::address::SourceId::parse("bot1").unwrap(), 777_000_111);
        let outbound = answer(&items[0], &conversation, "8e4d4baa").unwrap();
        assert_eq!(outbound.id.0, "fbf3fe89-143a-43af-aaae-49fa1cece1d8");
        assert_eq!(outbound.to, Recipient::Known(conversation));
        assert_eq!(outbound.source.as_deref(), Some("bot1"));
        assert_eq!(outbound.content, Content::Text("How are you?".to_owned()));
        // Earlier versions have stored it as a hook.
        let (at, message) = (at(&items[0]), items[0].message.as_ref().unwrap());
        let hook = format!(
            r#"{{"message":{{"conversation":{{"id":"8e4d4baa","client_id":"tg:bot1:777000111"}},"sender":{{}},"receiver":{{}},"source":{{"external_id":"bot1"}},"timestamp":{},"msec_timestamp":{},"message":{message}}}}}"#,
            at.seconds(),
            at.0
        );
        assert_eq!(from_kommo::decode(&hook).unwrap(), Arrival::Message(outbound));
    }
}
