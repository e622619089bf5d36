//! How each remote is probed, and where a broken connection to it shows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    breaker::{Breaker, Remote},
    domain::{address::SourceId, job::Route, retry::Failure},
    kommo::{account::Account, chats::Chats},
    metrics::Metrics,
    telegram::bot::Bot,
};

/// One for Kommo, one for its account, and one for each bot.
pub(super) struct Remotes {
    pub(super) kommo: Remote,
    account: Option<Remote>,
    bots: BTreeMap<SourceId, Remote>,
}

impl Remotes {
    /// The remotes of a bridge. No two probes of one are further apart than `slowest`.
    pub(super) fn new(
        chats: &Chats,
        account: Option<&Account>,
        bots: &BTreeMap<SourceId, Bot>,
        metrics: &Arc<Metrics>,
        slowest: Duration,
    ) -> Self {
        let (chats, told) = (chats.hasty(), Arc::clone(metrics));
        let probe = move || {
            let chats = chats.clone();
            async move { chats.probe().await.map_err(Failure::from) }
        };
        let kommo = Remote::new("kommo", (slowest, true), probe, move |failure| tell_of_kommo(&told, failure));
        let account = account.map(|account| {
            let (account, told) = (account.hasty(), Arc::clone(metrics));
            let probe = move || {
                let account = account.clone();
                async move { account.verify().await.map(drop).map_err(Failure::from) }
            };
            Remote::new("account", (slowest, true), probe, move |failure| tell(&told, &Route::Crm, failure))
        });
        let bot = |(source, bot): (&SourceId, &Bot)| {
            let (bot, told, route) = (bot.clone(), Arc::clone(metrics), Route::Outbound(source.clone()));
            let doubted = bot.clone();
            let probe = move || {
                let bot = bot.clone();
                async move { bot.probe().await }
            };
            let tell = move |failure: Option<&Failure>| {
                tell(&told, &route, failure);
                // Its poller goes the same way.
                doubted.doubt();
            };
            (source.clone(), Remote::new(format!("bot {source}"), (slowest, false), probe, tell))
        };
        Self { kommo, account, bots: bots.iter().map(bot).collect() }
    }

    /// The breaker of a route.
    pub(super) fn breaker(&self, route: &Route) -> Breaker {
        Breaker::new(match route {
            Route::Inbound | Route::Status => Some(self.kommo.clone()),
            Route::Crm => self.account.clone(),
            Route::Outbound(source) => self.bots.get(source).cloned(),
            Route::Undeliverable => None,
        })
    }

    pub(super) fn into_all(self) -> impl Iterator<Item = Remote> {
        std::iter::once(self.kommo).chain(self.account).chain(self.bots.into_values())
    }
}

fn tell(metrics: &Metrics, route: &Route, failure: Option<&Failure>) {
    metrics.paused(route, failure.map(|failure| failure.why().into_owned()));
}

/// What a person has to mend pauses the route; that Kommo is down is shown for Kommo itself.
fn tell_of_kommo(metrics: &Metrics, failure: Option<&Failure>) {
    let (asks, away) = failure.map_or((None, None), |failure| {
        let why = Some(failure.why().into_owned());
        if failure.may_pass() { (None, why) } else { (why, None) }
    });
    for route in [Route::Inbound, Route::Status] {
        metrics.paused(&route, asks.clone());
    }
    metrics.between(away);
}
