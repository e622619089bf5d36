//! Links to files: `{public_url}/media/{payload}.{signature}/{file name}`.
//!
//! The payload is JSON with the file and the expiry. The signature is an HMAC-SHA1 over it, 160 bits, with a key that
//! is derived from the channel secret. The name at the end is for people only.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha1::Sha1;

use crate::domain::{address::SourceId, message::Media, time::UnixMillis};

/// The first segment of a link's path.
pub const SEGMENT: &str = "media";
/// The purpose of the derived key. Another version would invalidate all older links.
const PURPOSE: &str = "telekommo media v1";

/// A file that a bot received. The field names are short, because every link contains them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The source whose bot can download the file.
    #[serde(rename = "s")]
    pub source: SourceId,
    /// Telegram's id of the file.
    #[serde(rename = "f")]
    pub file_id: String,
    #[serde(rename = "n")]
    pub file_name: String,
    /// Its type, if it is known.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its size, if it is known.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// When the link expires, in seconds since the epoch.
    #[serde(rename = "e")]
    pub expires_at_seconds: i64,
}

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFile {
    /// Its path below the folder of imports.
    #[serde(rename = "i")]
    pub path: String,
    #[serde(rename = "n")]
    pub file_name: String,
    /// Its type, if it is known.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// When the link expires, in seconds since the epoch.
    #[serde(rename = "e")]
    pub expires_at_seconds: i64,
}

/// The target of a link. The kinds are distinguished by their fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A file that was imported.
    Imported(ImportedFile),
    /// A file that a bot received.
    AtTelegram(Linked),
}

impl Target {
    const fn expires_at_seconds(&self) -> i64 {
        match self {
            Self::Imported(file) => file.expires_at_seconds,
            Self::AtTelegram(linked) => linked.expires_at_seconds,
        }
    }
}

/// A link that is invalid or has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such link, or it has expired")]
pub struct BadLink;

/// Signs and verifies links. It is never shown.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha1>);

impl LinkKey {
    /// The key of a channel.
    #[must_use]
    pub fn derive(channel_secret: &str) -> Self {
        let derived = keyed(channel_secret.as_bytes()).chain_update(PURPOSE).finalize().into_bytes();
        Self(keyed(&derived))
    }

    fn seal(&self, linked: &impl Serialize) -> String {
        let payload = BASE64.encode(serde_json::to_vec(linked).expect("texts and numbers can always be written"));
        let signature = BASE64.encode(self.0.clone().chain_update(&payload).finalize().into_bytes());
        format!("{payload}.{signature}")
    }

    /// The target of the link with this path. Repeated slashes count as one.
    ///
    /// # Errors
    /// [`BadLink`], without the reason.
    pub fn open(&self, path: &str, now: UnixMillis) -> Result<Target, BadLink> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let sealed = segments.by_ref().nth(1).ok_or(BadLink)?;
        let (payload, signature) = sealed.split_once('.').ok_or(BadLink)?;
        let signature = BASE64.decode(signature).map_err(|_| BadLink)?;
        self.0.clone().chain_update(payload).verify_slice(&signature).map_err(|_| BadLink)?;
        let payload = BASE64.decode(payload).map_err(|_| BadLink)?;
        let target: Target = serde_json::from_slice(&payload).map_err(|_| BadLink)?;
        if now.seconds() < target.expires_at_seconds() { Ok(target) } else { Err(BadLink) }
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Settings of links.
#[derive(Clone)]
pub struct Links {
    pub key: LinkKey,
    /// The address of our public listener.
    pub public_url: Url,
    /// How long a link is valid.
    pub valid_for: Duration,
}

impl Links {
    /// Links that are made at `now`.
    #[must_use]
    pub fn made_at(&self, now: UnixMillis) -> MediaLinks<'_> {
        MediaLinks { key: &self.key, public_url: &self.public_url, expires_at: now.plus(self.valid_for) }
    }
}

/// Makes links with the same expiry.
#[derive(Clone, Copy)]
pub struct MediaLinks<'a> {
    pub key: &'a LinkKey,
    /// The address of our public listener.
    pub public_url: &'a Url,
    pub expires_at: UnixMillis,
}

impl MediaLinks<'_> {
    /// The link to a file that the bot of `source` received.
    #[must_use]
    pub fn to(&self, source: &SourceId, media: &Media) -> String {
        let sealed = self.key.seal(&Linked {
            source: source.clone(),
            file_id: media.file_id.clone(),
            file_name: media.file_name.clone(),
            mime_type: media.mime_type.clone(),
            size_bytes: media.size_bytes,
            expires_at_seconds: self.expires_at.seconds(),
        });
        self.address(&sealed, &media.file_name)
    }

    /// The link to an imported file. Its expiry is that of the other links, whatever `file` has.
    #[must_use]
    pub fn to_imported(&self, file: &ImportedFile) -> String {
        let expires_at_seconds = self.expires_at.seconds();
        self.address(&self.key.seal(&ImportedFile { expires_at_seconds, ..file.clone() }), &file.file_name)
    }

    fn address(&self, sealed: &str, file_name: &str) -> String {
        let mut url = self.public_url.clone();
        // `Url` drops tabs and line feeds. Without them a name may be two dots, which lead one segment up.
        let file_name = file_name.replace(char::is_control, "_");
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([SEGMENT, sealed, &file_name]);
        }
        url.into()
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
