//! Albums: messages that belong together.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        attachments::FileKind,
        business,
        media::{Item, Source},
        methods::{Answer, Refusal},
        replies, sending, texts, topics,
        world::World,
    },
};

/// The most messages in an album.
const LARGEST: usize = 10;

#[derive(Deserialize)]
struct InputMedia {
    #[serde(rename = "type")]
    kind: String,
    media: Option<String>,
    caption: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    duration: u32,
    title: Option<String>,
    performer: Option<String>,
}

/// A name for a new album.
pub(super) fn new_id() -> String {
    fastrand::u64(10_000_000_000_000_000..99_999_999_999_999_999).to_string()
}

/// `sendMediaGroup`. Reply markup is ignored, as by the server.
pub(super) fn send(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    sending::plain(arguments)?;
    let media = input(arguments)?;
    let items: Result<Vec<(Item<'_>, String)>, Refusal> = media.iter().map(|it| item(arguments, it)).collect();
    let items = items?;
    check(&items)?;
    let mut spot = business::reach(world, token, arguments, now)?;
    let reply_to = replies::answered(arguments, spot.chat)?;
    let topic = topics::chosen(arguments, spot.chat, reply_to)?;
    let files: Result<Vec<_>, Refusal> = items.iter().map(|(item, _)| item.keep(&mut spot)).collect();
    let media_group_id = Some(new_id());
    spot.chat.action = None;
    let messages = files?.into_iter().zip(items).map(|(file, (_, text))| {
        let message = ChatMessage {
            text,
            file: Some(file),
            media_group_id: media_group_id.clone(),
            reply_to,
            topic,
            ..ChatMessage::default()
        };
        let message = spot.bots(message, now);
        spot.add(message)
    });
    Ok(Value::Array(messages.collect()))
}

/// Reads `media`.
fn input(arguments: &Arguments) -> Result<Vec<InputMedia>, Refusal> {
    let unreadable = |_| Refusal::new(400, "Bad Request: can't parse media JSON object");
    let value: Value = serde_json::from_str(arguments.text("media").unwrap_or_default()).map_err(unreadable)?;
    let list = value.as_array().ok_or(Refusal::new(400, "Bad Request: expected an Array of InputMedia"))?;
    if list.iter().any(|it| {
        ["parse_mode", "caption_entities", "has_spoiler", "show_caption_above_media", "thumbnail"]
            .iter()
            .any(|name| it.get(name).is_some())
    }) {
        return Err(Refusal::new(400, "Bad Request: the sandbox shows plain text only"));
    }
    let read = |it: &Value| serde_json::from_str(&it.to_string());
    list.iter().map(|it| read(it).map_err(|why| Refusal::bad(&format!("can't parse InputMedia: {why}")))).collect()
}

fn item<'a>(arguments: &'a Arguments, media: &'a InputMedia) -> Result<(Item<'a>, String), Refusal> {
    let bad = |why: &str| Refusal::bad(&format!("can't parse InputMedia: {why}"));
    let kind = match media.kind.as_str() {
        "photo" => FileKind::Photo,
        "video" => FileKind::Video,
        "audio" => FileKind::Audio,
        "document" => FileKind::Document,
        "animation" => return Err(bad("type \"animation\" can't be used in sendMediaGroup")),
        other => return Err(bad(&format!("type \"{other}\" is unsupported"))),
    };
    let value = media.media.as_deref().filter(|value| !value.is_empty());
    let source = Source::of(arguments, "", value).ok_or_else(|| bad("media not found"))?;
    let fields = json!({ "width": media.width, "height": media.height, "duration": media.duration,
        "title": media.title, "performer": media.performer });
    // In albums documents stay what they are (server source).
    Ok((Item { source, kind, detects: false, fields }, texts::caption(media.caption.as_deref())?))
}

/// What may be in one album.
fn check(items: &[(Item<'_>, String)]) -> Result<(), Refusal> {
    match items.len() {
        0 => return Err(Refusal::new(400, "Bad Request: there are no messages to send")),
        // The server takes one, though the documentation says that it does not.
        1 => return Err(Refusal::new(400, "Bad Request: the sandbox takes albums of 2 to 10, as documented")),
        count if count > LARGEST => {
            return Err(Refusal::new(400, "Bad Request: too many messages to send as an album"));
        }
        _ => {}
    }
    let kinds: BTreeSet<&str> = items.iter().map(|(item, _)| item.kind.field()).collect();
    let alone = kinds.iter().find(|kind| matches!(**kind, "audio" | "document")).filter(|_| kinds.len() > 1);
    alone.map_or(Ok(()), |kind| Err(Refusal::bad(&format!("{kind} can't be mixed with other media types"))))
}
