//! The targets of alerts.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{
    alerts::alert_message::AlertMessage,
    config::{AlertBot, AlertTarget},
    domain::address::SourceId,
    net::Egress,
    telegram::{access::Access, bot::Bot},
};

mod chat;
mod mail;
mod web;

pub(super) use web::{call, client};

/// A target of alerts.
pub trait Target: Send + Sync {
    /// Sends a message. It takes a limited time.
    ///
    /// # Errors
    /// Why it failed, for the operator, without a secret.
    fn send<'a>(&'a self, alert: &'a AlertMessage) -> BoxFuture<'a, Result<(), String>>;
}

/// The targets by their names.
pub type Targets = BTreeMap<String, Arc<dyn Target>>;

/// The clients that targets need.
pub struct AlertClients<'a> {
    /// The bots of the sources.
    pub bots: &'a BTreeMap<SourceId, Bot>,
    /// The connection settings of a bot that is for alerts alone.
    pub access: &'a Access,
}

/// The targets of a configuration.
pub fn targets(configured: &BTreeMap<String, AlertTarget>, clients: &AlertClients<'_>) -> anyhow::Result<Targets> {
    let target = |(name, target): (&String, &AlertTarget)| {
        let target: Arc<dyn Target> = match target {
            AlertTarget::Telegram { chat, bot } => Arc::new(chat::Chat { bot: writer(bot, clients)?, chat: *chat }),
            AlertTarget::Webhook(web) => Arc::new(web::Web::new(&Egress::default(), web, web::Form::Json)?),
            AlertTarget::Ntfy(web) => Arc::new(web::Web::new(&Egress::default(), web, web::Form::Ntfy)?),
            AlertTarget::Email(mail) => Arc::new(mail::Mail::new(mail)?),
        };
        Ok((name.clone(), target))
    };
    configured.iter().map(target).collect()
}

fn writer(bot: &AlertBot, clients: &AlertClients<'_>) -> anyhow::Result<Bot> {
    match bot {
        AlertBot::Source(source) => {
            clients.bots.get(source).cloned().ok_or_else(|| anyhow::anyhow!("there is no source {source}"))
        }
        // It has no source, and is never polled.
        AlertBot::Own(token) => {
            let source = SourceId::parse("alerts")?;
            Ok(Bot::new(source, token.bot_id(), token.expose(), clients.access)?)
        }
    }
}
