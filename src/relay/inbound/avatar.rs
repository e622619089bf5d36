//! The customer's picture, asked for once a day and told with every message.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    clock,
    domain::{
        avatar::{Avatar, Look, Picture},
        message::{Inbound, Media, MediaKind},
    },
    relay::context::Context,
    store::StoreError,
};

/// How long a message may wait for the picture of whom it is from.
const WITHIN: Duration = Duration::from_secs(3);

/// A link to the picture of the customer, if there is one. The same picture has the same link.
///
/// What is known is older than the message where Telegram does not answer; that never keeps a message from going.
pub(super) async fn link(context: &Context, inbound: &Inbound) -> Result<Option<String>, StoreError> {
    let (bot, customer) = (inbound.id.bot, &inbound.customer);
    let (known, now) = (context.store.avatar(bot, customer.id)?, clock::now());
    let avatar = match known {
        Some(known) if known.holds(customer, now, context.links.valid_for) => known,
        known => {
            let Some(look) = look(context, inbound).await else { return Ok(None) };
            let avatar = Avatar::after(known, look, customer, now, context.links.valid_for);
            context.store.remember_avatar(bot, customer.id, &avatar).await?;
            avatar
        }
    };
    let links = context.links.made_at(avatar.linked_at);
    Ok(avatar.picture.map(|picture| links.to(&inbound.conversation.source, &media(picture))))
}

/// What Telegram says; `None` if the bot is not ours any more.
async fn look(context: &Context, inbound: &Inbound) -> Option<Look> {
    let bot = context.bots.get(&inbound.conversation.source).filter(|bot| bot.id() == inbound.id.bot)?;
    let look = timeout(WITHIN, bot.look_at(inbound.customer.id)).await.unwrap_or(Look::Unanswered);
    if look == Look::Unanswered {
        tracing::debug!(conversation = %inbound.conversation, "the customer's picture cannot be looked up");
    }
    Some(look)
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
