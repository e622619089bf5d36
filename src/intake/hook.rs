//! Kommo's hooks: the public listener's one route for them.
//!
//! Kommo sends a hook once and never again, and expects 200 within 5 seconds. So a hook is verified, stored durably,
//! and only then answered; everything that takes longer happens behind the queue.

use std::{
    collections::BTreeSet,
    error::Error,
    io,
    iter::successors,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::{
    clock,
    domain::{
        address::SourceId,
        delivery::{Delivery, DeliveryReport, ErrorCode, Refusal},
        job::{Hook, IdempotencyKey, Job, Lane, Raw, Route},
        message::{Outbound, OutboundReaction, Recipient, Typing},
        time::UnixMillis,
    },
    intake::recipient::{self, Addressee},
    kommo::{
        region::PhoneRegion,
        sign::{Signer, Verified},
        time::KommoTime,
    },
    metrics::Metrics,
    store::{Chat, Intake, NewJob, StateChange, Store, StoreError},
    trace::{By, Hop, Trace},
    translate::{
        from_kommo::{self, Arrival},
        known_chat::KnownChat,
    },
    words::{Spoken, refusal},
};

mod broadcast;
mod outcome;
mod robots;
mod scope;

pub use broadcast::Broadcasts;
pub use outcome::{NAMES, Rejected, Taken};
pub use robots::Robots;
pub use scope::Scope;
use scope::scope_of;

/// The largest hook that is accepted. The text of a message has a few thousand characters.
pub const LIMIT_BYTES: usize = 1024 * 1024;
/// How long a sender may take to deliver the body; Kommo itself gives up after 5 seconds.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a sender's `User-Agent` is logged.
const AGENT_CHARS: usize = 100;

/// A message older than this may come from an import. Kommo sends a hook as soon as a message is written, but a message
/// that was imported in a manager's name may come back as a hook.
const OLD: Duration = Duration::from_hours(24);

/// Receives the hooks of one scope.
pub struct HookIntake {
    /// The scope that the hooks are for.
    pub scope: Scope,
    pub signer: Signer,
    pub store: Store,
    /// The sources that have a bot.
    pub sources: BTreeSet<SourceId>,
    /// The sources whose programs are quiet while a manager writes.
    pub quiet: BTreeSet<SourceId>,
    /// Recognises authors that are no managers.
    pub robots: Robots,
    /// The channel for typing; if it is full, typing is dropped, since it is worthless when late.
    pub typing: mpsc::Sender<Typing>,
    pub metrics: Arc<Metrics>,
    pub broadcasts: Broadcasts,
    /// Whether a hook for another scope has been logged.
    pub warned_elsewhere: AtomicBool,
    /// Kommo's clock.
    pub time: KommoTime,
    /// The country of phone numbers without a country code.
    pub phone_region: PhoneRegion,
    /// How long a hook is recognised when it is repeated.
    pub known_for: Duration,
    pub spoken: Spoken,
    pub trace: Trace,
}

impl HookIntake {
    /// Handles one request to `/kommo/{scope_id}`.
    pub async fn take(&self, request: Request<Body>) -> Result<Taken, Rejected> {
        let agent = agent(request.headers());
        let outcome = self.verify(request).await;
        let outcome = match outcome {
            Ok(verified) => self.keep(&verified).await,
            Err(rejected) => Err(rejected),
        };
        match outcome {
            Ok(taken) => {
                self.metrics.hook(taken.name());
                let is_of_message = matches!(taken, Taken::Stored | Taken::Known);
                if is_of_message && self.metrics.hook_came() {
                    tracing::info!("Kommo's hooks arrive again");
                }
            }
            Err(rejected) => {
                self.metrics.hook(rejected.name());
                if rejected == Rejected::StoreDown {
                    self.metrics.store_down(clock::now());
                }
                if rejected == Rejected::UnknownScope && !self.warned_elsewhere.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        ours = %self.scope,
                        "a hook came to another scope than ours, which `telekommo check` shows: are kommo.channel_id \
                         and kommo.account_id right? This is logged once"
                    );
                }
            }
        }
        let name = outcome.as_ref().map_or_else(|it| it.name(), |it| it.name());
        tracing::debug!(agent, outcome = name, "a request to the hooks' address");
        outcome
    }

    /// Whether a path is an address for hooks, of any scope.
    #[must_use]
    pub fn is_address(path: &str) -> bool {
        scope_of(path).is_some()
    }

    async fn verify(&self, request: Request<Body>) -> Result<Verified, Rejected> {
        let scope = scope_of(request.uri().path()).ok_or(Rejected::UnknownPath)?;
        if !self.scope.is_that_of(scope) {
            return Err(Rejected::UnknownScope);
        }
        let signature = request.headers().get("X-Signature").and_then(|value| value.to_str().ok()).map(str::to_owned);
        // The body is not read if it is unsigned, or too large by its headers.
        let signature = signature.ok_or(Rejected::Unsigned)?;
        if announced_bytes(request.headers()).is_some_and(|bytes| bytes > LIMIT_BYTES) {
            return Err(Rejected::TooLarge);
        }
        let body = timeout(BODY_TIMEOUT, read(request.into_body())).await.map_err(|_| Rejected::Unfinished)??;
        self.signer.verify(&body, Some(&signature)).map_err(|_| Rejected::Unsigned)
    }

    async fn keep(&self, hook: &Verified) -> Result<Taken, Rejected> {
        let raw = std::str::from_utf8(hook.bytes()).map_err(|_| Rejected::Malformed)?;
        let received = from_kommo::read(raw).map_err(|_| Rejected::Malformed)?;
        match received.arrival {
            Arrival::Message(message) if self.is_imported(&message) => {
                tracing::info!(message = %message.id, "an imported message came back as a hook: not sent");
                Ok(Taken::Ignored)
            }
            Arrival::Message(message) if self.has_crossed(&message)? => {
                tracing::info!(message = %message.id, "a repeated hook of a message that was delivered before");
                Ok(Taken::Known)
            }
            Arrival::Message(message) if self.is_too_old(message.written_at) => self.refuse(&message).await,
            Arrival::Message(message) => {
                let changes = received.known.map(chat_of).into_iter().collect();
                self.store(&message, raw, received.sender.as_deref(), changes).await
            }
            Arrival::Reaction(reaction) if self.is_too_old(received.sent_at) => {
                tracing::warn!(conversation = %reaction.conversation, "a hook has an old reaction: ignored");
                Ok(Taken::Ignored)
            }
            Arrival::Reaction(reaction) => self.react(&reaction, hook, raw).await,
            Arrival::Typing(typing) => Ok(self.pass(typing)),
            Arrival::Other(kind) => {
                tracing::info!(kind, "a hook of a kind that is not relayed");
                Ok(Taken::Ignored)
            }
        }
    }

    /// Whether a message was written long before its hook arrived, and may have been imported: then the customer has
    /// it.
    fn is_imported(&self, message: &Outbound) -> bool {
        // If the store cannot say, assume that there was an import: no customer should get a years-old message again.
        message.written_at.is_some_and(|at| at.until(self.time.confirmed(clock::now())) > OLD)
            && self.store.has_imports_by_managers().unwrap_or(true)
    }

    /// Whether a hook is so old that the store no longer recognises a repetition. A signature has no date, so an
    /// attacker who has intercepted a hook can send it again at any time. Both Kommo's clock and this machine's must
    /// agree that the message is old.
    fn is_too_old(&self, at: Option<UnixMillis>) -> bool {
        let now = self.time.now().map(|theirs| theirs.min(clock::now()));
        at.zip(now).is_some_and(|(at, now)| at.until(now) > self.known_for)
    }

    /// Informs a manager that a message is not sent, unless it was accepted before. The id of its hook ensures that
    /// this happens once.
    async fn refuse(&self, message: &Outbound) -> Result<Taken, Rejected> {
        let id = IdempotencyKey::hook(&message.id);
        let lane = self.lane(message).map_err(|error| not_stored(&error, Some(&id)))?.reports();
        tracing::warn!(message = %message.id, "a hook has an old message: not sent, and reported to its manager");
        let delivery =
            Delivery::Failed(Refusal::new(ErrorCode::Other, refusal::told_late()).in_language(self.spoken.now()));
        let job = Job::from(DeliveryReport { message: message.id.clone(), delivery });
        self.push(NewJob { id: Some(id), lane, job }, Vec::new(), false).await
    }

    /// Whether a message was delivered before: its link is kept for longer than the id of its hook.
    fn has_crossed(&self, message: &Outbound) -> Result<bool, Rejected> {
        let crossed = self.store.telegram_messages(&message.id).map(|ours| !ours.is_empty());
        crossed.map_err(|error| not_stored(&error, Some(&IdempotencyKey::hook(&message.id))))
    }

    async fn store(
        &self,
        message: &Outbound,
        raw: &str,
        sender: Option<&str>,
        mut changes: Vec<StateChange>,
    ) -> Result<Taken, Rejected> {
        let lane = self.lane(message).map_err(|error| not_stored(&error, Some(&IdempotencyKey::hook(&message.id))))?;
        let job = Job::from(Hook { raw: raw.to_owned() });
        let is_bulk = sender.is_some_and(|sender| self.broadcasts.is_bulk(sender, &lane.thread, Instant::now()));
        let source = if let Route::Outbound(source) = &lane.route { Some(source.clone()) } else { None };
        if source.as_ref().is_some_and(|source| self.quiet.contains(source))
            && !is_bulk
            && !self.robots.wrote(message, sender)
        {
            let conversation = lane.thread.parse().ok();
            changes.extend(conversation.map(|conversation| StateChange::Attended { conversation }));
        }
        let taken =
            self.push(NewJob { id: Some(IdempotencyKey::hook(&message.id)), lane, job }, changes, is_bulk).await;
        if taken == Ok(Taken::Stored) {
            let kind = message.file.as_ref().map_or(message.content.kind(), |file| file.kind.name());
            self.metrics.manager_wrote(source.as_ref(), kind);
        }
        taken
    }

    /// Stores a reaction. It waits behind the message that it may be about.
    async fn react(&self, reaction: &OutboundReaction, hook: &Verified, raw: &str) -> Result<Taken, Rejected> {
        if !self.sources.contains(&reaction.conversation.source) {
            tracing::debug!(conversation = %reaction.conversation, "a reaction in a conversation without a bot");
            return Ok(Taken::Ignored);
        }
        let lane = Lane::outbound(&reaction.conversation);
        let job = Job::Raw(Raw::Reaction(Hook { raw: raw.to_owned() }));
        self.push(NewJob { id: Some(IdempotencyKey::reaction(&hook.digest())), lane, job }, Vec::new(), false).await
    }

    async fn push(&self, job: NewJob, changes: Vec<StateChange>, is_bulk: bool) -> Result<Taken, Rejected> {
        let id = job.id.clone();
        let hop = self.trace.is_on().then(|| hop(&job));
        let pushed = self.store.push_as(Intake { jobs: vec![job], offset: None }, changes, is_bulk, clock::now()).await;
        let pushed = pushed.map_err(|error| not_stored(&error, id.as_ref()))?;
        tracing::debug!(id = id.as_ref().map(|id| id.0.as_str()), known = pushed.known, "hook stored");
        if let (Some(hop), Some(Some(number))) = (hop, pushed.numbers.first()) {
            self.trace.record(|| Hop { job: Some(*number), ..hop });
        }
        Ok(if pushed.taken > 0 { Taken::Stored } else { Taken::Known })
    }

    fn lane(&self, message: &Outbound) -> Result<Lane, StoreError> {
        let to = recipient::find(&self.store, &self.sources, message, &self.phone_region, clock::now())?;
        if let Addressee::Known(to) = &to
            && self.sources.contains(&to.source)
        {
            return Ok(Lane::outbound(to));
        }
        Ok(match &message.to {
            Recipient::Known(conversation) => Lane::stray(&conversation.to_string()),
            Recipient::Foreign(thread) => Lane::stray(thread),
            Recipient::UnknownRecipient(stranger) => {
                Lane::stray(stranger.opening.as_ref().map_or("nobody", |opening| &opening.chat.0))
            }
        })
    }

    fn pass(&self, typing: Typing) -> Taken {
        if self.typing.try_send(typing).is_ok() { Taken::Passed } else { Taken::Ignored }
    }
}

