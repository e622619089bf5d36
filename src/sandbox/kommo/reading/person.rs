//! Who sends and who receives.

use serde::{Deserialize, Deserializer};

use crate::sandbox::kommo::{media::is_address, reading::Filled};

/// Somebody who sends or receives.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Participant {
    pub(in super::super) id: Filled,
    pub(in super::super) ref_id: Option<Filled>,
    pub(in super::super) name: Filled,
    pub(in super::super) avatar: Option<Avatar>,
    pub(in super::super) profile: Option<Profile>,
    pub(in super::super) profile_link: Option<String>,
}

/// What the new contact card takes over.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Profile {
    pub(in super::super) phone: Option<String>,
    pub(in super::super) email: Option<String>,
}

/// The address of a picture; empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Avatar(pub(in super::super) String);

impl<'de> Deserialize<'de> for Avatar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() || is_address(&text) {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom("avatar must be the address of a picture"))
        }
    }
}
