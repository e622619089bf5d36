//! A message of an export: what it says, or why it says nothing ("Telegram Data Export Schema").

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    cli::import::words::plain,
    domain::{
        imported::{OldContent, OldFile, OldMessage},
        message::MediaKind,
    },
    lenient::lenient,
    words::{self, Language, Sentence},
};

lenient! {
    /// A message as Telegram Desktop writes it.
    struct Written {
        /// Its number in the owner's account.
        pub id: i64,
        /// `message`, `service` or `unsupported`.
        pub r#type: String,
        /// Seconds since the epoch, in quotes. Exports of before 2022 have none.
        pub date_unixtime: String,
        pub from: String,
        /// The author: `user` and their Telegram id.
        pub from_id: String,
        /// The message that it answers.
        pub reply_to_message_id: i64,
        /// The chat of that message, if it is another one.
        pub reply_to_peer_id: String,
        /// Who wrote it first.
        pub forwarded_from: String,
        /// A text, or a list of texts and formatted parts.
        pub text: Value,
        /// The path of a picture below the export's folder, or why there is none.
        pub photo: String,
        /// The same of any other file.
        pub file: String,
        /// What the sender called it.
        pub file_name: String,
        /// `sticker`, `voice_message`, `video_message`, `video_file`, `animation`, `audio_file`; absent for other
        /// files.
        pub media_type: String,
        pub mime_type: String,
        /// How long it plays.
        pub duration_seconds: u32,
        /// What a sticker stands for.
        pub sticker_emoji: String,
        pub contact_information: Card,
        pub location_information: Place,
        pub place_name: String,
        pub address: String,
        pub poll: Poll,
        pub game_title: String,
        pub invoice_information: Invoice,
    }

    struct Card {
        pub first_name: String,
        pub last_name: String,
        /// The phone number.
        pub phone_number: String,
    }

    struct Place {
        /// Degrees north.
        pub latitude: f64,
        /// Degrees east.
        pub longitude: f64,
    }

    struct Poll {
        pub question: Value,
        /// What can be answered.
        pub answers: Vec<Choice>,
    }

    /// An answer of a poll.
    struct Choice {
        pub text: Value,
    }

    struct Invoice {
        pub title: String,
    }
}

impl Card {
    fn name(&self) -> String {
        let names = [&self.first_name, &self.last_name].into_iter().flatten().filter(|name| !name.is_empty());
        names.cloned().collect::<Vec<_>>().join(" ")
    }
}

/// Why a message is not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skipped {
    /// Nobody wrote it: a call, a pinned message, a new picture.
    Service,
    /// Telegram Desktop itself could not read it, and wrote nothing but its number.
    Unsupported,
    /// It lacks its number, its author or its time.
    Unreadable,
}

/// Reads a message. What Kommo has no form for becomes words in `language`.
pub(super) fn read(raw: &str, language: Language) -> Result<OldMessage, Skipped> {
    let written: Written = serde_json::from_str(raw).map_err(|_| Skipped::Unreadable)?;
    match written.r#type.as_deref() {
        Some("service") => return Err(Skipped::Service),
        Some("unsupported") => return Err(Skipped::Unsupported),
        Some(_) | None => {}
    }
    let author = written.from_id.as_deref().and_then(|id| id.strip_prefix("user")?.parse().ok());
    let at_seconds = written.date_unixtime.as_deref().and_then(|text| text.parse().ok());
    let (Some(id), Some(author), Some(at_seconds)) = (written.id, author, at_seconds) else {
        return Err(Skipped::Unreadable);
    };
    Ok(OldMessage {
        id,
        author,
        author_name: written.from.clone().unwrap_or_default(),
        at_seconds,
        reply_to: written.reply_to_message_id.filter(|_| written.reply_to_peer_id.is_none()),
        content: content(written, language),
    })
}

/// The number of a message that cannot be read otherwise; 0 if not even that.
pub(super) fn number(raw: &str) -> i64 {
    serde_json::from_str::<Written>(raw).ok().and_then(|written| written.id).unwrap_or_default()
}

fn content(mut written: Written, language: Language) -> OldContent {
    let forwarded = |from: String| format!("[{}]\n", words::described::forwarded_from(from).say(language));
    let from = written.forwarded_from.take().map(forwarded).unwrap_or_default();
    let text = format!("{from}{}", plain(&written.text.take().unwrap_or_default()));
    let beside = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(path) = written.photo.take() {
        return OldContent::File(file(written, MediaKind::Picture, path, beside));
    }
    if let Some(path) = written.file.take() {
        let kind = kind(written.media_type.as_deref(), written.mime_type.as_deref());
        return OldContent::File(file(written, kind, path, beside));
    }
    if let Some(Place { latitude: Some(latitude), longitude: Some(longitude) }) = written.location_information {
        let names = [written.place_name, written.address, beside].into_iter().flatten().filter(|it| !it.is_empty());
        let text = Some(names.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty());
        return OldContent::Place { latitude, longitude, text };
    }
    let card = written.contact_information.as_ref();
    if let Some((card, phone)) =
        card.and_then(|card| Some((card, card.phone_number.as_ref()?))).filter(|it| !it.1.is_empty())
    {
        let name = card.name();
        return OldContent::Card { name: if name.is_empty() { phone.clone() } else { name }, phone: phone.clone() };
    }
    OldContent::Text(description(&written, beside, language))
}

/// What Kommo has no form for, in words; the text alone if that is all.
fn description(written: &Written, text: Option<String>, language: Language) -> String {
    let headed = |what: Sentence, says: &str| format!("[{}] {says}", what.say(language)).trim_end().to_owned();
    let kind = if let Some(poll) = &written.poll {
        let mut description = headed(words::described::poll(), &plain(poll.question.as_ref().unwrap_or(&Value::Null)));
        for choice in poll.answers.iter().flatten() {
            let _ = write!(description, "\n- {}", plain(choice.text.as_ref().unwrap_or(&Value::Null)));
        }
        Some(description)
    } else if let Some(title) = &written.game_title {
        Some(headed(words::described::game(), title))
    } else if let Some(card) = &written.contact_information {
        // Kommo takes no card without a number.
        Some(headed(words::described::contact(), &card.name()))
    } else {
        let bill = written.invoice_information.as_ref();
        bill.map(|bill| headed(words::described::invoice(), bill.title.as_deref().unwrap_or_default()))
    };
    match (kind, text) {
        (Some(kind), Some(text)) => format!("{kind}\n{text}"),
        (Some(description), None) | (None, Some(description)) => description,
        (None, None) => format!("[{}]", words::described::undescribed().say(language)),
    }
}

fn kind(media_type: Option<&str>, mime_type: Option<&str>) -> MediaKind {
    match media_type {
        Some("sticker") => MediaKind::Sticker,
        Some("voice_message") => MediaKind::Voice,
        Some("video_message" | "video_file" | "animation") => MediaKind::Video,
        Some("audio_file") => MediaKind::Audio,
        Some(_) | None => {
            // A picture that was sent as a file, to keep its quality.
            let is_picture = mime_type.is_some_and(|kind| ["image/jpeg", "image/png"].contains(&kind));
            if is_picture { MediaKind::Picture } else { MediaKind::File }
        }
    }
}

fn file(written: Written, kind: MediaKind, path: String, text: Option<String>) -> OldFile {
    let text = text.or_else(|| written.sticker_emoji.filter(|emoji| !emoji.is_empty()));
    OldFile {
        kind,
        path,
        name: written.file_name.filter(|name| !name.is_empty()),
        mime_type: written.mime_type,
        duration_seconds: written.duration_seconds,
        text,
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
