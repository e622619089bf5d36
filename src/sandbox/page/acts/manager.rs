//! What a manager does in Kommo.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{done, emoji, non_blank, read};
use crate::sandbox::{
    kommo::{CaptionOn, Draft, HookAnswer, Pace, Template},
    page::{PageError, View, files},
};

/// Who says something, and where.
#[derive(Deserialize)]
pub(super) struct Place {
    conversation_id: String,
    author: String,
    /// Kommo's id of the message that is answered.
    reply_to: Option<String>,
}

impl Place {
    /// The author's name, if both are there.
    fn author(&self, view: &View) -> Result<&str, PageError> {
        begun(view, &self.conversation_id)?;
        let author = self.author.trim();
        if author.is_empty() {
            return Err(PageError::bad("Say who answers: the author is empty."));
        }
        Ok(author)
    }

    fn answering(&self, draft: Draft) -> Draft {
        match &self.reply_to {
            Some(quoted) => draft.answering(quoted),
            None => draft,
        }
    }
}

fn begun(view: &View, conversation_id: &str) -> Result<(), PageError> {
    let chat = view.kommo.chat(conversation_id);
    chat.map(|_| ()).ok_or_else(|| PageError::unknown(format!("There is no conversation {conversation_id:?}.")))
}

/// A phone number, and the source by which it is written to.
#[derive(Deserialize)]
pub(super) struct Number {
    phone: String,
    source: String,
}

impl Number {
    async fn write(&self, view: &View, draft: Draft) -> Result<(String, HookAnswer), PageError> {
        view.token(&self.source)?;
        let phone = self.phone.trim();
        if phone.is_empty() {
            return Err(PageError::bad("Say to which phone number this goes."));
        }
        Ok(view.kommo.write_first(phone, &self.source, draft).await)
    }
}

/// Where a manager says something.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum To {
    Known(Place),
    /// In a chat that a manager has begun: it has no conversation until the customer answers.
    Begun(Number),
}

impl To {
    async fn say(&self, view: &View, draft: Draft) -> Result<(String, HookAnswer), PageError> {
        match self {
            Self::Known(place) => {
                let author = place.author(view)?;
                Ok(view.kommo.say(&place.conversation_id, author, place.answering(draft)).await)
            }
            Self::Begun(number) => number.write(view, draft).await,
        }
    }

    /// Several at once: one message each.
    async fn say_together(&self, view: &View, mut drafts: Vec<Draft>) -> Result<Vec<(String, HookAnswer)>, PageError> {
        match self {
            Self::Known(place) => {
                let author = place.author(view)?;
                if let Some(first) = drafts.first_mut() {
                    *first = place.answering(std::mem::take(first));
                }
                Ok(view.kommo.say_together(&place.conversation_id, author, drafts, Pace::AtOnce).await)
            }
            Self::Begun(number) => {
                let mut sent = Vec::new();
                for draft in Draft::together(drafts) {
                    sent.push(number.write(view, draft).await?);
                }
                Ok(sent)
            }
        }
    }
}

/// A message's id, and the status of the response to its hook.
fn hook_status((message_id, hook): &(String, HookAnswer)) -> Value {
    json!({ "message_id": message_id, "hook_status": hook.status })
}

#[derive(Deserialize)]
struct Reply {
    #[serde(flatten)]
    to: To,
    #[serde(default)]
    text: String,
    form: Option<Form>,
}

/// What a message can be besides a text.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Form {
    Buttons { rows: Vec<Vec<String>> },
    Links { rows: Vec<Vec<(String, String)>> },
    List { button: String, rows: Vec<(String, String)> },
    Template { content: String, params: Vec<(String, String)>, rows: Vec<Vec<String>> },
    Location { lat: f64, lon: f64 },
    Contact { name: String, phone: String },
}

pub(super) async fn reply(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let Reply { to, text, form } = read(&body)?;
    let draft = match &form {
        Some(form) => form.draft(text.trim()),
        None => Draft::text(non_blank(&text)?),
    };
    Ok(done(&hook_status(&to.say(&view, draft).await?)))
}

impl Form {
    fn draft(&self, text: &str) -> Draft {
        match self {
            Self::Buttons { rows } => with_buttons(Draft::text(text), rows),
            Self::Links { rows } => {
                let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(pair).collect()).collect();
                Draft::text(text).links(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
            }
            Self::List { button, rows } => Draft::text(text).list(button, &rows.iter().map(pair).collect::<Vec<_>>()),
            Self::Template { content, params, rows } => {
                let template = Template { id: 1, external_id: None, content: content.clone(), params: params.clone() };
                with_buttons(Draft::template(&template), rows)
            }
            Self::Location { lat, lon } => Draft::place(*lon, *lat),
            Self::Contact { name, phone } => Draft::card(name, phone),
        }
    }
}

fn pair((one, other): &(String, String)) -> (&str, &str) {
    (one, other)
}

fn with_buttons(draft: Draft, rows: &[Vec<String>]) -> Draft {
    let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    draft.buttons(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[derive(Deserialize)]
struct First {
    #[serde(flatten)]
    number: Number,
    text: String,
}

/// A manager writes first, to a phone number.
pub(super) async fn write_first(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let First { number, text } = read(&body)?;
    let sent = number.write(&view, Draft::text(non_blank(&text)?)).await?;
    let mut answer = hook_status(&sent);
    let chats = view.kommo.chats();
    let chat = chats.iter().find(|chat| chat.messages.iter().any(|message| message.id == sent.0));
    answer["chat_id"] = json!(chat.map(|chat| &chat.chat_id));
    Ok(done(&answer))
}

/// A manager sends files: a message each, and the text with the first.
pub(super) async fn send_files(State(view): State<Arc<View>>, form: files::Form) -> Result<Response, PageError> {
    let (to, files) = files::received::<To>(form).await?;
    let attachments = files.files.into_iter().map(files::of_manager).collect();
    let mut drafts = Draft::files(attachments, &files.caption, CaptionOn::First);
    let answers = match drafts.len() {
        1 => vec![to.say(&view, drafts.remove(0)).await?],
        _ => to.say_together(&view, drafts).await?,
    };
    Ok(done(&json!({ "sent": answers.iter().map(hook_status).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
struct React {
    #[serde(flatten)]
    place: Place,
    message_id: String,
    emoji: Option<String>,
}

/// A manager reacts to a message, or takes it back.
pub(super) async fn react(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let React { place, message_id, emoji: wanted } = read(&body)?;
    let author = place.author(&view)?;
    let chat = view.kommo.chat(&place.conversation_id);
    if !chat.is_some_and(|chat| chat.messages.iter().any(|message| message.id == message_id)) {
        return Err(PageError::unknown("There is no such message in this conversation."));
    }
    let hook = view.kommo.react(&place.conversation_id, author, &message_id, emoji(wanted.as_deref())?).await;
    Ok(done(&json!({ "hook_status": hook.status })))
}

#[derive(Deserialize)]
struct Typing {
    conversation_id: String,
}

pub(super) async fn typing(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let Typing { conversation_id } = read(&body)?;
    begun(&view, &conversation_id)?;
    let hook = view.kommo.typing(&conversation_id).await;
    Ok(done(&json!({ "hook_status": hook.status })))
}