fn not_stored(error: &StoreError, id: Option<&IdempotencyKey>) -> Rejected {
    let id = id.map(|id| id.0.as_str());
    tracing::error!(%error, id, "a hook could not be stored, and Kommo does not send it again");
    Rejected::StoreDown
}

/// The hop of a received hook.
fn hop(job: &NewJob) -> Hop {
    let message = job.id.as_ref().and_then(IdempotencyKey::hook_message);
    Hop {
        at: clock::now(),
        by: Some(By::Hook),
        route: job.lane.route.to_string(),
        conversation: job.lane.conversation(),
        kind: job.job.traits().name.to_owned(),
        messages: message.map(|id| id.to_string()).into_iter().collect(),
        ..Hop::default()
    }
}

/// The chat that a hook names.
fn chat_of(known: KnownChat) -> StateChange {
    let KnownChat { conversation, chat, user } = known;
    StateChange::Chat { conversation, chat: Chat { chat, user } }
}

/// The sender's `User-Agent`. A sender can forge it, so nothing depends on it.
fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    agent.chars().take(AGENT_CHARS).collect()
}

/// The `Content-Length` of the body, if it has one.
fn announced_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether reading a body failed because its chunks are not encoded as HTTP requires, or their headers are too large.
fn is_garbled(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
}

async fn read(body: Body) -> Result<Bytes, Rejected> {
    match Limited::new(body, LIMIT_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Rejected::TooLarge),
        Err(error) if is_garbled(&*error) => Err(Rejected::Garbled),
        Err(_) => Err(Rejected::Unfinished),
    }
}
