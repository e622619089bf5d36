//! `POST {scope}`: new messages into the account.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Core, Doubtful, DuplicateAnswer, Imports, Media, Optional, Quirks, Silence, Texts,
        api::{Answer, Refusal},
        chats, edits,
        media::Wanted,
        reading::{Cited, Event, Filled, NewMessage},
        responses,
        statuses::ReportedStatus,
        world::{Author, Message, World},
    },
};

/// Takes a message, or the edit of one.
pub(super) fn post(core: &Core, body: &[u8]) -> Answer {
    let event: Event = read(body)?;
    let payload = event.payload.to_string();
    match event.event_type.as_str() {
        "new_message" => accept(core, &read(payload.as_bytes())?),
        "edit_message" => edits::edit(core, &read(payload.as_bytes())?),
        other => Err(Refusal::bad(format!("event_type: {other} is not known"))),
    }
}

pub(super) fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))
}

fn accept(core: &Core, new: &NewMessage) -> Answer {
    new.message.check(false).map_err(Refusal::bad)?;
    limits(core.world.read(|world| world.quirks), new)?;
    let status = new.message.delivery_status.as_ref().map(ReportedStatus::status).transpose()?;
    core.world.change(|world| {
        let author = author(core, world, new)?;
        if status.is_some() {
            may_tell_status(world.quirks, author)?;
        }
        if let Some(answer) = repeated(world, new) {
            return answer;
        }
        let references = cited(world, new)?;
        let place = chats::thread(world, &new.into())?;
        let mut message = message(new, author, references, world, place);
        if let Some(status) = status {
            message.set_status(status);
        }
        let wanted = message.media.as_ref().map(|media| (Wanted::File(message.id.clone()), media.url.clone()));
        world.wanted.extend(wanted);
        let chat = &mut world.chats[place];
        chat.is_lead |= author == Author::Customer && !message.silent;
        chat.messages.push(message.clone());
        echo(core, world, place, &message);
        let chat = &world.chats[place];
        Ok(accepted(world.quirks, &chat.chat_id, &chat.contact.id, new, &message))
    })
}

/// Whether a message is neither too long nor too large. The documentation states no limits.
fn limits(quirks: Quirks, new: &NewMessage) -> Result<(), Refusal> {
    let chars = new.message.text.as_deref().unwrap_or_default().chars().count();
    if matches!(quirks.texts, Texts::Refused(most) if chars > most) {
        return Err(Refusal::bad("message.text is too long"));
    }
    if quirks.largest_file.is_some_and(|most| new.message.file_size > Some(most)) {
        return Err(Refusal::bad("message.file_size: the file is too large"));
    }
    Ok(())
}

/// The text as it is kept.
fn kept(quirks: Quirks, text: &str) -> String {
    match quirks.texts {
        Texts::Cut(most) => text.chars().take(most).collect(),
        Texts::Whole | Texts::Refused(_) => text.to_owned(),
    }
}

/// Whether a new message may tell what became of it: what customers write has no delivery.
fn may_tell_status(quirks: Quirks, author: Author) -> Result<(), Refusal> {
    match (author, quirks.new_statuses) {
        (Author::Customer, _) => Err(Refusal::bad("message.delivery_status: customers' messages have none")),
        (Author::Manager | Author::Bot, Doubtful::Refused) => {
            Err(Refusal::bad("message.delivery_status belongs to edit_message"))
        }
        (Author::Manager | Author::Bot, Doubtful::Taken) => Ok(()),
    }
}

/// The answer to a message that is there already.
fn repeated(world: &mut World, new: &NewMessage) -> Option<Answer> {
    let quirks = world.quirks;
    let (known, chat_id, contact_id) = world.find(|it| it.client_msgid.as_ref() == Some(&new.msgid.0))?;
    Some(match quirks.duplicates {
        DuplicateAnswer::SameIds200 => Ok(accepted(quirks, &chat_id, &contact_id, new, known)),
        DuplicateAnswer::Blank200 => Ok((200, Value::Null)),
        DuplicateAnswer::Doubled => return None,
        DuplicateAnswer::BadRequest400 => Err(Refusal::bad(format!("msgid {} is known", new.msgid.0))),
    })
}

/// Whether a manager's import comes back as a hook is not documented; the bot's does not.
fn echo(core: &Core, world: &mut World, place: usize, message: &Message) {
    if message.from == Author::Manager && world.quirks.imports == Imports::Echoed {
        let chat = &world.chats[place];
        let hook = responses::message(&core.settings.account_id, world, (chat, chat.source.as_deref()), message);
        let echo = (chat.conversation_id.clone(), hook);
        world.echoes.push(echo);
    }
}

