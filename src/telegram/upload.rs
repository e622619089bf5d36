//! Files on their way to a customer: streamed from where they come, never held as a whole.

use std::sync::Arc;

use reqwest::{
    Body, StatusCode,
    multipart::{Form as Multipart, Part},
};
use serde_json::{Value, json, value::RawValue};

use crate::{
    domain::{address::TelegramChat, delivery::Refusal, keyboard::Keyboard, retry::Failure},
    telegram::{
        bot::Bot,
        client::receive,
        error::CallError,
        failure,
        routing::{Redirect, ReplyParameters, Target},
        sent::{Content, Sent},
    },
};

mod action;
mod body;
mod form;
mod sniff;

pub(super) use self::body::{Break, Patience, ProgressWatch, watched};
pub use self::{
    body::{BodySent, Incoming},
    form::{Album, FileTraits, SendAs},
    sniff::Format,
};

/// A file that is ready to go.
pub struct Upload<'a> {
    pub form: SendAs,
    /// What the customer reads as its name.
    pub name: &'a str,
    /// The text below it; empty for none.
    pub caption: &'a str,
    pub incoming: Incoming,
}

/// Why a file did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadError {
    /// Telegram does not take it like this.
    Refused {
        /// What it does not like.
        of: RefusedPart,
        why: String,
        /// What a manager reads if no other form helps.
        refusal: Refusal,
    },
    /// It is larger than it may be in its form.
    TooLarge,
    /// The server takes no request of this size (413), whatever Telegram takes.
    TooLargeForServer,
    /// No more of it came in, and Telegram has none of it.
    SourceStalled(String),
    /// It is to go another way, and nothing was sent.
    Elsewhere(Redirect),
    /// Anything else, with the verdict.
    Failed(Failure),
}

/// What Telegram does not like about a message with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedPart {
    Buttons,
    Caption,
    /// The file, in this form.
    File,
}

impl Bot {
    /// The most bytes of a file that the server takes from bots.
    #[must_use]
    pub const fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Sends a file, and returns the message.
    ///
    /// # Errors
    /// [`UploadError`]; if Telegram may have taken the file, the verdict says so.
    pub async fn upload(
        &self,
        place: (TelegramChat, &Target),
        upload: Upload<'_>,
        keyboard: &Keyboard,
        reply_to: Option<ReplyParameters>,
        body_sent: &BodySent,
    ) -> Result<Option<Sent>, UploadError> {
        let (method, field) = upload.form.method();
        let progress = ProgressWatch::new(upload.incoming.size_bytes);
        let (limit, form) = (upload.form.limit_bytes(self.limit_bytes), upload.form);
        let mut parts = addressed(place.1, reply_to);
        if !upload.caption.is_empty() {
            parts = parts.text("caption", upload.caption.to_owned());
        }
        if let Some(markup) = self.markup(keyboard, place.0) {
            parts = parts.text("reply_markup", markup.to_string());
        }
        if form == SendAs::Document {
            // What was sent as a file stays one.
            parts = parts.text("disable_content_type_detection", "true");
        }
        let name = upload.name.to_owned();
        let parts = parts.part(field, part(upload.incoming, name, limit, &progress, Some(body_sent.clone())));
        let answer = self.watch(place.1, form, self.post(method, parts, &progress), &progress, body_sent).await?;
        let chat = TelegramChat { id: place.1.chat_id, ..place.0 };
        Sent::read((self.id(), chat), Content::File, &answer).map_err(UploadError::Failed)
    }

    /// Sends files together, and returns their messages, in order.
    ///
    /// # Errors
    /// As those of [`Bot::upload`]. Either all have arrived or none.
    pub async fn upload_album(
        &self,
        place: (TelegramChat, &Target),
        uploads: Vec<Upload<'_>>,
        reply_to: Option<ReplyParameters>,
        body_sent: &BodySent,
    ) -> Result<Vec<Option<Sent>>, UploadError> {
        let progress = ProgressWatch::new(uploads.iter().map(|upload| upload.incoming.size_bytes).sum());
        let last = uploads.len().saturating_sub(1);
        let first_form = uploads.first().map_or(SendAs::Document, |upload| upload.form);
        let media: Vec<Value> = uploads.iter().enumerate().map(|(n, upload)| input_media(n, upload)).collect();
        let mut parts = addressed(place.1, reply_to).text("media", Value::Array(media).to_string());
        for (n, Upload { form, name, incoming, .. }) in uploads.into_iter().enumerate() {
            let at_end = (n == last).then(|| body_sent.clone());
            let limit = form.limit_bytes(self.limit_bytes);
            parts = parts.part(format!("file{n}"), part(incoming, name.to_owned(), limit, &progress, at_end));
        }
        let request = self.post("sendMediaGroup", parts, &progress);
        let answer = self.watch(place.1, first_form, request, &progress, body_sent).await?;
        let chat = TelegramChat { id: place.1.chat_id, ..place.0 };
        let messages: Vec<Box<RawValue>> = serde_json::from_str(answer.get()).unwrap_or_default();
        if messages.len() != last + 1 {
            return Err(UploadError::Failed(Failure::Uncertain(failure::uncertain())));
        }
        let sent = messages.iter().map(|message| Sent::read((self.id(), chat), Content::File, message));
        sent.collect::<Result<_, _>>().map_err(UploadError::Failed)
    }

