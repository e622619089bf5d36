//! Sending one message after the other to Kommo, however often it takes.

use std::collections::HashSet;

use tokio::time::sleep;

use crate::{
    domain::retry::{Failure, Schedule},
    kommo::{
        chats::{CallError, Chats},
        wire::{ImportEvent, NewChat},
    },
};

/// How often a message is tried that only time can help.
const TRIES: u32 = 8;
/// What Kommo says of an author whom it does not know; it is no HTTP status (Chats API, errors).
const UNKNOWN_AUTHOR: i64 = 453;

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Kommo has taken it, under this id if it tells one.
    Taken(Option<String>),
    /// Kommo has had it before.
    There,
    /// Kommo does not take it.
    Refused(String),
}

/// Why nothing more can be sent for now.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Stopped(String);

/// Sends messages.
pub(super) struct Post {
    chats: Chats,
    schedule: Schedule,
    /// Our ids of what a conversation has in Kommo, as it was read last.
    known: Option<(String, HashSet<String>)>,
}

impl Post {
    /// Sends by `chats`, and waits between tries by `schedule`.
    pub(super) const fn new(chats: Chats, schedule: Schedule) -> Self {
        Self { chats, schedule, known: None }
    }

    /// Sends a message of the chat that `chat` names.
    ///
    /// # Errors
    /// If nothing can be sent until somebody mends something, or Kommo recovers.
    pub(super) async fn send(&mut self, event: &mut ImportEvent, chat: &NewChat) -> Result<Ended, Stopped> {
        let mut failed = 0;
        loop {
            let error = match self.chats.import(event).await {
                Ok(accepted) => return Ok(Ended::Taken(accepted.msgid)),
                Err(error) => error,
            };
            if is_unknown_author(&error) {
                let author = &event.payload.sender;
                return Err(Stopped(format!(
                    "Kommo does not know {} ({}) as an author: correct kommo.bot_id or --manager",
                    author.name,
                    author.ref_id.as_deref().unwrap_or_default()
                )));
            }
            let (is_ambiguous, is_of_its_own) = (error.is_ambiguous(), error.may_be_of_one_message());
            let failure = Failure::from(error);
            let may_be_there = is_ambiguous || matches!(failure, Failure::Permanent(_));
            if may_be_there && self.is_there(event, chat).await {
                return Ok(Ended::There);
            }
            match failure {
                // Whatever Kommo has against the message that is answered, the answer need not stay behind with it.
                Failure::Permanent(_) if event.payload.reply_to.is_some() => event.payload.reply_to = None,
                Failure::Permanent(refusal) => return Ok(Ended::Refused(refusal.sentence)),
                Failure::Blocked { why } => return Err(Stopped(why)),
                Failure::Transient { why, after } => {
                    failed += 1;
                    match self.schedule.wait(failed, fastrand::f64(), after).filter(|_| failed < TRIES) {
                        Some(wait) => sleep(wait).await,
                        None if is_of_its_own => return Ok(Ended::Refused(why)),
                        None => return Err(Stopped(why)),
                    }
                }
            }
        }
    }

    /// Whether Kommo has the message. What it answers to a repetition is not documented, so its history is asked; and asked
    /// again for one that was not in it, because it may have arrived since.
    async fn is_there(&mut self, event: &ImportEvent, chat: &NewChat) -> bool {
        let (conversation, msgid) = (&event.payload.conversation_id, &event.payload.msgid);
        let has = |known: &Option<(String, HashSet<String>)>| {
            known.as_ref().is_some_and(|(of, ids)| of == conversation && ids.contains(msgid))
        };
        if has(&self.known) {
            return true;
        }
        self.known = match self.read(chat).await {
            Ok(ids) => Some((conversation.clone(), ids)),
            Err(_) => None,
        };
        has(&self.known)
    }

    async fn read(&self, chat: &NewChat) -> Result<HashSet<String>, CallError> {
        let id = self.chats.chat(chat).await?;
        self.chats.our_messages(&id).await
    }
}

fn is_unknown_author(error: &CallError) -> bool {
    match error {
        CallError::Refused { error, .. } => error.error_code == Some(UNKNOWN_AUTHOR),
        CallError::Nonsense(_) | CallError::Unreachable(_) => false,
    }
}
