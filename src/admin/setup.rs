//! Sets up Kommo at a start: connects the channel, checks that the token is valid and for this account, and
//! synchronises the sources. Afterwards it reports what changes. None of it delays or stops a message.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{channel, identity, sources},
    clock,
    config::{AccountId, Config, Kommo},
    domain::{
        amount::counted,
        retry::{Failure, Schedule},
    },
    kommo::{
        account::{
            Account, RestError,
            token::{Claims, Lifetime},
        },
        chats::Chats,
        wire::account::NewSource,
    },
    metrics::{Cause, Metrics},
    store::Store,
    words::Spoken,
};

mod patience;

use patience::Patience;

/// Delay of the first probe of the channel, if the start does not connect it.
const FIRST_PROBE_AFTER: Duration = Duration::from_secs(20);

pub struct Setup {
    chats: Chats,
    account: Option<Account>,
    claims: Option<Claims>,
    kommo: Kommo,
    served: AccountId,
    store: Store,
    spoken: Spoken,
    sources: Vec<NewSource>,
    schedule: Schedule,
    /// How often to check that everything is still as it was set up.
    ask_every: Duration,
    /// How long before its end the token counts as trouble.
    expires_within: Duration,
    metrics: Arc<Metrics>,
}

impl Setup {
    /// Sets up what `config` asks for, in the account `served`. The account's facts go to the store and its language to
    /// `spoken`.
    #[must_use]
    pub fn new(
        config: &Config,
        served: AccountId,
        (chats, account): (Chats, Option<Account>),
        (store, spoken): (Store, Spoken),
    ) -> Self {
        Self {
            chats,
            account,
            claims: config.kommo.access_token.as_ref().and_then(|token| Claims::read(token.expose())),
            kommo: config.kommo.clone(),
            served,
            store,
            spoken,
            sources: sources::configured(config),
            schedule: config.retry.kommo.clone(),
            ask_every: config.alerts.ask_every,
            expires_within: config.alerts.expires_within,
            metrics: Arc::default(),
        }
    }

