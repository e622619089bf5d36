//! Kommo's hooks: the public listener's one route for them.
//!
//! Kommo sends a hook once and never again, and wants 200 within 5 seconds. So a hook is verified, stored durably, and
//! only then answered; everything that takes longer happens behind the queue.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header},
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
        message::{Outbound, OutboundReaction, Recipient, Typing},
        work::{DedupeId, Lane, Work},
    },
    kommo::{
        addressee::{self, Addressee},
        sign::{Signer, Verified},
    },
    meter::Meter,
    store::{Chat, Fact, Intake, NewJob, Store, StoreError},
    translate::{
        from_kommo::{self, Arrival},
        known_chat::{self, KnownChat},
    },
};

mod broadcast;

pub use broadcast::Broadcasts;

/// The largest hook that is taken. A message's text is a few thousand characters.
pub const LIMIT_BYTES: usize = 1024 * 1024;
/// How long a sender may take to deliver the body; Kommo itself gives up after 5 seconds.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What we tell the sender of a hook that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// 401.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// 404.
    #[error("no such channel here")]
    UnknownScope,
    /// 400: signed, but not a hook.
    #[error("the body is not JSON")]
    Malformed,
    /// 413.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// 408: the body did not arrive.
    #[error("the body did not arrive")]
    Unfinished,
    /// 503: it could not be kept, so it is not acknowledged.
    #[error("the message cannot be stored now")]
    StoreDown,
}

impl Rejected {
    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::UnknownScope => StatusCode::NOT_FOUND,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unfinished => StatusCode::REQUEST_TIMEOUT,
            Self::StoreDown => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A scanner that tries addresses is no news; anything that knows the scope is.
    fn log(self) {
        match self {
            Self::UnknownScope => tracing::debug!(reason = %self, "hook refused"),
            Self::Unsigned | Self::Malformed | Self::TooLarge | Self::Unfinished | Self::StoreDown => {
                tracing::warn!(reason = %self, "hook refused");
            }
        }
    }

    /// The name in metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::UnknownScope => "unknown_scope",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unfinished => "unfinished",
            Self::StoreDown => "store_down",
        }
    }
}

/// What was done with a hook that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// Stored durably.
    Stored,
    /// Already stored before.
    Known,
    /// Handed on without being stored: typing.
    Passed,
    /// Nothing to do.
    Ignored,
}

impl Taken {
    /// The name in metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Known => "known",
            Self::Passed => "passed",
            Self::Ignored => "ignored",
        }
    }
}

/// How old a message is at least that a hook cannot be news of. Kommo sends a hook once, as soon as something was written;
/// but what was imported in a manager's name may come back as one.
const OLD: Duration = Duration::from_hours(24);

/// Takes the hooks of one scope.
pub struct HookIntake {
    /// The scope that the hooks are for.
    pub scope_id: String,
    /// Verifies them.
    pub signer: Signer,
    /// Keeps them.
    pub store: Store,
    /// The sources that have a bot.
    pub sources: BTreeSet<SourceId>,
    /// Where typing goes; what does not fit is dropped, since it is worthless when late.
    pub typing: mpsc::Sender<Typing>,
    /// A file that is there if messages were imported in managers' names.
    pub imports: PathBuf,
    /// Counts them.
    pub meter: Arc<Meter>,
    /// Who writes to many at once.
    pub broadcasts: Broadcasts,
    /// Whether it was said that hooks come to another scope.
    pub said_elsewhere: AtomicBool,
}

