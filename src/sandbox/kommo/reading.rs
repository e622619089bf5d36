//! Bodies, read as strictly as the documentation asks: strings are strings and integers are integers.

use serde::{Deserialize, Deserializer};

use crate::sandbox::kommo::media::is_address;

/// The body of `POST {scope}`.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) event_type: String,
    pub(super) payload: serde_json::Value,
}

/// The payload of `new_message`.
#[derive(Debug, Deserialize)]
pub(super) struct NewMessage {
    #[serde(rename = "timestamp")]
    pub(super) _timestamp: i64,
    pub(super) msec_timestamp: i64,
    pub(super) msgid: Filled,
    pub(super) conversation_id: Filled,
    pub(super) conversation_ref_id: Option<Filled>,
    pub(super) silent: Option<bool>,
    pub(super) source: Option<Source>,
    pub(super) sender: Participant,
    pub(super) receiver: Option<Participant>,
    pub(super) message: Content,
    pub(super) reply_to: Option<ReplyTo>,
}

/// The message that a message answers.
#[derive(Debug, Deserialize)]
pub(super) struct ReplyTo {
    pub(super) message: Known,
}

/// A message by either side's id.
#[derive(Debug, Deserialize)]
pub(super) struct Known {
    pub(super) id: Option<Filled>,
    pub(super) msgid: Option<Filled>,
}

/// The payload of `edit_message`: sender, source and silence are not read.
#[derive(Debug, Deserialize)]
pub(super) struct EditMessage {
    #[serde(rename = "timestamp")]
    pub(super) _timestamp: i64,
    #[serde(rename = "msec_timestamp")]
    pub(super) _msec_timestamp: i64,
    pub(super) msgid: Option<Filled>,
    pub(super) id: Option<Filled>,
    pub(super) message: Content,
}

/// The line of the channel.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) external_id: ExternalId,
}

/// Somebody who sends or receives.
#[derive(Debug, Deserialize)]
pub(super) struct Participant {
    pub(super) id: Filled,
    pub(super) ref_id: Option<Filled>,
    pub(super) name: Filled,
    #[serde(rename = "avatar")]
    pub(super) _avatar: Option<String>,
    pub(super) profile: Option<Profile>,
    pub(super) profile_link: Option<String>,
}

/// What the new contact card takes over.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
}

/// What a message says.
#[derive(Debug, Deserialize)]
pub(super) struct Content {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) media: String,
    #[serde(default)]
    pub(super) file_name: String,
    pub(super) file_size: Option<u64>,
    pub(super) media_duration: Option<u64>,
    pub(super) location: Option<Location>,
    pub(super) contact: Option<Card>,
}

/// The types of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Text,
    Contact,
    File,
    Video,
    Picture,
    Voice,
    Audio,
    Sticker,
    Location,
}

impl Kind {
    /// As on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Contact => "contact",
            Self::File => "file",
            Self::Video => "video",
            Self::Picture => "picture",
            Self::Voice => "voice",
            Self::Audio => "audio",
            Self::Sticker => "sticker",
            Self::Location => "location",
        }
    }
}

/// A place.
#[derive(Debug, Deserialize)]
pub(super) struct Location {
    pub(super) lon: f64,
    pub(super) lat: f64,
}

/// A contact that was shared.
#[derive(Debug, Deserialize)]
pub(super) struct Card {
    pub(super) name: Filled,
    pub(super) phone: Filled,
}

impl Content {
    /// The place or the card that the message shows, in words.
    pub(super) fn card(&self) -> Option<String> {
        let place = self.location.as_ref().map(|Location { lon, lat }| format!("{lat}, {lon}"));
        place.or_else(|| self.contact.as_ref().map(|card| format!("{}, {}", card.name.0, card.phone.0)))
    }

    /// Whether everything is there that the type needs.
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.media.is_empty() && !is_address(&self.media) {
            return Err("message.media must be the address of a file".to_owned());
        }
        let lacks = match self.kind {
            Kind::Text if self.text.is_empty() => "text",
            Kind::Location if self.location.is_none() => "location",
            Kind::Contact if self.contact.is_none() => "contact",
            Kind::Voice | Kind::Audio | Kind::Sticker | Kind::File | Kind::Video | Kind::Picture
                if self.media.is_empty() =>
            {
                "media"
            }
            Kind::File | Kind::Video | Kind::Picture if self.file_name.is_empty() => "file_name",
            Kind::File | Kind::Video | Kind::Picture if self.file_size.is_none() => "file_size",
            Kind::Text
            | Kind::Contact
            | Kind::File
            | Kind::Video
            | Kind::Picture
            | Kind::Voice
            | Kind::Audio
            | Kind::Sticker
            | Kind::Location => return Ok(()),
        };
        Err(format!("message.{lacks} is required for this type"))
    }
}

/// A string that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled(pub(super) String);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() { Err(serde::de::Error::custom("must not be empty")) } else { Ok(Self(text)) }
    }
}

/// `source.external_id`: at most 40 printable ASCII characters or spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExternalId(pub(super) String);

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Filled(text) = Filled::deserialize(from)?;
        if text.len() <= 40 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom("external_id has at most 40 printable ASCII characters"))
        }
    }
}
