//! What is neither a text nor a file: places and people.

use crate::{
    domain::message::Content,
    kommo::wire::{HookCard, HookLocation},
};

/// A place or somebody's card, if there is one that can be shown. Both may be filled in with nothing: a message that
/// says what it is is nothing else.
pub(super) fn of(
    kind: Option<&str>,
    place: Option<&HookLocation>,
    card: Option<HookCard>,
    caption: Option<&String>,
) -> Option<Content> {
    let caption = caption.cloned();
    let is_a = |name: &str| kind.is_none_or(|kind| kind == name);
    if let Some(HookLocation { lon: Some(longitude), lat: Some(latitude) }) = place
        && is_a("location")
        && latitude.abs() <= 90.0
        && longitude.abs() <= 180.0
    {
        return Some(Content::Location { latitude: *latitude, longitude: *longitude, caption });
    }
    let card = card.filter(|_| is_a("contact"))?;
    let said = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let phone = said(card.phone)?;
    Some(Content::Contact { name: said(card.name).unwrap_or_else(|| phone.clone()), phone, caption })
}

/// Whether a message of this type is nothing without its file: its text is a caption.
pub(super) fn is_file(kind: &str) -> bool {
    ["picture", "video", "voice", "audio", "sticker", "file"].contains(&kind)
}
