//! One bot: teloxide's client with our own calls, timeouts and discretion.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::Value;
use teloxide::{
    RequestError,
    requests::{JsonRequest, Payload},
};
use tokio::time::Instant;

use crate::{
    domain::{
        address::{BotId, Conversation, SourceId, TelegramChat},
        keyboard::{Keyboard, Layout},
        retry::Failure,
        work::{Call, Method},
    },
    pace::{ChatPace, Pace},
    telegram::{
        access::Access,
        failure, file,
        place::{ReplyParameters, Sent, Target, Trip},
        upload::{self, Handover, Patience},
    },
    translate::{buttons, text::MESSAGE_UNITS},
};

/// How much longer than the long poll itself the HTTP request may take.
const POLL_GRACE: Duration = Duration::from_secs(15);
/// How long a connection may take to come about. Less than a stop leaves to what is in flight, so that a call that never
/// went out is not taken for one that did.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
/// How long a connection is kept open without use.
const IDLE_FOR: Duration = Duration::from_secs(15);

/// The bot of one source.
///
/// Five HTTP clients lie below: a poll is held open for almost a minute, a call is answered or has failed, an own server
/// takes its time to find a file, and a file flows for as long as it is read, or sent.
#[derive(Clone)]
pub struct Bot {
    source: SourceId,
    id: BotId,
    poller: teloxide::Bot,
    pub(super) sender: teloxide::Bot,
    pub(super) finder: teloxide::Bot,
    pub(super) files: reqwest::Client,
    pub(super) uploads: reqwest::Client,
    pub(super) patience: Patience,
    pub(super) limit_bytes: u64,
    poll_timeout: Duration,
    layout: Layout,
    pub(super) pace: Arc<Pace>,
    chat_pace: Arc<ChatPace>,
}

/// teloxide's own `Debug` shows the token; this one does not.
impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").field("source", &self.source).field("id", &self.id).finish_non_exhaustive()
    }
}

