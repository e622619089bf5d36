//! The content of a message of Telegram.

use crate::{
    domain::{
        crm::digits,
        message::{Content, Media, MediaKind},
        phone,
    },
    telegram::wire::{
        Contact, File, Location, Message, RawObject, Venue,
        vcard::{self, VcardContacts},
    },
    translate::{
        file_name,
        from_telegram::{describe, entities, people, start},
        text::is_visible,
    },
    words::{self, Language, Sentence},
};

/// The content of a message, below lines for its original author (forwarded) and its bot (via). A file above
/// `largest_bytes` is only described.
pub(super) fn forwarded(message: Message, largest_bytes: u64, language: Language) -> Content {
    let origin = message.fields.is_set("forward_origin").then(|| message.fields.part("forward_origin"));
    let bot = people::known(&message.fields.part("via_bot"));
    let content = limit_size(of(message, language), largest_bytes, language);
    let content =
        bot.into_iter().fold(content, |content, bot| with_first_line(content, &words::described::via(bot), language));
    let somebody = || words::described::somebody().say(language);
    match origin.map(|origin| people::author(&origin).unwrap_or_else(somebody)) {
        Some(author) => with_first_line(content, &words::described::forwarded_from(author), language),
        None => content,
    }
}

/// `content` with a separate first line in its text.
fn with_first_line(content: Content, line: &Sentence, language: Language) -> Content {
    let line = format!("[{}]", line.say(language));
    let below = |text: Option<String>| Some(text.map_or_else(|| line.clone(), |text| format!("{line}\n{text}")));
    match content {
        Content::Text(text) => Content::Text(format!("{line}\n{text}")),
        Content::Media(media) => Content::Media(Media { caption: below(media.caption), ..media }),
        Content::Location { latitude, longitude, caption } => {
            Content::Location { latitude, longitude, caption: below(caption) }
        }
        Content::Contact { name, phone, caption } => Content::Contact { name, phone, caption: below(caption) },
        Content::Unknown { kind, caption } => {
            let caption = caption.map(|caption| format!(" {caption}")).unwrap_or_default();
            Content::Text(format!("{line}\n[{kind}]{caption}"))
        }
    }
}

/// The text of a message for a quote.
pub(super) fn words(message: &Message, language: Language) -> Option<String> {
    let kind = kind_in_words(message.content.as_deref()?).say(language);
    Some(match of(message.clone(), language) {
        Content::Text(text) => text,
        Content::Media(Media { caption: Some(caption), .. })
        | Content::Location { caption: Some(caption), .. }
        | Content::Unknown { caption: Some(caption), .. } => caption,
        Content::Media(Media { kind: MediaKind::File | MediaKind::Audio, file_name, .. }) => {
            format!("[{kind}] {file_name}")
        }
        Content::Contact { name, phone, .. } => format!("[{kind}] {name}, {phone}"),
        Content::Media(_) | Content::Location { .. } | Content::Unknown { .. } => format!("[{kind}]"),
    })
}

/// The content of a message. An unknown kind has the name of its field, and the texts in it.
pub(super) fn of(message: Message, language: Language) -> Content {
    let written =
        |text: &str, entities: &str| Some(entities::of(&message.fields, text, entities)?).filter(|it| is_visible(it));
    let kind = message.content.clone().unwrap_or_else(|| "text".to_owned());
    let caption = written("caption", "caption_entities");
    if kind == "text" {
        let empty = || Content::Unknown { kind: words::described::empty_message().say(language), caption };
        let shown = |text| Content::Text(start::without_payload(text, start::is_invitation));
        return written("text", "entities").map_or_else(empty, shown);
    }
    let known = match kind.as_str() {
        "photo" | "live_photo" => message.photo.and_then(|sizes| photo(sizes, caption.clone())),
        "venue" => message.venue.and_then(venue),
        "location" => message.location.and_then(|place| location(&place, caption.clone())),
        "contact" => message.contact.and_then(contact),
        kind => None
            .or_else(|| message.file.and_then(|file| self::file(kind, file, caption.clone())))
            .or_else(|| in_words(kind, &message.fields, caption.as_deref(), language)),
    };
    known.unwrap_or_else(|| unknown(&kind, &message.fields, caption, language))
}

