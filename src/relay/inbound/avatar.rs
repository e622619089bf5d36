//! The customer's picture, which is looked up once a day and sent with every message.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    clock,
    domain::{
        avatar::{Avatar, Picture, PictureLookup},
        message::{Inbound, Media, MediaKind},
    },
    relay::context::Context,
    store::StoreError,
};

/// How long a message may wait for the picture of its author.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A link to the picture of the customer, if there is one. The same picture has the same link.
///
/// If Telegram does not answer, the stored picture is used; that never blocks a message.
pub(super) async fn link(context: &Context, inbound: &Inbound) -> Result<Option<String>, StoreError> {
    let (bot, customer) = (inbound.id.bot, &inbound.customer);
    let (known, now) = (context.store.avatar(bot, customer.id)?, clock::now());
    let avatar = match known {
        Some(known) if known.is_current(customer, now, context.links.valid_for) => known,
        known => {
            let Some(lookup) = lookup(context, inbound).await else { return Ok(None) };
            let avatar = Avatar::after(known, lookup, customer, now, context.links.valid_for);
            context.store.remember_avatar(bot, customer.id, &avatar).await?;
            avatar
        }
    };
    let links = context.links.made_at(avatar.linked_at);
    Ok(avatar.picture.map(|picture| links.to(&inbound.conversation.source, &media(picture))))
}

/// Asks Telegram for the picture; `None` if the source has another bot now.
async fn lookup(context: &Context, inbound: &Inbound) -> Option<PictureLookup> {
    let bot = context.bots.get(&inbound.conversation.source).filter(|bot| bot.id() == inbound.id.bot)?;
    let lookup = timeout(TIMEOUT, bot.look_at(inbound.customer.id)).await.unwrap_or(PictureLookup::Unanswered);
    if lookup == PictureLookup::Unanswered {
        tracing::debug!(conversation = %inbound.conversation, "the customer's picture could not be looked up");
    }
    Some(lookup)
}

fn media(picture: Picture) -> Media {
    Media {
        kind: MediaKind::Picture,
        file_id: picture.file_id,
        file_name: "avatar.jpg".to_owned(),
        mime_type: Some("image/jpeg".to_owned()),
        size_bytes: picture.size_bytes,
        duration_seconds: None,
        caption: None,
    }
}
