//! How each remote is probed, and where a broken connection to it shows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    app::services::PreviousServices,
    breaker::{Breaker, Remote},
    domain::{address::SourceId, job::Route, retry::Failure},
    kommo::{account::Account, chats::Chats},
    metrics::Metrics,
    telegram::bot::Bot,
};

/// One for Kommo, one for its account, and one for each bot.
pub(super) struct Remotes {
    kommo: Remote,
    account: Option<Remote>,
    bots: BTreeMap<SourceId, Remote>,
}

impl Remotes {
    /// The remotes of a bridge. No two probes of one are further apart than `slowest`. What a changed configuration
    /// leaves as it is stays: whether it answers is known.
    pub(super) fn new(
        (chats, account, bots): (&Chats, Option<&Account>, &BTreeMap<SourceId, Bot>),
        metrics: &Arc<Metrics>,
        slowest: Duration,
        previous: Option<PreviousServices<'_>>,
    ) -> Self {
        let kept = previous.and_then(PreviousServices::way_to_kommo).map(|remotes| remotes.kommo.clone());
        let kommo = kept.unwrap_or_else(|| to_kommo(chats, metrics, slowest));
        let account = account.map(|account| {
            let kept = previous.and_then(PreviousServices::way_to_account).and_then(|remotes| remotes.account.clone());
            kept.unwrap_or_else(|| to_account(account, metrics, slowest))
        });
        let bot = |(source, bot): (&SourceId, &Bot)| {
            let remotes = previous.and_then(|previous| previous.way_of(source));
            let kept = remotes.and_then(|remotes| remotes.bots.get(source).cloned());
            (source.clone(), kept.unwrap_or_else(|| to_bot(source, bot, metrics, slowest)))
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

    pub(super) fn all(&self) -> Vec<Remote> {
        std::iter::once(&self.kommo).chain(&self.account).chain(self.bots.values()).cloned().collect()
    }
}

fn to_kommo(chats: &Chats, metrics: &Arc<Metrics>, slowest: Duration) -> Remote {
    let (chats, told) = (chats.hasty(), Arc::clone(metrics));
    let probe = move || {
        let chats = chats.clone();
        async move { chats.probe().await.map_err(Failure::from) }
    };
    Remote::new("kommo", (slowest, true), probe, move |failure| tell_of_kommo(&told, failure))
}

fn to_account(account: &Account, metrics: &Arc<Metrics>, slowest: Duration) -> Remote {
    let (account, told) = (account.hasty(), Arc::clone(metrics));
    let probe = move || {
        let account = account.clone();
        async move { account.verify().await.map(drop).map_err(Failure::from) }
    };
    Remote::new("account", (slowest, true), probe, move |failure| tell(&told, &Route::Crm, failure))
}

fn to_bot(source: &SourceId, bot: &Bot, metrics: &Arc<Metrics>, slowest: Duration) -> Remote {
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
    Remote::new(format!("bot {source}"), (slowest, false), probe, tell)
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
