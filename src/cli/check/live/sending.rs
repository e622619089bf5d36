//! The test messages, and the answers to them.

use std::{fmt::Write as _, time::Duration};

use crate::{
    cli::check::message::until,
    clock,
    kommo::{
        chats::{CallError, Chats},
        wire::{Accepted, EditEvent, EditMessage, Event, HistoryItem, Message, NewMessage, ReplyTo, Sender, Source},
    },
};

/// What every test message begins with.
pub(super) const MARK: &str = "Test of telekommo, please ignore";
/// What it says once the test is over.
const OVER: &str = "(This was a test of telekommo.)";

/// Sends into one conversation, and remembers what it has sent.
pub(super) struct Messages {
    pub(super) chats: Chats,
    pub(super) conversation: String,
    /// Kommo's id of the chat.
    pub(super) chat: String,
    pub(super) source: String,
    /// The operator, as the customer of the conversation.
    pub(super) customer: Sender,
    /// What tells the ids of these messages from all others.
    pub(super) nonce: String,
    made: usize,
    sent: Vec<Sent>,
}

/// A test message that Kommo has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) msgid: String,
    /// Kommo's id, if it has told it.
    pub(super) id: Option<String>,
    pub(super) is_text: bool,
}

impl Messages {
    pub(super) fn new(chats: Chats, (conversation, chat, source): (String, String, String), customer: Sender) -> Self {
        let nonce = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        Self { chats, conversation, chat, source, customer, nonce, made: 0, sent: Vec::new() }
    }

    /// A text that says what it is.
    pub(super) fn text(&self, about: &str) -> Message {
        Message { r#type: "text", text: Some(format!("{MARK} ({about}, {})", self.nonce)), ..Message::default() }
    }

    /// A message of the customer.
    pub(super) fn event(&mut self, message: Message) -> Event {
        self.made += 1;
        let at = clock::now();
        Event {
            event_type: "new_message",
            payload: NewMessage {
                timestamp: at.seconds(),
                msec_timestamp: at.0,
                msgid: format!("telekommo-live:{}:{}", self.nonce, self.made),
                conversation_id: self.conversation.clone(),
                conversation_ref_id: None,
                source: Source { external_id: self.source.clone() },
                sender: self.customer.clone(),
                receiver: None,
                message,
                reply_to: None,
                silent: true,
            },
        }
    }

    /// The same as what `sender` has sent to the customer elsewhere.
    pub(super) fn from(&mut self, sender: &Sender, message: Message) -> Event {
        let mut event = self.event(message);
        event.payload.receiver = Some(std::mem::replace(&mut event.payload.sender, sender.clone()));
        event
    }

    /// Sends a message that answers another one.
    pub(super) async fn send_reply(&mut self, message: Message, to: ReplyTo) -> Result<Sent, CallError> {
        let mut event = self.event(message);
        event.payload.reply_to = Some(to);
        self.send(&event).await
    }

    pub(super) async fn send(&mut self, event: &Event) -> Result<Sent, CallError> {
        let accepted: Accepted = self.chats.send_as_is(event).await?;
        let is_text = event.payload.message.r#type == "text";
        let sent = Sent { msgid: event.payload.msgid.clone(), id: accepted.msgid, is_text };
        self.sent.push(sent.clone());
        Ok(sent)
    }

    /// Gives a text another wording.
    pub(super) async fn edit(&self, sent: &Sent, text: String) -> Result<(), CallError> {
        let at = clock::now();
        let payload = EditMessage {
            timestamp: at.seconds(),
            msec_timestamp: at.0,
            id: None,
            msgid: Some(sent.msgid.clone()),
            conversation_id: Some(self.conversation.clone()),
            conversation_ref_id: None,
            message: Message { r#type: "text", text: Some(text), ..Message::default() },
        };
        self.chats.edit(&EditEvent { event_type: "edit_message", payload }).await
    }

    /// The newest messages of the chat.
    pub(super) async fn history(&self) -> Result<Vec<HistoryItem>, CallError> {
        self.chats.history(&self.chat, 0).await
    }

    /// Waits until a text is in the history; tells whether it has come.
    pub(super) async fn has_come(&self, text: &str, within: Duration) -> bool {
        let look = async || {
            let items = self.history().await.unwrap_or_default();
            Ok(items.iter().any(|item| item.content().text.as_deref() == Some(text)).then_some(()))
        };
        until(within, look).await.is_ok_and(|found| found.is_some())
    }

    /// Shortens what was sent; tells how many messages there are, and how many of them say now that they were a test.
    pub(super) async fn clean(&self) -> (usize, usize) {
        let mut shortened = 0;
        for sent in self.sent.iter().filter(|sent| sent.is_text) {
            shortened += usize::from(self.edit(sent, OVER.to_owned()).await.is_ok());
        }
        (self.sent.len(), shortened)
    }
}

/// Kommo's id of a message that was sent, by ours.
pub(super) fn id_of(items: &[HistoryItem], sent: &Sent) -> Option<String> {
    let mut messages = items.iter().map(HistoryItem::content);
    messages.find(|message| message.client_id.as_deref() == Some(sent.msgid.as_str()))?.id
}

/// What Kommo answered, without anything that could name somebody: its sentences may.
pub(super) fn describe<T>(answer: &Result<T, CallError>) -> String {
    answer.as_ref().err().map_or_else(|| "accepted".to_owned(), refused)
}

/// Why a question stays open after an answer that says nothing about it.
pub(super) fn unclear(error: &CallError) -> String {
    format!("Kommo's answer says nothing about it: {}", refused(error))
}

fn refused(error: &CallError) -> String {
    match error {
        CallError::Refused { status, error, .. } => {
            let mut text = status.as_u16().to_string();
            let names = [&error.kind, &error.title].into_iter().flatten();
            for name in names.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')) {
                let _ = write!(text, " {name}");
            }
            let is_plain = |trace: &&String| trace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if let Some(trace) = error.trace.as_ref().filter(is_plain) {
                let _ = write!(text, " (trace_id {trace})");
            }
            text
        }
        CallError::Foreign(answer) => format!("{}, not in Kommo's shape", answer.status.as_u16()),
        CallError::Unreachable(_) => "no answer".to_owned(),
    }
}
