//! Bodies, read as strictly as the documentation asks: strings are strings and integers are integers.

use serde::{Deserialize, Deserializer};

mod content;
mod person;

pub(super) use content::{Content, Kind};
pub(super) use person::Participant;

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
    pub(super) forwards: Option<Forwards>,
}

/// The message that a message answers.
#[derive(Debug, Deserialize)]
pub(super) struct ReplyTo {
    pub(super) message: Cited,
}

/// What a message passes on.
#[derive(Debug, Deserialize)]
pub(super) struct Forwards {
    pub(super) messages: Vec<Cited>,
    #[serde(rename = "conversation_id")]
    pub(super) _conversation_id: Option<Filled>,
    #[serde(rename = "conversation_ref_id")]
    pub(super) _conversation_ref_id: Option<Filled>,
}

/// A message by either side's id; or in full, if Kommo does not have it.
#[derive(Debug, Deserialize)]
pub(super) struct Cited {
    pub(super) id: Option<Filled>,
    pub(super) msgid: Option<Filled>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Kind>,
    pub(super) timestamp: Option<i64>,
    pub(super) msec_timestamp: Option<i64>,
    pub(super) sender: Option<Somebody>,
    pub(super) text: Option<String>,
    pub(super) location: Option<content::Location>,
    pub(super) contact: Option<content::Card>,
}

impl Cited {
    /// What it says, if it is given in full.
    pub(super) fn words(&self) -> Option<String> {
        self.kind.zip(self.timestamp).zip(self.msec_timestamp)?;
        self.sender.as_ref().filter(|who| who.is_told())?;
        let text = self.text.clone().filter(|text| !text.is_empty());
        text.or_else(|| content::words(self.location.as_ref(), self.contact.as_ref()))
    }
}

/// Somebody by either side's id.
#[derive(Debug, Deserialize)]
pub(super) struct Somebody {
    pub(super) id: Option<Filled>,
    pub(super) ref_id: Option<Filled>,
    pub(super) name: Option<Filled>,
}

impl Somebody {
    const fn is_told(&self) -> bool {
        self.id.is_some() || self.ref_id.is_some() || self.name.is_some()
    }
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
    pub(super) conversation_id: Option<Filled>,
    pub(super) conversation_ref_id: Option<Filled>,
    pub(super) message: Content,
}

/// The line of the channel.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) external_id: ExternalId,
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
