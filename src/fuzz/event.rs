//! Checks what is sent to Kommo of an update.

use reqwest::Url;
use serde_json::Value;

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, UserId},
        membership::Connection,
        message::{Content, Inbound},
        time::UnixMillis,
    },
    media::link::{LinkKey, MediaLinks, Target},
    translate::{
        from_telegram::{Arrival, DecodeContext, Received},
        text::is_visible,
        to_kommo::{self, Extras},
    },
    words::Language,
};

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
const BOT: BotId = BotId(123_456);
const PUBLIC_URL: &str = "https://bridge.example.com/telegram";
const LARGEST_BYTES: u64 = 20 << 20;

/// The settings with which an update is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// Whether groups are relayed.
    pub(super) groups: bool,
    /// Whether the update's connection of Telegram Business is known.
    pub(super) connected: bool,
    pub(super) language: Language,
}

impl Circumstances {
    /// Chooses the settings by a byte.
    pub(super) fn of(byte: u8) -> Self {
        let language = Language::ALL[usize::from(byte >> 2) % Language::ALL.len()];
        Self { groups: byte & 1 != 0, connected: byte & 2 != 0, language }
    }
}

/// Reads an update, checks what would be sent to Kommo, and returns the text that managers read.
///
/// An error is the reason why nothing is sent.
pub(super) fn relayed(raw: &str, circumstances: Circumstances) -> Result<String, String> {
    let source = SourceId::parse("sales").expect("it is one");
    let received = Received::read(raw);
    let id = received.connection_id().unwrap_or_default();
    let connection = Connection {
        id,
        owner: UserId(777_000_999),
        name: "Olga".to_owned(),
        enabled: true,
        can_reply: true,
        can_read: true,
        made_at: NOW,
    };
    let context = DecodeContext {
        source: &source,
        bot: BOT,
        connection: Some(&connection).filter(|_| circumstances.connected),
        program: None,
        groups: circumstances.groups,
        largest_file_bytes: LARGEST_BYTES,
        language: circumstances.language,
        now: NOW,
    };
    match received.decode(&context) {
        Ok(Arrival::Message(inbound)) => Ok(message(&inbound, circumstances.language)),
        Ok(Arrival::ButtonPress(press)) => {
            assert!(!press.query.is_empty() || !press.inbound.id.to_string().is_empty());
            let (key, url, extras) =
                (key(), url(), Extras { choice: press.choice.clone(), ..Extras::of(&press.inbound) });
            let links = links(&key, &url);
            let mut sent = to_kommo::variants(&press.inbound, &extras, &links, circumstances.language);
            assert!(sent.all(|variant| variant.event.payload.message.callback_data == press.choice));
            Ok(message(&press.inbound, circumstances.language))
        }
        Ok(Arrival::Reaction(reaction)) => {
            let sent = to_kommo::react(&reaction, crate::domain::address::KommoMessageId("id".to_owned()));
            assert_eq!(
                (sent.r#type == "react", sent.emoji.is_some()),
                (reaction.emoji.is_some(), reaction.emoji.is_some())
            );
            Err("a reaction".to_owned())
        }
        Ok(Arrival::Membership(change)) => {
            assert!(change.membership.changed_at.0 >= 0, "{change:?}");
            Err("who is let in".to_owned())
        }
        Ok(Arrival::Connection(connection)) => {
            assert!(connection.made_at.0 >= 0 && is_visible(&connection.name), "{connection:?}");
            Err("a connection".to_owned())
        }
        Ok(Arrival::Deletion(deletion)) => Err(format!("{} deleted", deletion.messages.len())),
        Ok(Arrival::Move(moved)) => {
            assert!(moved.from.is_group(), "{moved:?}");
            Err("a move".to_owned())
        }
        Err(skip) => Err(skip.to_string()),
    }
}

fn key() -> LinkKey {
    LinkKey::derive("0123456789abcdef0123456789abcdef01234567")
}

fn url() -> Url {
    Url::parse(PUBLIC_URL).expect("it is one")
}

const fn links<'a>(key: &'a LinkKey, public_url: &'a Url) -> MediaLinks<'a> {
    MediaLinks { key, public_url, expires_at: UnixMillis(NOW.0 + 1_000_000) }
}

fn message(inbound: &Inbound, language: Language) -> String {
    let (key, url) = (key(), url());
    let links = links(&key, &url);
    let sent = serde_json::to_value(to_kommo::encode(inbound, &links, language)).expect("it can be written");
    let payload = &sent["payload"];
    assert_eq!(payload["msgid"].as_str().and_then(|id| id.parse::<MessageId>().ok()), Some(inbound.id));
    let conversation = payload["conversation_id"].as_str().and_then(|id| id.parse::<Conversation>().ok());
    assert_eq!(conversation.as_ref(), Some(&inbound.conversation));
    instant(payload);
    let (sender, receiver) = (&payload["sender"], &payload["receiver"]);
    for person in [sender, receiver].into_iter().filter(|person| !person.is_null()) {
        assert!(person["id"].as_str().is_some_and(|id| !id.is_empty()), "{person}");
        assert!(person["name"].as_str().is_some_and(is_visible), "{person}");
    }
    content(&payload["message"], inbound, &key);
    let edit = serde_json::to_value(to_kommo::edit(inbound, &links, language)).expect("it can be written");
    instant(&edit["payload"]);
    content(&edit["payload"]["message"], inbound, &key);
    payload["message"]["text"].as_str().unwrap_or_default().to_owned()
}

/// Both timestamps are equal, and not before the epoch.
fn instant(payload: &Value) {
    let (seconds, millis) = (payload["timestamp"].as_i64(), payload["msec_timestamp"].as_i64());
    assert!(millis.is_some_and(|millis| millis >= 0), "{payload}");
    assert_eq!(seconds, millis.map(|millis| millis / 1000), "{payload}");
}

/// The content has all fields that Kommo requires, and is not empty.
fn content(sent: &Value, inbound: &Inbound, key: &LinkKey) {
    let has = |field: &str| sent[field].as_str().is_some_and(|text| !text.is_empty());
    match sent["type"].as_str() {
        Some("text") => assert!(sent["text"].as_str().is_some_and(is_visible), "{sent}"),
        Some("picture" | "video" | "file") => {
            assert!(has("media") && has("file_name") && sent["file_size"].is_u64(), "{sent}");
        }
        Some("voice" | "audio" | "sticker") => assert!(has("media") && has("file_name"), "{sent}"),
        Some("location") => {
            assert!(sent["location"]["lat"].is_number() && sent["location"]["lon"].is_number(), "{sent}");
        }
        Some("contact") => {
            let card = &sent["contact"];
            assert!(["name", "phone"].iter().all(|field| card[field].as_str().is_some_and(|text| !text.is_empty())));
        }
        _ => assert!(sent.is_null(), "a kind that Kommo does not have: {sent}"),
    }
    if let Some(link) = sent["media"].as_str() {
        let path = link.strip_prefix(PUBLIC_URL).expect("a link of ours");
        assert!(Url::parse(link).is_ok_and(|url| url.as_str() == link), "{link}");
        let (Content::Media(media), Ok(Target::AtTelegram(linked))) = (&inbound.content, key.open(path, NOW)) else {
            unreachable!("{link} does not lead to the file");
        };
        assert_eq!((&linked.file_id, &linked.file_name), (&media.file_id, &media.file_name));
        assert_eq!(linked.source, inbound.conversation.source);
        assert!(!media.file_name.contains(['/', '\\']), "{media:?}");
    }
}
