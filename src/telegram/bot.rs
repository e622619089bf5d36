//! A bot: its HTTP clients, and the calls that write to customers.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use teloxide::requests::Payload;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{
    domain::{
        address::{BotId, Conversation, SourceId, TelegramChat},
        job::{Call, Method},
        keyboard::{Keyboard, Layout},
        retry::Failure,
    },
    net::Http,
    rate_limit::{ChatRateLimit, RateLimit},
    telegram::{
        access::Access,
        client::{self, Client},
        error::CallError,
        failure,
        routing::{ReplyParameters, Routing, Target},
        sent::{Content, Sent},
        upload::{BodySent, Patience},
    },
    translate::{
        buttons::{self, KeptButtons, Retreat},
        text::MESSAGE_UNITS,
    },
};

/// How long connecting may take. It is less than a stop waits for calls in flight, so that a call that was never sent
/// does not count as one that may have arrived.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
/// How long a chat action may wait for its turn. After that it is skipped.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// The bot of one source.
///
/// It has five HTTP clients, because their timeouts differ: those of polls, calls, `getFile`, downloads and uploads.
#[derive(Clone)]
pub struct Bot {
    source: SourceId,
    id: BotId,
    pub(super) poller: Client,
    pub(super) sender: Client,
    pub(super) finder: Client,
    pub(super) files: Http,
    pub(super) uploads: Http,
    pub(super) patience: Patience,
    pub(super) limit_bytes: u64,
    pub(super) poll_timeout: Duration,
    pub(super) doubt: Arc<Notify>,
    layout: Layout,
    pub(super) rate_limit: Arc<RateLimit>,
    chat_pace: Arc<ChatRateLimit>,
}

/// Leaves out the clients, because they contain the token.
impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").field("source", &self.source).field("id", &self.id).finish_non_exhaustive()
    }
}

impl Bot {
    /// The bot `id` of `source` with its `token`.
    pub fn new(source: SourceId, id: BotId, token: &str, access: &Access) -> Result<Self, reqwest::Error> {
        // Well below the timeout of a call, so that a failed connection is recognised as such.
        let connect_within = CONNECT_WITHIN.min(access.send_timeout / 2);
        let client = |timeout: Duration| -> Result<Client, reqwest::Error> {
            Ok(Client::new(client::http(&access.egress, connect_within, None)?, &access.api_url, token, timeout))
        };
        Ok(Self {
            poller: client(access.poll_timeout)?,
            sender: client(access.send_timeout)?,
            finder: client(access.find_timeout)?,
            // A download has a read timeout only, because its reader may be slow.
            files: client::http(&access.egress, connect_within, Some(access.send_timeout))?,
            // `ProgressWatch` ends an upload that makes no progress. The client's timeouts would limit its whole
            // duration.
            uploads: client::http(&access.egress, connect_within, None)?,
            patience: Patience { moving: access.send_timeout, answer: access.answer_timeout },
            limit_bytes: access.limit_bytes,
            poll_timeout: access.poll_timeout,
            doubt: Arc::default(),
            layout: access.layout,
            rate_limit: Arc::new(RateLimit::per_second(access.requests_per_second)),
            chat_pace: Arc::new(ChatRateLimit::new(access.chat_limits)),
            source,
            id,
        })
    }