    async fn post(&self, method: &str, parts: Multipart, progress: &ProgressWatch) -> Result<Box<RawValue>, CallError> {
        let request = self.uploads.post(self.sender.method(method)).multipart(parts);
        let response = self.uploads.send(request).await.map_err(CallError::of_request)?;
        progress.moved();
        receive(response).await
    }

    /// Waits for the answer for as long as something moves, and lets the customer see what comes.
    async fn watch(
        &self,
        to: &Target,
        form: SendAs,
        request: impl Future<Output = Result<Box<RawValue>, CallError>>,
        progress: &ProgressWatch,
        body_sent: &BodySent,
    ) -> Result<Box<RawValue>, UploadError> {
        body_sent.begin();
        let answer = tokio::select! {
            answer = request => Some(answer),
            () = progress.silence(self.patience, body_sent) => None,
            never = self.keep_showing(to, form) => match never {},
        };
        match answer {
            Some(Ok(result)) => Ok(result),
            Some(Err(CallError::Unanswered { why, .. })) => Err(broken(progress, body_sent, &why)),
            Some(Err(error)) if is_too_large(&error, progress) => Err(UploadError::TooLargeForServer),
            Some(Err(error)) => Err(verdict(error, body_sent)),
            None => Err(broken(progress, body_sent, "nothing moves")),
        }
    }
}

/// Whether the server takes no request of this size. A web server before it has a limit of its own, of 1 MB or more,
/// which it tells in its own words; of what is smaller, a 413 that is not Telegram's says nothing.
fn is_too_large(error: &CallError, progress: &ProgressWatch) -> bool {
    match error {
        CallError::Refused(error) => error.code == StatusCode::PAYLOAD_TOO_LARGE.as_u16(),
        CallError::Foreign(foreign) => foreign.status == StatusCode::PAYLOAD_TOO_LARGE && progress.may_be_large(),
        CallError::Unreachable(_) | CallError::Unanswered { .. } => false,
    }
}

fn addressed(to: &Target, reply_to: Option<ReplyParameters>) -> Multipart {
    let parts = Multipart::new().text("chat_id", to.chat_id.to_string());
    let parts = match &to.business_connection_id {
        Some(id) => parts.text("business_connection_id", id.clone()),
        None => parts,
    };
    let parts = match to.topic {
        Some(topic) => parts.text("message_thread_id", topic.to_string()),
        None => parts,
    };
    match reply_to {
        Some(reply) => parts.text("reply_parameters", json!(reply).to_string()),
        None => parts,
    }
}

fn part(incoming: Incoming, name: String, limit: u64, progress: &Arc<ProgressWatch>, at_end: Option<BodySent>) -> Part {
    let size = incoming.size_bytes;
    let body = Body::wrap_stream(watched(incoming, limit, Arc::clone(progress), at_end));
    let part = match size {
        Some(size) => Part::stream_with_length(body, size),
        None => Part::stream(body),
    };
    part.file_name(name)
}

/// Bot API, `InputMediaPhoto` and its kin.
fn input_media(n: usize, upload: &Upload<'_>) -> Value {
    let mut media = json!({ "type": upload.form.method().1, "media": format!("attach://file{n}") });
    if !upload.caption.is_empty() {
        media["caption"] = json!(upload.caption);
    }
    if upload.form == SendAs::Document {
        media["disable_content_type_detection"] = json!(true);
    }
    media
}

fn verdict(error: CallError, body_sent: &BodySent) -> UploadError {
    if let Some(redirect) = failure::redirect(&error) {
        return UploadError::Elsewhere(redirect);
    }
    if let CallError::Refused(refused) = &error {
        let (why, refusal) = (refused.description.clone(), failure::file_refused(refused));
        if failure::about_buttons(&error).is_some() {
            return UploadError::Refused { of: RefusedPart::Buttons, why, refusal };
        }
        if failure::is_about_content(&error) {
            let is_caption = why.to_lowercase().contains("caption");
            return UploadError::Refused {
                of: if is_caption { RefusedPart::Caption } else { RefusedPart::File },
                why,
                refusal,
            };
        }
    }
    // Of half a request nothing can have arrived.
    let of = if body_sent.is_complete() { failure::of_send } else { failure::of_repeatable };
    UploadError::Failed(of(error))
}

/// Why there is no answer. Until Telegram has all of a request, it has nothing.
fn broken(progress: &ProgressWatch, body_sent: &BodySent, why: &str) -> UploadError {
    match progress.broken() {
        Some(Break::TooLarge) => UploadError::TooLarge,
        Some(Break::SourceStalled(why)) => UploadError::SourceStalled(why.clone()),
        None if body_sent.is_complete() => UploadError::Failed(Failure::Uncertain(failure::uncertain())),
        None => UploadError::Failed(Failure::transient(format!("Telegram did not take the whole file: {why}"))),
    }
}
