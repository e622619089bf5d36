//! One bot: its clients, and the calls that write to customers.

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

/// How long a connection may take to come about. Less than a stop leaves to what is in flight, so that a call that
/// never went out is not taken for one that did.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
/// How long an action may wait for its turn. What is on its way arrives then without being announced.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// The bot of one source.
///
/// Five HTTP clients lie below: a poll is held open for almost a minute, a call is answered or has failed, an own
/// server takes its time to find a file, and a file flows for as long as it is read, or sent.
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

/// The clients hold the token; this shows none of them.
impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").field("source", &self.source).field("id", &self.id).finish_non_exhaustive()
    }
}

impl Bot {
    /// The bot `id` of `source` with its `token`.
    pub fn new(source: SourceId, id: BotId, token: &str, access: &Access) -> Result<Self, reqwest::Error> {
        // Well below the timeout of a call, so that a connection that never came about is known to be none.
        let connect_within = CONNECT_WITHIN.min(access.send_timeout / 2);
        let client = |within: Duration| -> Result<Client, reqwest::Error> {
            Ok(Client::new(client::http(&access.egress, connect_within, None)?, &access.api_url, token, within))
        };
        Ok(Self {
            poller: client(access.poll_timeout)?,
            sender: client(access.send_timeout)?,
            finder: client(access.find_timeout)?,
            // Only silence ends a download, not its length: its reader may be slow.
            files: client::http(&access.egress, connect_within, Some(access.send_timeout))?,
            // Nothing but silence ends an upload, and that is watched there: the client's own timers would count the
            // time that the file takes.
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

    /// Whether both share their limits and clients.
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

    /// Waits for a call's turn; to be asked before [`Bot::send`].
    pub async fn acquire(&self) {
        self.rate_limit.acquire().await;
    }

    /// How long `messages` to a conversation have to wait for the rate limit of its chat. If they need not, they are
    /// counted.
    #[must_use]
    pub fn acquire_chat(&self, to: &Conversation, messages: usize) -> Option<Duration> {
        self.chat_pace.take(to.chat.id, to.is_group(), messages, Instant::now())
    }

    /// The same as [`Bot::acquire`] for one of many that are in no hurry.
    pub async fn acquire_patiently(&self) {
        self.rate_limit.acquire_patiently().await;
    }

    /// The same as [`Bot::acquire_chat`] for who comes after managers.
    #[must_use]
    pub fn acquire_chat_patiently(&self, chat_id: i64, messages: usize) -> Option<Duration> {
        // Only groups and channels have numbers below zero.
        self.chat_pace.take_patiently(chat_id, chat_id < 0, messages, Instant::now())
    }

    /// Takes back what [`Bot::acquire_chat_patiently`] has counted of messages that were not sent.
    pub fn release_chat(&self, chat_id: i64, messages: usize) {
        self.chat_pace.give_back(chat_id, chat_id < 0, messages);
    }

    /// Makes one call of an answer to the chat `to`, and returns the message. Its chat is another one if the group has
    /// become a supergroup.
    ///
    /// # Errors
    /// The classified failure; Telegram has no idempotency key, so what may have arrived is not repeated.
    pub async fn send(&self, call: &Call, to: &Target, body_sent: &BodySent) -> Result<Option<Sent>, Failure> {
        body_sent.complete();
        let mut routing = Routing::of(call, to.clone());
        let answer = loop {
            let answer = self.call(call, &routing).await;
            match answer.as_ref().err().and_then(failure::redirect) {
                Some(redirect) if routing.goes_on(redirect) => self.rate_limit.acquire().await,
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
            // Files come with their bytes: see `Bot::upload`.
            Method::SendFile { .. } => Err(CallError::Unreachable("a file without bytes".to_owned())),
        }
    }

    /// Sends a text. Where Telegram does not like a button, nothing was sent, and the customer gets that choice as a
    /// line below the text.
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
            let lines = buttons::as_lines(text, &kept.told, MESSAGE_UNITS);
            let (text, reply_markup) = (lines.unwrap_or_else(|| text.to_owned()), self.markup(&kept.shown, chat));
            let payload = SendMessage { to: to.clone(), text, reply_markup, reply_parameters };
            let answer = self.sender.call(&payload).await;
            let Some(why) = answer.as_ref().err().and_then(failure::about_buttons) else { return answer };
            if kept.shown.is_empty() {
                return answer;
            }
            tracing::warn!(source = %self.source, why, "Telegram does not take a button: sent as text");
            kept = retreat.after(why);
            self.rate_limit.acquire().await;
        }
    }

    /// `reply_markup` for a keyboard in a chat; `None` if there is nothing to press.
    pub(super) fn markup(&self, keyboard: &Keyboard, chat: TelegramChat) -> Option<Value> {
        (!keyboard.is_empty()).then(|| buttons::reply_markup(keyboard, self.layout.of(keyboard, chat)))
    }

    /// Tells Telegram that a press was noticed. One that is too old to be answered counts as answered.
    ///
    /// # Errors
    /// The classified failure. Callers only log it.
    pub async fn answer_press(&self, query: &str) -> Result<(), Failure> {
        self.rate_limit.acquire().await;
        let payload = AnswerCallbackQuery { callback_query_id: query.to_owned() };
        failure::ok_if_already_done(self.sender.call(&payload).await)
    }

    /// Takes the buttons of a message away. Those that are gone already count as taken away.
    pub async fn remove_keyboard(&self, chat: Target, message: i64) -> Result<(), Failure> {
        self.rate_limit.acquire().await;
        // A message is the same one in whatever topic.
        let payload = EditMessageReplyMarkup { to: Target { topic: None, ..chat }, message_id: message };
        failure::ok_if_already_done(self.sender.call(&payload).await)
    }

    /// Shows "typing" in a chat for about 5 seconds.
    pub async fn type_in(&self, chat: Target) -> Result<(), Failure> {
        self.show(chat, "typing").await
    }

    /// Shows an action of the Bot API in a chat for about 5 seconds. Where there is no room for it, it is left out: it
    /// counts among the bot's calls, and is worth less than any other.
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
    /// `editMessageReplyMarkup`; without a new keyboard the old one goes.
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