    /// Whether both are the same bot object, with the same limits and clients.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rate_limit, &other.rate_limit)
    }

    /// The source whose bot this is.
    #[must_use]
    pub const fn source(&self) -> &SourceId {
        &self.source
    }

    /// Telegram's id of the bot.
    #[must_use]
    pub const fn id(&self) -> BotId {
        self.id
    }

    /// Waits until the rate limit allows a call. Callers of [`Bot::send`] do this first.
    pub async fn acquire(&self) {
        self.rate_limit.acquire().await;
    }

    /// How long `messages` to a conversation have to wait for the rate limit of its chat. If they need not wait, they
    /// count against it.
    #[must_use]
    pub fn acquire_chat(&self, to: &Conversation, messages: usize) -> Option<Duration> {
        self.chat_pace.take(to.chat.id, to.is_group(), messages, Instant::now())
    }

    /// As [`Bot::acquire`], with a lower priority.
    pub async fn acquire_patiently(&self) {
        self.rate_limit.acquire_patiently().await;
    }

    /// As [`Bot::acquire_chat`], with a lower priority than managers.
    #[must_use]
    pub fn acquire_chat_patiently(&self, chat_id: i64, messages: usize) -> Option<Duration> {
        // Only groups and channels have negative ids.
        self.chat_pace.take_patiently(chat_id, chat_id < 0, messages, Instant::now())
    }

    /// Releases what [`Bot::acquire_chat_patiently`] has acquired, for messages that were not sent.
    pub fn release_chat(&self, chat_id: i64, messages: usize) {
        self.chat_pace.give_back(chat_id, chat_id < 0, messages);
    }

    /// Makes one call of an answer to the chat `to`, and returns the message. Its chat differs if the group has become
    /// a supergroup.
    ///
    /// # Errors
    /// The classified failure. Telegram has no idempotency keys, so a call that may have arrived is not repeated.
    pub async fn send(&self, call: &Call, to: &Target, body_sent: &BodySent) -> Result<Option<Sent>, Failure> {
        body_sent.complete();
        let mut routing = Routing::of(call, to.clone());
        let answer = loop {
            let answer = self.call(call, &routing).await;
            match answer.as_ref().err().and_then(failure::redirect) {
                Some(redirect) if routing.follow(redirect) => self.rate_limit.acquire().await,
                Some(_) | None => break answer,
            }
        };
        let message = answer.map_err(failure::of_send)?;
        let content = match &call.method {
            Method::SendText { .. } => Content::Text,
            Method::SendLocation { .. } => Content::Location,
            Method::SendContact { .. } => Content::Contact,
            Method::SendFile { .. } => Content::File,
        };
        Sent::read((self.id, TelegramChat { id: routing.to.chat_id, ..call.to.chat }), content, &message)
    }

    async fn call(&self, call: &Call, routing: &Routing) -> Result<Box<RawValue>, CallError> {
        let (to, reply_to) = (&routing.to, routing.reply_to(call));
        let place = (call.to.chat, to);
        match &call.method {
            Method::SendText { text, keyboard, .. } => self.send_text(place, text, keyboard, reply_to).await,
            Method::SendLocation { latitude_microdegrees, longitude_microdegrees, .. } => {
                self.send_location(to, (*latitude_microdegrees, *longitude_microdegrees), reply_to).await
            }
            Method::SendContact { phone, name, more, .. } => {
                self.send_contact(place, (phone, name, more), reply_to).await
            }
            // `Bot::upload` sends files.
            Method::SendFile { .. } => Err(CallError::Unreachable("a file without bytes".to_owned())),
        }
    }

    /// Sends a text. If Telegram refuses a button, nothing was sent, and the customer gets that choice as a line below
    /// the text.
    pub(super) async fn send_text(
        &self,
        (chat, to): (TelegramChat, &Target),
        text: &str,
        keyboard: &Keyboard,
        reply_parameters: Option<ReplyParameters>,
    ) -> Result<Box<RawValue>, CallError> {
        let mut retreat = Retreat::new(keyboard);
        let mut kept = KeptButtons::all(keyboard);
        loop {
            let lines = buttons::as_lines(text, &kept.as_text, MESSAGE_UNITS);
            let (text, reply_markup) = (lines.unwrap_or_else(|| text.to_owned()), self.markup(&kept.shown, chat));
            let payload = SendMessage { to: to.clone(), text, reply_markup, reply_parameters };
            let answer = self.sender.call(&payload).await;
            let Some(reason) = answer.as_ref().err().and_then(failure::about_buttons) else { return answer };
            if kept.shown.is_empty() {
                return answer;
            }
            tracing::warn!(source = %self.source, why = reason, "Telegram refuses a button, so it is sent as text");
            kept = retreat.after(reason);
            self.rate_limit.acquire().await;
        }
    }

    /// `reply_markup` for a keyboard in a chat; `None` if it has no buttons.
    pub(super) fn markup(&self, keyboard: &Keyboard, chat: TelegramChat) -> Option<Value> {
        (!keyboard.is_empty()).then(|| buttons::reply_markup(keyboard, self.layout.of(keyboard, chat)))
    }

    /// Answers a callback query. One that is too old counts as answered.
    ///
    /// # Errors
    /// The classified failure. Callers only log it.
    pub async fn answer_press(&self, query: &str) -> Result<(), Failure> {
        self.rate_limit.acquire().await;
        let payload = AnswerCallbackQuery { callback_query_id: query.to_owned() };
        failure::ok_if_already_done(self.sender.call(&payload).await)
    }

    /// Removes the buttons of a message. Missing ones count as removed.
    pub async fn remove_keyboard(&self, chat: Target, message: i64) -> Result<(), Failure> {
        self.rate_limit.acquire().await;
        // The topic does not matter to a message id.
        let payload = EditMessageReplyMarkup { to: Target { topic: None, ..chat }, message_id: message };
        failure::ok_if_already_done(self.sender.call(&payload).await)
    }

    /// Shows "typing" in a chat for about 5 seconds.
    pub async fn type_in(&self, chat: Target) -> Result<(), Failure> {
        self.show(chat, "typing").await
    }

    /// Shows a chat action for about 5 seconds. If the rate limit has no room for it, it is skipped, because any other
    /// call matters more.
    pub(super) async fn show(&self, chat: Target, action: &'static str) -> Result<(), Failure> {
        if timeout(SHOWN_WITHIN, self.rate_limit.acquire_patiently()).await.is_err() {
            return Ok(());
        }
        let answer = self.sender.call(&SendChatAction { to: chat, action }).await;
        answer.map(drop).map_err(failure::of_repeatable)
    }
}

/// Declares a method of the Bot API.
macro_rules! method {
    ($(#[$doc:meta])* $name:ident -> $output:ty { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Serialize)]
        struct $name { $($(#[$field_meta])* $field: $type,)* }

        impl Payload for $name {
            type Output = $output;
            const NAME: &'static str = stringify!($name);
        }
    };
}

method! {
    /// `sendMessage`.
    SendMessage -> Value {
        #[serde(flatten)]
        to: Target,
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_markup: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_parameters: Option<ReplyParameters>,
    }
}
method! {
    /// `answerCallbackQuery`.
    AnswerCallbackQuery -> Value { callback_query_id: String, }
}
method! {
    /// `editMessageReplyMarkup` without a keyboard, which removes the old one.
    EditMessageReplyMarkup -> Value {
        #[serde(flatten)]
        to: Target,
        message_id: i64,
    }
}
method! {
    /// `sendChatAction`.
    SendChatAction -> Value {
        #[serde(flatten)]
        to: Target,
        action: &'static str,
    }
}