/// What a message refers to.
#[derive(Default)]
struct References {
    reply_to: Option<String>,
    forwards: Vec<String>,
    words: Option<String>,
}

/// Quotes are of the same chat; what is passed on may be from any. What Kommo does to an unknown one is not documented.
fn cited(world: &World, new: &NewMessage) -> Result<References, Refusal> {
    let mut references = References::default();
    let here = chats::landing(world, &new.conversation_id, new.conversation_ref_id.as_ref());
    if let Some(reply) = &new.reply_to {
        let chat = here.map(|place| &world.chats[place]);
        let messages = chat.into_iter().flat_map(|chat| &chat.messages);
        references.reply_to = refer(world.quirks, messages, &reply.message, &mut references.words)?;
    }
    let Some(forwards) = &new.forwards else { return Ok(references) };
    let [forwarded] = forwards.messages.as_slice() else {
        return Err(Refusal::bad("forwards.messages has one element"));
    };
    let everywhere = world.chats.iter().flat_map(|chat| &chat.messages);
    references.forwards = refer(world.quirks, everywhere, forwarded, &mut references.words)?.into_iter().collect();
    Ok(references)
}

/// Kommo's id of the message that is meant; or what it says, if it is given in full.
fn refer<'w>(
    quirks: Quirks,
    mut messages: impl Iterator<Item = &'w Message>,
    cited: &Cited,
    words: &mut Option<String>,
) -> Result<Option<String>, Refusal> {
    let is_named = cited.id.is_some() || cited.msgid.is_some();
    let found = messages.find(|message| message.is_meant(cited.id.as_ref(), cited.msgid.as_ref()));
    match (found, cited.words(), quirks.unknown_quotes) {
        (Some(found), ..) => Ok(Some(found.id.clone())),
        (None, Some(text), _) if !is_named => {
            *words = Some(text);
            Ok(None)
        }
        (None, _, Doubtful::Taken) if is_named => Ok(None),
        (None, ..) if is_named => Err(Refusal::bad("reply_to or forwards: no such message")),
        (None, ..) => Err(Refusal::bad("reply_to or forwards: name the message, or give all of it")),
    }
}

/// Who wrote it: an answer that is imported needs a sender whom Kommo knows.
fn author(core: &Core, world: &World, new: &NewMessage) -> Result<Author, Refusal> {
    match (&new.receiver, &new.sender.ref_id) {
        (None, _) => Ok(Author::Customer),
        (Some(_), Some(Filled(id))) if *id == core.settings.bot_id => Ok(Author::Bot),
        (Some(_), Some(Filled(id))) if world.manager_named_by(id).is_some() => Ok(Author::Manager),
        (Some(_), _) => Err(unknown_sender(world.quirks)),
    }
}

/// The error whose code is no HTTP status; that one is not documented.
pub(super) fn unknown_sender(quirks: Quirks) -> Refusal {
    let description = "sender: user not found".to_owned();
    Refusal { status: quirks.unknown_sender_status, code: 453, kind: "", description }
}

fn message(new: &NewMessage, from: Author, references: References, world: &World, place: usize) -> Message {
    let author_id = match from {
        Author::Customer => world.chats[place].contact.id.clone(),
        Author::Manager | Author::Bot => new.sender.ref_id.as_ref().map(|id| id.0.clone()).unwrap_or_default(),
    };
    let (at, text) =
        (UnixMillis(new.msec_timestamp), kept(world.quirks, new.message.text.as_deref().unwrap_or_default()));
    Message {
        client_msgid: Some(new.msgid.0.clone()),
        kind: new.message.kind.name().to_owned(),
        media: Media::of(&new.message),
        card: new.message.card(),
        more: new.message.more(),
        imported: true,
        silent: new.silent.unwrap_or(world.quirks.silence == Silence::Silent),
        reply_to: references.reply_to,
        forwards: references.forwards,
        cited: references.words,
        callback_data: new.message.callback_data.as_ref().map(|data| data.0.clone()),
        ..Message::outgoing(from, (&author_id, &new.sender.name.0), &text, at)
    }
}

/// The naming is Kommo's: `msgid` is its own id here, and `ref_id` the channel's.
fn accepted(quirks: Quirks, chat_id: &str, contact_id: &str, new: &NewMessage, message: &Message) -> (u16, Value) {
    if quirks.chat_ids == Optional::Missing {
        return (200, json!({ "new_message": { "msgid": message.id, "ref_id": new.msgid.0 } }));
    }
    let receiver = new.receiver.as_ref().map(|_| contact_id);
    let names = json!({
        "conversation_id": chat_id,
        "sender_id": message.author_id,
        "receiver_id": receiver,
        "msgid": message.id,
        "ref_id": new.msgid.0,
    });
    (200, json!({ "new_message": names }))
}