/// The name of a kind of message. An unknown kind has the name of its field.
pub(super) fn kind_in_words(kind: &str) -> Sentence {
    match kind {
        "photo" => words::described::photo(),
        "live_photo" => words::described::live_photo(),
        "animation" => words::described::animation(),
        "video" => words::described::video(),
        "video_note" => words::described::video_note(),
        "voice" => words::described::voice(),
        "audio" => words::described::audio(),
        "document" => words::described::document(),
        "sticker" => words::described::sticker(),
        "location" => words::described::location(),
        "venue" => words::described::venue(),
        "contact" => words::described::contact(),
        "poll" => words::described::poll(),
        "checklist" => words::described::checklist(),
        "dice" => words::described::dice(),
        "game" => words::described::game(),
        "story" => words::described::story(),
        "invoice" => words::described::invoice(),
        "paid_media" => words::described::paid_media(),
        "gift" => words::described::gift(),
        "giveaway" => words::described::giveaway(),
        "rich_message" => words::described::rich_message(),
        "collage" => words::described::collage(),
        "slideshow" => words::described::slideshow(),
        "voice_note" => words::described::voice_note(),
        "link" => words::described::link(),
        "text" => words::described::message(),
        other => Sentence::plain(other.replace('_', " ")),
    }
}

fn unknown(kind: &str, fields: &RawObject, caption: Option<String>, language: Language) -> Content {
    let words = [describe::compact(fields, kind), caption].into_iter().flatten().collect::<Vec<_>>().join("\n");
    let kind = kind_in_words(kind).say(language);
    Content::Unknown { kind, caption: Some(words).filter(|words| !words.is_empty()) }
}

/// A description of a kind that Kommo does not have. If it has a picture or a video, the description is the caption.
fn in_words(kind: &str, fields: &RawObject, caption: Option<&str>, language: Language) -> Option<Content> {
    let line = describe::line(kind, fields, language)?;
    let line = caption.map_or_else(|| line.clone(), |caption| format!("{line}\n{caption}"));
    let media = match kind {
        "new_chat_photo" => photo(fields.list(kind), Some(line.clone())),
        "paid_media" => {
            let items = fields.part(kind).list::<RawObject>("paid_media");
            items.iter().find_map(|item| visible_media(item, &one_of(&items, &line, language)))
        }
        _ => None,
    };
    Some(media.unwrap_or(Content::Text(line)))
}

/// Kommo's messages have one file each, so the line mentions how many there are in Telegram.
fn one_of(items: &[RawObject], line: &str, language: Language) -> String {
    match items.len() {
        0 | 1 => line.to_owned(),
        count => format!("{line}\n[{}]", words::described::one_of(count).say(language)),
    }
}

/// Paid media that the bot has bought or sent.
fn visible_media(item: &RawObject, line: &str) -> Option<Content> {
    let line = Some(line.to_owned());
    let still = item.part("live_photo").list("photo");
    let sizes = [item.list("photo"), still].concat();
    photo(sizes, line.clone()).or_else(|| file("video", item.read("video")?, line))
}

/// A file that is too large for a bot becomes a text that says so.
fn limit_size(content: Content, largest_bytes: u64, language: Language) -> Content {
    match content {
        Content::Media(Media { kind, file_name, size_bytes: Some(size), caption, .. }) if size > largest_bytes => {
            let (size, largest) = (size.div_ceil(1024 * 1024), largest_bytes / (1024 * 1024));
            let file = words::described::file_of(kind.in_words(), file_name, words::described::megabytes(size));
            Content::Unknown { kind: words::described::too_large(file, largest).say(language), caption }
        }
        Content::Text(_)
        | Content::Media(_)
        | Content::Location { .. }
        | Content::Contact { .. }
        | Content::Unknown { .. } => content,
    }
}

