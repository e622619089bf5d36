//! Files that a link can lead to without a customer: pictures of profiles.

use std::{collections::BTreeMap, time::Duration};

use reqwest::Url;

use crate::{
    clock,
    domain::{
        address::{ContactId, SourceId, UserId},
        avatar::PictureLookup,
        message::{Media, MediaKind},
    },
    media::link::{LinkKey, Links},
    telegram::bot::Bot,
};

/// How long the link is good.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// A link to the picture of the first bot that has one, and that bot's source.
pub(super) async fn link(
    bots: &BTreeMap<SourceId, Bot>,
    key: &LinkKey,
    public_url: &Url,
) -> Option<(SourceId, String)> {
    let links = Links { key: key.clone(), public_url: public_url.clone(), valid_for: GOOD_FOR };
    for (source, bot) in bots {
        if let Some(picture) = of_bot(bot, "telekommo-check.jpg").await {
            return Some((source.clone(), links.made_at(clock::now()).to(source, &picture)));
        }
    }
    None
}

/// The picture that a bot has of itself, as a file with this name.
pub(in crate::cli::check) async fn of_bot(bot: &Bot, name: &str) -> Option<Media> {
    picture(bot, UserId(i64::try_from(bot.id().0).ok()?), name).await
}

/// The picture of somebody, as a file with this name.
pub(in crate::cli::check) async fn picture(bot: &Bot, of: UserId, name: &str) -> Option<Media> {
    let PictureLookup::Found(picture) = bot.look_at(ContactId::Person(of)).await else { return None };
    Some(Media {
        kind: MediaKind::Picture,
        file_id: picture.file_id,
        file_name: name.to_owned(),
        mime_type: None,
        size_bytes: picture.size_bytes,
        duration_seconds: None,
        caption: None,
    })
}
