//! What a message says, and what its type needs.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::kommo::{media::is_address, reading::Filled, statuses::ReportedStatus};

/// What a message says.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Content {
    #[serde(rename = "type")]
    pub(in super::super) kind: Kind,
    pub(in super::super) text: Option<String>,
    #[serde(default)]
    pub(in super::super) media: String,
    #[serde(default)]
    pub(in super::super) file_name: String,
    pub(in super::super) file_size: Option<u64>,
    pub(in super::super) media_duration: Option<u64>,
    pub(in super::super) location: Option<Location>,
    pub(in super::super) contact: Option<Card>,
    pub(in super::super) callback_data: Option<Filled>,
    pub(in super::super) delivery_status: Option<ReportedStatus>,
    #[serde(rename = "sticker_id")]
    pub(in super::super) _sticker_id: Option<Filled>,
    #[serde(rename = "shared_post")]
    pub(in super::super) _shared_post: Option<SharedPost>,
    #[serde(rename = "post")]
    pub(in super::super) _post: Option<Post>,
}

/// A post that the customer shares.
#[derive(Debug, Deserialize)]
pub(in super::super) struct SharedPost {
    #[serde(rename = "url")]
    _url: Filled,
    #[serde(rename = "type")]
    _kind: PostKind,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PostKind {
    Post,
}

/// A post that the customer comments on.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Post {
    #[serde(rename = "id")]
    _id: Filled,
    #[serde(rename = "url")]
    _url: Filled,
}

/// The types of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Kind {
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
    /// Whether such a message is a file.
    pub(in super::super) const fn has_file(self) -> bool {
        !matches!(self, Self::Text | Self::Contact | Self::Location)
    }

    /// As on the wire.
    pub(in super::super) const fn name(self) -> &'static str {
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

#[derive(Debug, Deserialize)]
pub(in super::super) struct Location {
    pub(in super::super) lon: f64,
    pub(in super::super) lat: f64,
}

/// A contact that was shared.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Card {
    pub(in super::super) name: Filled,
    pub(in super::super) phone: Filled,
}

/// A place or a card, in words.
pub(super) fn words(place: Option<&Location>, card: Option<&Card>) -> Option<String> {
    let place = place.map(|Location { lon, lat }| format!("{lat}, {lon}"));
    place.or_else(|| card.map(|card| format!("{}, {}", card.name.0, card.phone.0)))
}

impl Content {
    /// The place or the card that the message shows, in words.
    pub(in super::super) fn card(&self) -> Option<String> {
        words(self.location.as_ref(), self.contact.as_ref())
    }

    /// The place or the card, as on the wire.
    pub(in super::super) fn more(&self) -> Map<String, Value> {
        let place = self.location.as_ref().map(|at| ("location", json!({ "lon": at.lon, "lat": at.lat })));
        let card = self.contact.as_ref().map(|it| ("contact", json!({ "name": it.name.0, "phone": it.phone.0 })));
        place.into_iter().chain(card).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether everything is there that the type needs. An edit that leaves the file as it is need not name it.
    pub(in super::super) fn check(&self, file_stays: bool) -> Result<(), String> {
        if !self.media.is_empty() && !is_address(&self.media) {
            return Err("message.media must be the address of a file".to_owned());
        }
        let needs_file = !(file_stays && self.media.is_empty());
        let needs_name = needs_file && matches!(self.kind, Kind::File | Kind::Video | Kind::Picture);
        let lacks = match self.kind {
            Kind::Text if self.text.as_deref().unwrap_or_default().is_empty() => "text",
            Kind::Location if self.location.is_none() => "location",
            Kind::Contact if self.contact.is_none() => "contact",
            Kind::Text | Kind::Location | Kind::Contact => return Ok(()),
            Kind::Voice | Kind::Audio | Kind::Sticker | Kind::File | Kind::Video | Kind::Picture => match self {
                it if needs_file && it.media.is_empty() => "media",
                it if needs_name && it.file_name.is_empty() => "file_name",
                it if needs_name && it.file_size.is_none() => "file_size",
                _ => return Ok(()),
            },
        };
        Err(format!("message.{lacks} is required for this type"))
    }
}