impl HookIntake {
    /// Takes one request to `/kommo/{scope_id}`.
    pub async fn take(&self, request: Request<Body>) -> Result<Taken, Rejected> {
        let outcome = self.verify(request).await;
        let outcome = match outcome {
            Ok(verified) => self.keep(&verified).await,
            Err(rejected) => Err(rejected),
        };
        match outcome {
            Ok(taken) => self.meter.hook(taken.name()),
            Err(rejected) => {
                self.meter.hook(rejected.name());
                if rejected == Rejected::UnknownScope && !self.said_elsewhere.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        ours = self.scope_id,
                        "a hook came to another scope than ours, which `telekommo check` shows: are kommo.channel_id and kommo.account_id right? This is said once"
                    );
                }
                rejected.log();
            }
        }
        outcome
    }

    async fn verify(&self, request: Request<Body>) -> Result<Verified, Rejected> {
        if scope_of(request.uri().path()) != Some(&self.scope_id) {
            return Err(Rejected::UnknownScope);
        }
        let signature = request.headers().get("X-Signature").and_then(|value| value.to_str().ok()).map(str::to_owned);
        // Nobody's bytes are read who says beforehand that they are worth nothing.
        let signature = signature.ok_or(Rejected::Unsigned)?;
        if announced_bytes(request.headers()).is_some_and(|bytes| bytes > LIMIT_BYTES) {
            return Err(Rejected::TooLarge);
        }
        let body = timeout(BODY_WITHIN, read(request.into_body())).await.map_err(|_| Rejected::Unfinished)??;
        self.signer.verify(&body, Some(&signature)).map_err(|_| Rejected::Unsigned)
    }

    async fn keep(&self, hook: &Verified) -> Result<Taken, Rejected> {
        let raw = std::str::from_utf8(hook.bytes()).map_err(|_| Rejected::Malformed)?;
        match from_kommo::decode(raw).map_err(|_| Rejected::Malformed)? {
            Arrival::Message(message) if self.is_imported(raw) => {
                tracing::info!(message = %message.id, "an imported message came back, and is not sent");
                Ok(Taken::Ignored)
            }
            Arrival::Message(message) => self.store(&message, raw).await,
            Arrival::Reaction(reaction) => self.react(&reaction, hook, raw).await,
            Arrival::Typing(typing) => Ok(self.pass(typing)),
            Arrival::Other(kind) => {
                tracing::info!(kind, "a hook of a kind that is not relayed");
                Ok(Taken::Ignored)
            }
        }
    }

    /// Whether a message was written long before its hook came, and may have been imported: then the customer has it.
    fn is_imported(&self, raw: &str) -> bool {
        // Where that cannot be seen, there may have been an import: nobody gets twice what they had years ago.
        from_kommo::written_at(raw).is_some_and(|at| at.until(clock::now()) > OLD)
            && self.imports.try_exists().unwrap_or(true)
    }

    async fn store(&self, message: &Outbound, raw: &str) -> Result<Taken, Rejected> {
        let lane = self.lane(message).map_err(|error| not_stored(&error, Some(&DedupeId::hook(&message.id))))?;
        let work = Work::Hook { raw: raw.to_owned() };
        let facts = known_chat::read(raw).map(fact).into_iter().collect();
        let sender = from_kommo::sender(raw);
        let is_bulk = sender.is_some_and(|sender| self.broadcasts.is_bulk(&sender, &lane.thread, Instant::now()));
        self.push(NewJob { id: Some(DedupeId::hook(&message.id)), lane, work }, facts, is_bulk).await
    }

    /// A reaction waits behind the message that it may be about.
    async fn react(&self, reaction: &OutboundReaction, hook: &Verified, raw: &str) -> Result<Taken, Rejected> {
        if !self.sources.contains(&reaction.conversation.source) {
            tracing::debug!(conversation = %reaction.conversation, "a reaction in a conversation without a bot");
            return Ok(Taken::Ignored);
        }
        let lane = Lane::outbound(&reaction.conversation);
        let work = Work::Reaction { raw: raw.to_owned() };
        self.push(NewJob { id: Some(DedupeId::reaction(&hook.digest())), lane, work }, Vec::new(), false).await
    }

    async fn push(&self, job: NewJob, facts: Vec<Fact>, is_bulk: bool) -> Result<Taken, Rejected> {
        let id = job.id.clone();
        let pushed = self.store.push_as(Intake { jobs: vec![job], offset: None }, facts, is_bulk, clock::now()).await;
        let pushed = pushed.map_err(|error| not_stored(&error, id.as_ref()))?;
        tracing::debug!(?id, known = pushed.known, "hook stored");
        Ok(if pushed.taken > 0 { Taken::Stored } else { Taken::Known })
    }

    fn lane(&self, message: &Outbound) -> Result<Lane, StoreError> {
        let to = addressee::find(&self.store, &self.sources, message, clock::now())?;
        if let Addressee::Known(to) = &to
            && self.sources.contains(&to.source)
        {
            return Ok(Lane::outbound(to));
        }
        Ok(match &message.to {
            Recipient::Known(conversation) => Lane::stray(&conversation.to_string()),
            Recipient::Foreign(thread) => Lane::stray(thread),
            Recipient::Stranger(stranger) => {
                Lane::stray(stranger.opening.as_ref().map_or("nobody", |opening| &opening.chat.0))
            }
        })
    }

    fn pass(&self, typing: Typing) -> Taken {
        if self.typing.try_send(typing).is_ok() { Taken::Passed } else { Taken::Ignored }
    }
}

fn not_stored(error: &StoreError, id: Option<&DedupeId>) -> Rejected {
    tracing::error!(%error, ?id, "a hook could not be stored, and Kommo sends it once");
    Rejected::StoreDown
}

/// What a hook tells of its chat.
fn fact(known: KnownChat) -> Fact {
    let KnownChat { conversation, chat, user } = known;
    Fact::Chat { conversation, chat: Chat { chat, user } }
}

/// The scope that a path names, if it is `/kommo/{scope_id}`; repeated slashes count as one.
fn scope_of(path: &str) -> Option<&str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some("kommo"), Some(scope), None) => Some(scope),
        _ => None,
    }
}

/// How large the body is going to be, if its sender says so.
fn announced_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(body: Body) -> Result<Bytes, Rejected> {
    match Limited::new(body, LIMIT_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Rejected::TooLarge),
        Err(_) => Err(Rejected::Unfinished),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_slashes_are_tolerated() {
        for path in ["/kommo/s", "//kommo/s", "/kommo//s/", "/kommo/s//"] {
            assert_eq!(scope_of(path), Some("s"), "{path}");
        }
        for path in ["/", "/kommo", "/kommo/", "/kommo/s/x", "/x/s"] {
            assert_eq!(scope_of(path), None, "{path}");
        }
    }
}