    /// Reports problems to `metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Works until everything is done, and then waits for `stop`.
    ///
    /// # Errors
    /// Never: what fails is logged and tried again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let channel = async {
            self.connect().await;
            self.watch_channel().await;
        };
        let work = async { tokio::join!(channel, self.set_up_account(), self.watch_token()) };
        stop.run_until_cancelled(work).await;
        stop.cancelled().await;
        Ok(())
    }

    async fn connect(&self) {
        if !self.kommo.connect_on_start {
            return self.await_channel().await;
        }
        let mut patience = Patience::new("the channel is not connected", &self.schedule);
        let default_title = channel::default_title(self.sources.iter().map(|source| source.name.as_str()));
        let connected = loop {
            let (title, has_window) = (self.kommo.channel_title.as_deref(), self.kommo.time_window);
            match self.chats.connect(title, default_title, has_window).await {
                Ok(connected) => break connected,
                Err(error) => {
                    let why = channel::refusal(&error);
                    let failure = Failure::from(error);
                    self.report(format!("the channel is not connected to the account: {why}"), &failure);
                    patience.wait(why, failure).await;
                }
            }
        };
        self.metrics.unconnected(None);
        if let Some(other) = channel::other_scope(&connected, &self.kommo, &self.served) {
            tracing::error!("{other}");
            self.metrics.connected_elsewhere(other);
        } else {
            tracing::info!("the channel is connected to the account");
        }
    }

    /// If a start does not connect the channel, a message would be the first to find that it is not connected. So the
    /// channel is probed.
    async fn await_channel(&self) {
        sleep(FIRST_PROBE_AFTER).await;
        let mut patience = Patience::new("the channel does not answer", &self.schedule);
        loop {
            match self.chats.probe().await {
                Ok(()) => break,
                Err(error) => {
                    let why = channel::refusal(&error);
                    let failure = Failure::from(error);
                    self.report(format!("the channel does not answer: {why}"), &failure);
                    patience.wait(why, failure).await;
                }
            }
        }
        self.metrics.unconnected(None);
    }

    /// Reports why the channel is not connected, or why that is not known.
    fn report(&self, why: String, failure: &Failure) {
        if failure.may_pass() { self.metrics.unanswered(why) } else { self.metrics.unconnected(Some(why)) }
    }

    async fn set_up_account(&self) {
        let Some(account) = &self.account else {
            self.metrics.note(Cause::Sources, None);
            if self.kommo.access_token.is_some() {
                tracing::warn!("kommo.access_token is useless without kommo.account_url: set both");
            }
            return;
        };
        let mut patience = Patience::new("the account cannot be asked", &self.schedule);
        let info = loop {
            match account.verify().await {
                Ok(info) => break info,
                Err(RestError::Foreign(mismatch)) => {
                    let why = format!("{mismatch}; messages are still sent, but the account is not used");
                    tracing::error!("{why}");
                    self.metrics.note(Cause::Sources, Some(why));
                    return;
                }
                Err(error) => patience.wait_after(error).await,
            }
        };
        let account_id = (&self.kommo, &self.served);
        if let Err(error) = identity::learn_facts(account_id, &info, &self.store, &self.spoken).await {
            tracing::error!(%error, "the account's language and country cannot be stored");
        }
        let mut patience = Patience::new("the sources cannot be synchronised", &self.schedule);
        let synced = loop {
            match sources::sync(account, &self.sources).await {
                Ok(synced) => break synced,
                Err(error) => {
                    self.note_refusal(&error);
                    patience.wait_after(error).await;
                }
            }
        };
        for (source, error) in &synced.refused {
            tracing::error!(source, %error, "Kommo refuses a source: its leads go to the default source");
        }
        for source in &synced.strangers {
            tracing::info!(source, "Kommo has a source that is not in the configuration; it is left as it is");
        }
        if synced.are_too_many() {
            tracing::warn!("there are more than 50 sources: Kommo may not show all of them");
        }
        let (created, changed) = (synced.created.len(), synced.changed.len());
        tracing::info!(created, changed, kept = synced.kept, "the sources are in sync");
        self.watch_sources(account).await;
    }

    /// Probes the channel from time to time: without messages nobody would notice that it is disconnected.
    async fn watch_channel(&self) {
        let chats = self.chats.hasty();
        loop {
            sleep(self.ask_every).await;
            match chats.probe().await {
                Ok(()) => {
                    self.metrics.unconnected(None);
                    self.metrics.note(Cause::Disconnected, None);
                }
                Err(error) => {
                    let why = channel::refusal(&error);
                    self.report(format!("{LOST}: {why}"), &error.into());
                }
            }
        }
    }

    /// Reports why the sources cannot be synchronised, if a person has to mend it.
    fn note_refusal(&self, error: &RestError) {
        if !Failure::from(error.clone()).may_pass() {
            self.metrics.note(Cause::Sources, Some(format!("the sources cannot be synchronised: {error}")));
        }
    }

    /// Reports sources that somebody has since deleted or changed in Kommo. It does not undo that: it may have been on
    /// purpose.
    async fn watch_sources(&self, account: &Account) {
        let mut reported = Vec::new();
        loop {
            sleep(self.ask_every).await;
            let behind = match account.sources().await {
                Ok(known) => sources::behind(&self.sources, &known),
                Err(error) => {
                    tracing::debug!(%error, "the sources could not be compared");
                    self.note_refusal(&error);
                    continue;
                }
            };
            let names = behind.join(", ");
            self.metrics.note(Cause::Sources, (!behind.is_empty()).then(|| format!("{names}: {BEHIND}")));
            if behind != reported {
                if behind.is_empty() {
                    tracing::info!("the sources in Kommo are as in the configuration again");
                } else {
                    tracing::warn!(sources = names, "sources in Kommo differ from the configuration: {BEHIND}");
                }
                reported = behind;
            }
        }
    }

    /// Warns before the token ends: at the start, and each time another warning becomes due.
    async fn watch_token(&self) {
        let Some(claims) = &self.claims else {
            // A reload may have removed it.
            self.metrics.note(Cause::Token, None);
            self.metrics.note(Cause::TokenEnded, None);
            return;
        };
        if let Some(at) = claims.ends_at() {
            self.metrics.token_ends(at);
        }
        let mut checks = interval(self.ask_every);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reported = None;
        loop {
            checks.tick().await;
            let lifetime = claims.lifetime(clock::now());
            let ending = lifetime.and_then(|lifetime| ending(lifetime, self.expires_within));
            let has_ended = lifetime == Some(Lifetime::Expired);
            self.metrics.note(Cause::Token, ending.clone().filter(|_| !has_ended));
            self.metrics.note(Cause::TokenEnded, ending.filter(|_| has_ended));
            let due = lifetime.and_then(Lifetime::warning);
            if due != reported {
                warn_of_expiry(lifetime);
                reported = due;
            }
        }
    }
}

/// The problem of a channel that was connected before.
const LOST: &str =
    "the channel does not answer as it did. If it was disconnected, `telekommo connect` connects it again";

/// The advice about sources that differ.
const BEHIND: &str =
    "leads of a missing source go to the default one. `telekommo sources sync` corrects this, and so does a restart";

/// The problem of a token that ends within that time.
fn ending(lifetime: Lifetime, within: Duration) -> Option<String> {
    let when = match lifetime {
        Lifetime::Expired => "has expired".to_owned(),
        Lifetime::Days(days) => {
            let days = usize::try_from(days).ok()?;
            let is_soon = days as u64 <= within.as_secs() / (24 * 60 * 60);
            is_soon.then(|| format!("ends in {}", counted(days, "day")))?
        }
    };
    Some(format!(
        "kommo.access_token {when}: make a new one in the integration's tab \"Keys and scopes\". Messages are still \
         sent"
    ))
}

/// Logs that the token ends soon, or has ended.
fn warn_of_expiry(lifetime: Option<Lifetime>) {
    match lifetime {
        Some(Lifetime::Expired) => tracing::error!(
            "kommo.access_token has expired: make a new one in the integration's tab \"Keys and scopes\"; messages are \
             still sent"
        ),
        Some(Lifetime::Days(days)) => {
            tracing::warn!(
                days,
                "kommo.access_token expires soon: make a new one in the integration's tab \"Keys and scopes\""
            );
        }
        None => {}
    }
}
