//! Sending one message after the other to Kommo, however often it takes.

use std::collections::HashSet;

use tokio::time::sleep;

use crate::{
    domain::{
        address::is_uuid,
        retry::{Failure, Schedule},
    },
    kommo::{
        chats::{CallError, Chats},
        wire::{Accepted, ImportEvent, NewChat},
    },
};

/// How often a message is tried that only time can help.
const TRIES: u32 = 8;
/// What Kommo says of an author whom it does not know; it is no HTTP status (Chats API, errors).
const UNKNOWN_AUTHOR: i64 = 453;

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Kommo has taken it, and tells what it tells of its own ids.
    Taken {
        /// That of the message.
        message: Option<String>,
        /// That of the chat.
        chat: Option<String>,
    },
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
        let (mut failed, mut may_have_come) = (0, false);
        loop {
            let error = match self.chats.import(event).await {
                Ok(Accepted { msgid, conversation_id, .. }) => {
                    let chat = conversation_id.filter(|id| is_uuid(id));
                    return Ok(Ended::Taken { message: msgid, chat });
                }
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
            // Whoever heard no clear answer may have been heard.
            may_have_come |= is_ambiguous || failure.may_pass();
            let is_asked_for = is_ambiguous || failure.is_final();
            if is_asked_for && self.is_there(event, chat, may_have_come).await {
                return Ok(Ended::There);
            }
            match failure {
                // Whatever Kommo has against the message that is answered, the answer need not stay behind with it.
                Failure::Permanent(_) | Failure::Uncertain(_) if event.payload.reply_to.is_some() => {
                    event.payload.reply_to = None;
                }
                Failure::Permanent(refusal) | Failure::Uncertain(refusal) => {
                    return Ok(Ended::Refused(refusal.why()));
                }
                Failure::Blocked { why } => return Err(Stopped(why)),
                passing @ (Failure::Unreachable { .. }
                | Failure::Transient { .. }
                | Failure::NotYet { .. }
                | Failure::Throttled { .. }) => {
                    failed += 1;
                    let why = passing.why().into_owned();
                    match self.schedule.wait(failed, fastrand::f64(), passing.after()).filter(|_| failed < TRIES) {
                        Some(wait) => sleep(wait).await,
                        None if is_of_its_own => return Ok(Ended::Refused(why)),
                        None => return Err(Stopped(why)),
                    }
                }
            }
        }
    }

    /// Kommo's id of a chat that is there, if it tells it.
    pub(super) async fn chat(&self, chat: &NewChat) -> Option<String> {
        self.chats.chat(chat).await.ok()
    }

    /// Whether Kommo has the message. What it answers to a repetition is not documented, so its history is asked; and
    /// asked again for one that was not in it, if that may have come since.
    async fn is_there(&mut self, event: &ImportEvent, chat: &NewChat, may_have_come: bool) -> bool {
        let (conversation, msgid) = (&event.payload.conversation_id, &event.payload.msgid);
        let has = |known: &Option<(String, HashSet<String>)>| {
            known.as_ref().is_some_and(|(of, ids)| of == conversation && ids.contains(msgid))
        };
        let is_known = self.known.as_ref().is_some_and(|(of, _)| of == conversation);
        if has(&self.known) || (is_known && !may_have_come) {
            return has(&self.known);
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
        CallError::Refused { error, .. } => error.code == Some(UNKNOWN_AUTHOR),
        CallError::Nonsense(_) | CallError::Unreachable(_) => false,
    }
}