impl Bot {
    /// The bot `id` of `source` with its `token`.
    ///
    /// # Errors
    /// If the HTTP clients cannot be set up.
    pub fn new(source: SourceId, id: BotId, token: &str, access: &Access) -> Result<Self, reqwest::Error> {
        let client = |timeout: Duration| -> Result<teloxide::Bot, reqwest::Error> {
            let http = reqwest::Client::builder()
                .user_agent(concat!("telekommo/", env!("CARGO_PKG_VERSION")))
                // Well below the timeout of a call, so that a connection that never came about is known to be none.
                .connect_timeout(CONNECT_WITHIN.min(timeout / 2))
                .timeout(timeout)
                // Routers forget idle connections without a word, and what is sent into one may or may not arrive.
                .pool_idle_timeout(IDLE_FOR)
                .tcp_keepalive(IDLE_FOR)
                .redirect(reqwest::redirect::Policy::none())
                .build()?;
            Ok(teloxide::Bot::with_client(token, http).set_api_url(access.api_url.clone()))
        };
        Ok(Self {
            poller: client(access.poll_timeout + POLL_GRACE)?,
            sender: client(access.send_timeout)?,
            finder: client(access.find_timeout)?,
            files: file::client(CONNECT_WITHIN.min(access.send_timeout / 2), access.send_timeout)?,
            uploads: upload::client(CONNECT_WITHIN.min(access.send_timeout / 2))?,
            patience: Patience { moving: access.send_timeout, answer: access.answer_timeout },
            limit_bytes: access.limit_bytes,
            poll_timeout: access.poll_timeout,
            layout: access.layout,
            pace: Arc::new(Pace::per_second(access.requests_per_second)),
            chat_pace: Arc::new(ChatPace::new(access.chat_limits)),
            source,
            id,
        })
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

    /// The updates from `offset` on; if there are none and it `waits`, the first that comes within the poll's timeout.
    /// Asking for an offset confirms everything below it.
    pub async fn updates(&self, offset: Option<i64>, waits: bool) -> Result<Vec<Value>, RequestError> {
        let timeout = if waits { self.poll_timeout.as_secs() } else { 0 };
        let payload = GetUpdates { offset, limit: 100, timeout, allowed_updates: ALLOWED_UPDATES };
        JsonRequest::new(self.poller.clone(), payload).await
    }

    /// Waits for a call's turn; to be asked before [`Bot::send`].
    pub async fn turn(&self) {
        self.pace.turn().await;
    }

    /// How long `messages` to a conversation have to wait for the pace of its chat. If they need not, they are counted.
    #[must_use]
    pub fn chat_turn(&self, to: &Conversation, messages: usize) -> Option<Duration> {
        self.chat_pace.take(to.chat.id, to.is_group(), messages, Instant::now())
    }

    /// Makes one call of an answer to the chat `to`, and tells the message that it made. Its chat is another one if the
    /// group has become a supergroup.
    ///
    /// # Errors
    /// The verdict on the failure; Telegram has no idempotency key, so what may have arrived is not repeated.
    pub async fn send(&self, call: &Call, to: &Target, handover: &Handover) -> Result<Option<Sent>, Failure> {
        handover.complete();
        let mut trip = Trip::of(call, to.clone());
        let answer = loop {
            let answer = self.call(call, &trip).await;
            match answer.as_ref().err().and_then(failure::detour) {
                Some(detour) if trip.goes_on(detour) => self.pace.turn().await,
                Some(_) | None => break answer,
            }
        };
        let answer = failure::of_send(answer)?;
        Ok(Sent::read(self.id, TelegramChat { id: trip.to.chat_id, ..call.to.chat }, &answer))
    }

    async fn call(&self, call: &Call, trip: &Trip) -> Result<Value, RequestError> {
        let (to, reply_to) = (&trip.to, trip.reply_to(call));
        let place = (call.to.chat, to);
        match &call.method {
            Method::SendText { text, keyboard, .. } => self.send_text(place, text, keyboard, reply_to).await,
            Method::SendLocation { latitude_microdegrees, longitude_microdegrees, .. } => {
                self.send_location(to, (*latitude_microdegrees, *longitude_microdegrees), reply_to).await
            }
            Method::SendContact { phone, name, .. } => self.send_contact(place, phone, name, reply_to).await,
            // Files come with their bytes: see `Bot::upload`.
            Method::SendFile { .. } => Err(RequestError::Io(Arc::new(std::io::Error::other("a file without bytes")))),
        }
    }

    /// Sends a text. If Telegram does not like its buttons, nothing was sent, and the customer gets the text with the
    /// choices as lines.
    pub(super) async fn send_text(
        &self,
        (chat, to): (TelegramChat, &Target),
        text: &str,
        keyboard: &Keyboard,
        reply_parameters: Option<ReplyParameters>,
    ) -> Result<Value, RequestError> {
        let send = |text: String, reply_markup| {
            JsonRequest::new(self.sender.clone(), SendMessage { to: to.clone(), text, reply_markup, reply_parameters })
        };
        let reply_markup = self.markup(keyboard, chat);
        let has_buttons = reply_markup.is_some();
        match send(text.to_owned(), reply_markup).await {
            Err(error) if has_buttons && failure::is_about_buttons(&error) => {
                tracing::warn!(source = %self.source, %error, "Telegram does not take these buttons: sent as text");
                self.pace.turn().await;
                let lines = buttons::as_lines(text, keyboard, MESSAGE_UNITS);
                send(lines.unwrap_or_else(|| text.to_owned()), None).await
            }
            answer => answer,
        }
    }

    /// `reply_markup` for a keyboard in a chat; `None` if there is nothing to press.
    pub(super) fn markup(&self, keyboard: &Keyboard, chat: TelegramChat) -> Option<Value> {
        (!keyboard.is_empty()).then(|| buttons::reply_markup(keyboard, self.layout.of(keyboard, chat)))
    }

    /// Tells Telegram that a press was noticed. One that is too old to be answered counts as answered.
    ///
    /// # Errors
    /// The verdict on the failure, though there is nobody whom it could help.
    pub async fn answer_press(&self, query: &str) -> Result<(), Failure> {
        self.pace.turn().await;
        let payload = AnswerCallbackQuery { callback_query_id: query.to_owned() };
        failure::unless_moot(JsonRequest::new(self.sender.clone(), payload).await)
    }

    /// Takes the buttons of a message away. Those that are gone already count as taken away.
    ///
    /// # Errors
    /// The verdict on the failure.
    pub async fn remove_keyboard(&self, chat: Target, message: i64) -> Result<(), Failure> {
        self.pace.turn().await;
        // A message is the same one in whatever topic.
        let payload = EditMessageReplyMarkup { to: Target { topic: None, ..chat }, message_id: message };
        failure::unless_moot(JsonRequest::new(self.sender.clone(), payload).await)
    }

    /// Shows "typing" in a chat for about 5 seconds.
    pub async fn type_in(&self, chat: Target) -> Result<(), Failure> {
        self.show(chat, "typing").await
    }

    /// Shows an action of the Bot API in a chat for about 5 seconds.
    pub(super) async fn show(&self, chat: Target, action: &'static str) -> Result<(), Failure> {
        let payload = SendChatAction { to: chat, action };
        failure::of_send(JsonRequest::new(self.sender.clone(), payload).await).map(drop)
    }
}

/// Every kind of update that Bot API 10.1 knows. Sent with every poll: the server keeps the last list it was given, and
/// leaves some kinds out unless they are named.
pub const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
];

/// Declares a method of the Bot API whose result is kept as raw JSON, so that a detail that the library does not know
/// can never turn a success into an error.
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
    /// `getUpdates`.
    GetUpdates -> Vec<Value> {
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<i64>,
        limit: u8,
        timeout: u64,
        allowed_updates: &'static [&'static str],
    }
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
