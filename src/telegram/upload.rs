//! Uploads files to customers. They are streamed, and never held as a whole.

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

/// A file to upload.
pub struct Upload<'a> {
    pub form: SendAs,
    /// The file name that the customer sees.
    pub name: &'a str,
    /// Its caption; empty for none.
    pub caption: &'a str,
    pub incoming: Incoming,
}

/// Why an upload has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadError {
    /// Telegram refuses it in this form.
    Refused {
        /// The part that it refuses.
        of: RefusedPart,
        why: String,
        /// What managers read if no other form helps.
        refusal: Refusal,
    },
    /// It exceeds the limit of its form.
    TooLarge,
    /// The server refuses requests of this size (413), though Telegram may not.
    TooLargeForServer,
    /// Its source has stopped sending, and Telegram has nothing of it.
    SourceStalled(String),
    /// It has to be sent to another target. Nothing was sent.
    Elsewhere(Redirect),
    /// Any other failure.
    Failed(Failure),
}

/// The part of a message with a file that Telegram refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedPart {
    Buttons,
    Caption,
    /// The file, in this form.
    File,
}

impl Bot {
    /// The largest file that the server accepts from bots.
    #[must_use]
    pub const fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Sends a file, and returns the message.
    ///
    /// # Errors
    /// [`UploadError`]. It is uncertain if Telegram may have accepted the file.
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
        let mut parts = target_parts(place.1, reply_to);
        if !upload.caption.is_empty() {
            parts = parts.text("caption", upload.caption.to_owned());
        }
        if let Some(markup) = self.markup(keyboard, place.0) {
            parts = parts.text("reply_markup", markup.to_string());
        }
        if form == SendAs::Document {
            // Otherwise Telegram may show it as a picture or a video.
            parts = parts.text("disable_content_type_detection", "true");
        }
        let name = upload.name.to_owned();
        let parts = parts.part(field, part(upload.incoming, name, limit, &progress, Some(body_sent.clone())));
        let answer = self.watch(place.1, form, self.post(method, parts, &progress), &progress, body_sent).await?;
        let chat = TelegramChat { id: place.1.chat_id, ..place.0 };
        Sent::read((self.id(), chat), Content::File, &answer).map_err(UploadError::Failed)
    }

    /// Sends an album, and returns its messages, in order.
    ///
    /// # Errors
    /// As [`Bot::upload`]. Telegram accepts all files or none.
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
        let mut parts = target_parts(place.1, reply_to).text("media", Value::Array(media).to_string());
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

    /// Waits for the response as long as the upload makes progress, and shows the customer a chat action meanwhile.
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
            None => Err(broken(progress, body_sent, "no progress")),
        }
    }
}

/// Whether the server refuses requests of this size. A web server in front of it may have a limit of its own, of 1 MB
/// or more, and respond in its own format. For a smaller request, such a 413 says nothing about the size.
fn is_too_large(error: &CallError, progress: &ProgressWatch) -> bool {
    match error {
        CallError::Refused(error) => error.code == StatusCode::PAYLOAD_TOO_LARGE.as_u16(),
        CallError::Foreign(foreign) => foreign.status == StatusCode::PAYLOAD_TOO_LARGE && progress.may_be_large(),
        CallError::Unreachable(_) | CallError::Unanswered { .. } => false,
    }
}

fn target_parts(to: &Target, reply_to: Option<ReplyParameters>) -> Multipart {
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

/// `InputMediaPhoto` and the like (Bot API).
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
    // An incomplete request has no effect.
    let of = if body_sent.is_complete() { failure::of_send } else { failure::of_repeatable };
    UploadError::Failed(of(error))
}

/// Why there is no response. Until Telegram has the complete request, it has nothing.
fn broken(progress: &ProgressWatch, body_sent: &BodySent, why: &str) -> UploadError {
    match progress.broken() {
        Some(Break::TooLarge) => UploadError::TooLarge,
        Some(Break::SourceStalled(why)) => UploadError::SourceStalled(why.clone()),
        None if body_sent.is_complete() => UploadError::Failed(Failure::Uncertain(failure::uncertain())),
        None => UploadError::Failed(Failure::transient(format!("Telegram did not accept the whole file: {why}"))),
    }
}
