//! The remotes: how each is probed, and where a broken connection is reported.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    app::services::PreviousServices,
    breaker::{Breaker, Remote},
    domain::{address::SourceId, job::Route, retry::Failure},
    kommo::{account::Account, chats::Chats},
    metrics::Metrics,
    telegram::bot::Bot,
};

/// One remote for Kommo, one for its account, and one per bot.
pub(super) struct Remotes {
    kommo: Remote,
    account: Option<Remote>,
    bots: BTreeMap<SourceId, Remote>,
}

impl Remotes {
    /// The remotes of a bridge, probed at least every `slowest`. Those that a changed configuration does not affect are
    /// kept with their state.
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
    let (chats, reporting) = (chats.hasty(), Arc::clone(metrics));
    let probe = move || {
        let chats = chats.clone();
        async move { chats.probe().await.map_err(Failure::from) }
    };
    Remote::new("kommo", (slowest, true), probe, move |failure| report_kommo(&reporting, failure))
}

fn to_account(account: &Account, metrics: &Arc<Metrics>, slowest: Duration) -> Remote {
    let (account, reporting) = (account.hasty(), Arc::clone(metrics));
    let probe = move || {
        let account = account.clone();
        async move { account.verify().await.map(drop).map_err(Failure::from) }
    };
    Remote::new("account", (slowest, true), probe, move |failure| report(&reporting, &Route::Crm, failure))
}

fn to_bot(source: &SourceId, bot: &Bot, metrics: &Arc<Metrics>, slowest: Duration) -> Remote {
    let (bot, reporting, route) = (bot.clone(), Arc::clone(metrics), Route::Outbound(source.clone()));
    let doubted = bot.clone();
    let probe = move || {
        let bot = bot.clone();
        async move { bot.probe().await }
    };
    let report = move |failure: Option<&Failure>| {
        report(&reporting, &route, failure);
        // Its poller uses the same connection.
        doubted.doubt();
    };
    Remote::new(format!("bot {source}"), (slowest, false), probe, report)
}

fn report(metrics: &Metrics, route: &Route, failure: Option<&Failure>) {
    metrics.paused(route, failure.map(|failure| failure.why().into_owned()));
}

/// A failure that a person has to mend pauses the routes; that Kommo is down is reported for Kommo itself.
fn report_kommo(metrics: &Metrics, failure: Option<&Failure>) {
    let (needs_person, outage) = failure.map_or((None, None), |failure| {
        let why = Some(failure.why().into_owned());
        if failure.may_pass() { (None, why) } else { (why, None) }
    });
    for route in [Route::Inbound, Route::Status] {
        metrics.paused(&route, needs_person.clone());
    }
    metrics.between(outage);
}
