//! Locations and contacts.

use crate::{
    domain::message::Content,
    kommo::wire::{HookCard, HookLocation},
};

/// A location or a contact, if there is a valid one. Kommo may fill in blank ones, so a message with another type has
/// none.
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
    let non_blank = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let phone = non_blank(card.phone)?;
    Some(Content::Contact { name: non_blank(card.name).unwrap_or_else(|| phone.clone()), phone, caption })
}

/// Whether messages of this type need a file. Their text is its caption.
pub(super) fn is_file(kind: &str) -> bool {
    ["picture", "video", "voice", "audio", "sticker", "file"].contains(&kind)
}