/// The largest size of a photo. Their order is not documented.
fn photo(sizes: Vec<File>, caption: Option<String>) -> Option<Content> {
    let pixels = |size: &File| u64::from(size.width.unwrap_or_default()) * u64::from(size.height.unwrap_or_default());
    let largest = sizes.into_iter().filter(|size| size.file_id.is_some()).max_by_key(pixels)?;
    let jpeg = File { file_name: Some("photo.jpg".to_owned()), mime_type: Some("image/jpeg".to_owned()), ..largest };
    media(MediaKind::Picture, jpeg, "", caption)
}

fn file(kind: &str, file: File, caption: Option<String>) -> Option<Content> {
    match kind {
        "video" => media(MediaKind::Video, file, "video.mp4", caption),
        "animation" => media(MediaKind::Video, file, "animation.mp4", caption),
        "video_note" => {
            let note = File { mime_type: Some("video/mp4".to_owned()), ..file };
            media(MediaKind::Video, note, "video-message.mp4", caption)
        }
        "voice" => media(MediaKind::Voice, file, "voice.ogg", caption),
        "audio" => media(MediaKind::Audio, audio(file), "audio.mp3", caption),
        "sticker" => sticker(file),
        "document" => {
            let default_name = file_name::of_type(file.mime_type.as_deref());
            media(MediaKind::File, file, &default_name, caption)
        }
        _ => None,
    }
}

/// Music is named by its artist and title, which are clearer than its file name.
fn audio(file: File) -> File {
    let words = [&file.performer, &file.title].into_iter().flatten().map(|word| word.trim());
    let named = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" - ");
    if named.is_empty() {
        return file;
    }
    let ending = file.file_name.as_deref().and_then(file_name::extension).unwrap_or("mp3");
    File { file_name: Some(format!("{named}.{ending}")), ..file }
}

/// Animated stickers are sent as their still image, because Kommo cannot show their formats.
fn sticker(file: File) -> Option<Content> {
    let is_moving = file.is_animated == Some(true) || file.is_video == Some(true);
    let emoji = file.emoji.clone();
    let image = if is_moving { *file.thumbnail? } else { File { mime_type: Some("image/webp".to_owned()), ..file } };
    media(MediaKind::Sticker, image, "sticker.webp", emoji)
}

fn media(kind: MediaKind, file: File, default_name: &str, caption: Option<String>) -> Option<Content> {
    let own_name = file.file_name.as_deref().map(file_name::clean).filter(|name| is_visible(name));
    Some(Content::Media(Media {
        kind,
        file_id: file.file_id.filter(|id| !id.is_empty())?,
        file_name: own_name.unwrap_or_else(|| default_name.to_owned()),
        mime_type: file.mime_type,
        size_bytes: file.file_size,
        duration_seconds: file.duration,
        caption,
    }))
}

fn location(place: &Location, caption: Option<String>) -> Option<Content> {
    Some(Content::Location { latitude: place.latitude?, longitude: place.longitude?, caption })
}

fn venue(venue: Venue) -> Option<Content> {
    let words = [venue.title, venue.address].into_iter().flatten().filter(|word| !word.is_empty());
    let caption = words.collect::<Vec<_>>().join(", ");
    location(&venue.location?, Some(caption).filter(|caption| !caption.is_empty()))
}

fn contact(card: Contact) -> Option<Content> {
    let number = card.phone_number.filter(|number| !number.is_empty())?;
    let name = people::full([card.first_name, card.last_name]).unwrap_or_else(|| number.clone());
    let VcardContacts { phones, emails } = vcard::read(&card.vcard.unwrap_or_default());
    let others = phones.into_iter().filter(|other| !phone::is_same(other, &digits(&number), None));
    let more = others.chain(emails).collect::<Vec<_>>().join("\n");
    Some(Content::Contact { name, phone: number, caption: Some(more).filter(|more| !more.is_empty()) })
}
