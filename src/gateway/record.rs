//! What a program has done, as Telegram's answer tells it: stored before the program hears of it, in the lane of its
//! conversation, as a job that relays it to Kommo.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    clock,
    domain::{
        address::BotId,
        job::{IdempotencyKey, Job, Update},
        speaker::Speaker,
    },
    gateway::{Program, Shared, methods::Shown, params::Params},
    store::{Intake, NewJob, StoreError},
    translate::from_telegram::Received,
};

/// An answer of the Bot API.
#[derive(Deserialize)]
struct Told<'a> {
    ok: bool,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// Whether this is an answer of the Bot API.
pub(super) fn has_shape(answer: &[u8]) -> bool {
    serde_json::from_slice::<Told<'_>>(answer).is_ok()
}

/// Whether an answer is about the chat, and the message, that a call has named. Something in between may give the answer
/// to another call.
pub(super) fn is_to(shown: Shown, params: &Params, answer: &[u8]) -> bool {
    let Ok(Told { ok: true, result: Some(result) }) = serde_json::from_slice(answer) else { return true };
    if !matches!(shown, Shown::Messages | Shown::Edit) {
        return true;
    }
    let one = || serde_json::from_str::<Numbered>(result.get()).map(|message| vec![message]);
    let messages = serde_json::from_str::<Vec<Numbered>>(result.get()).or_else(|_| one()).unwrap_or_default();
    let edited = params.number("message_id").filter(|_| shown == Shown::Edit);
    messages.iter().all(|message| {
        let chat = message.chat.as_ref().and_then(|chat| chat["id"].as_i64());
        let is_same = |asked: Option<i64>, told: Option<i64>| asked.zip(told).is_none_or(|(asked, told)| asked == told);
        is_same(params.number("chat_id"), chat) && is_same(edited, Some(message.message_id))
    })
}

/// What is read of a message, or of the number of one.
#[derive(Deserialize)]
struct Numbered {
    message_id: i64,
    chat: Option<Value>,
    business_connection_id: Option<String>,
}

/// Something that was done: an update as if a bot was told of it.
#[derive(Debug, PartialEq)]
struct Act {
    raw: String,
    /// What a repetition is recognised by; what changes something may come as often as it likes.
    id: Option<IdempotencyKey>,
    is_copy: bool,
}

/// Stores what a program has done.
pub(super) async fn record(
    shared: &Shared,
    program: &Program,
    (shown, params): (Shown, &Params),
    answer: &[u8],
) -> Result<(), StoreError> {
    let Ok(Told { ok: true, result: Some(result) }) = serde_json::from_slice(answer) else { return Ok(()) };
    let acts = match shown {
        Shown::Nothing => return Ok(()),
        Shown::Messages => messages(shared, program, result),
        Shown::Edit => edit(shared, result).into_iter().collect(),
        Shown::Copies => {
            let Some(chat) = params.number("chat_id") else {
                tracing::info!(
                    program = program.name,
                    "copies in a chat that a program names by its name are not \
                    shown in Kommo"
                );
                return Ok(());
            };
            let chat = shared.chats.of(&program.bot, chat).await;
            copies(|| shared.number(), program.bot.id(), params, (chat, result))
        }
        Shown::Deletion => deletion(shared.number(), params, result).into_iter().collect(),
        Shown::Reaction => reaction(shared.number(), params, result).into_iter().collect(),
    };
    let speaker = Speaker {
        name: program.shown.clone(),
        leads: program.leads,
        keyboard: if shown == Shown::Messages { keyboard(params) } else { Vec::new() },
        is_copy: false,
    };
    let last = acts.len().saturating_sub(1);
    let job = |(n, act): (usize, Act)| {
        // Only one message of an album has the buttons that came with it.
        let keyboard = if n == last { speaker.keyboard.clone() } else { Vec::new() };
        let speaker = Speaker { keyboard, is_copy: act.is_copy, ..speaker.clone() };
        let lane = Received::read(&act.raw).lane(&program.source);
        let (source, bot) = (program.source.clone(), program.bot.id());
        NewJob { id: act.id, lane, job: Job::from(Update { source, bot, raw: act.raw, program: Some(speaker) }) }
    };
    let jobs: Vec<_> = acts.into_iter().enumerate().map(job).collect();
    if jobs.is_empty() {
        return Ok(());
    }
    shared.store.push(Intake { jobs, offset: None }, clock::now()).await.map(drop)
}

fn messages(shared: &Shared, program: &Program, result: &RawValue) -> Vec<Act> {
    let all = serde_json::from_str::<Vec<&RawValue>>(result.get()).unwrap_or_else(|_| vec![result]);
    let read = |raw: &RawValue| Some((serde_json::from_str::<Numbered>(raw.get()).ok()?, raw.get().to_owned()));
    let act = |(message, raw): (Numbered, String)| {
        let chat = message.chat.as_ref()?;
        if message.business_connection_id.is_none() {
            shared.chats.learn(program.bot.id(), chat);
        }
        let id = key(program.bot.id(), &message, chat["id"].as_i64()?);
        Some(Act { raw: format!(r#"{{"update_id":{},"message":{raw}}}"#, shared.number()), id, is_copy: false })
    };
    all.into_iter().filter_map(read).filter_map(act).collect()
}

fn key(bot: BotId, message: &Numbered, chat: i64) -> Option<IdempotencyKey> {
    // What Telegram sends later has no number until then.
    let connection = message.business_connection_id.as_deref();
    (message.message_id > 0).then(|| IdempotencyKey::sent(bot, connection, chat, message.message_id))
}

/// A new wording; `None` of a message that is in no chat of the bot's.
fn edit(shared: &Shared, result: &RawValue) -> Option<Act> {
    serde_json::from_str::<Numbered>(result.get()).ok()?;
    let raw = format!(r#"{{"update_id":{},"edited_message":{}}}"#, shared.number(), result.get());
    Some(Act { raw, id: None, is_copy: false })
}

/// Of copies Telegram tells nothing but their numbers. What is shown is what the program has told of them.
fn copies(
    mut number: impl FnMut() -> i64,
    bot: BotId,
    params: &Params,
    (chat, result): (Value, &RawValue),
) -> Vec<Act> {
    let one = |result: &RawValue| serde_json::from_str::<Numbered>(result.get()).map(|it| vec![it]);
    let numbers: Vec<Numbered> = serde_json::from_str(result.get()).or_else(|_| one(result)).unwrap_or_default();
    let chat_id = chat["id"].as_i64().unwrap_or_default();
    let is_within = params.number("from_chat_id") == Some(chat_id);
    let originals = params.json::<Vec<i64>>("message_ids").or_else(|| Some(vec![params.number("message_id")?]));
    let originals = originals.filter(|originals| originals.len() == numbers.len()).unwrap_or_default();
    let act = |(n, copy): (usize, Numbered)| {
        let mut message = json!({ "message_id": copy.message_id, "date": clock::now().seconds(), "chat": chat });
        if let Some(caption) = params.text("caption") {
            message["caption"] = json!(caption);
        }
        if let Some(markup) = params.json::<Value>("reply_markup") {
            message["reply_markup"] = markup;
        }
        if let Some(original) = originals.get(n).filter(|_| is_within) {
            message["reply_to_message"] = json!({ "message_id": original, "chat": chat });
        }
        let raw = json!({ "update_id": number(), "message": message }).to_string();
        Act { raw, id: key(bot, &copy, chat_id), is_copy: true }
    };
    numbers.into_iter().enumerate().map(act).collect()
}

fn deletion(number: i64, params: &Params, result: &RawValue) -> Option<Act> {
    let numbers = params.json::<Vec<i64>>("message_ids").or_else(|| Some(vec![params.number("message_id")?]))?;
    let deleted = json!({ "chat": { "id": done_in(params, result)? }, "message_ids": numbers });
    let raw = json!({ "update_id": number, "deleted_business_messages": deleted }).to_string();
    Some(Act { raw, id: None, is_copy: false })
}

fn reaction(number: i64, params: &Params, result: &RawValue) -> Option<Act> {
    let chat_id = done_in(params, result)?;
    let kind = if chat_id < 0 { "supergroup" } else { "private" };
    let reaction = json!({
        "chat": { "id": chat_id, "type": kind },
        "message_id": params.number("message_id")?,
        "old_reaction": [],
        "new_reaction": params.json::<Value>("reaction").unwrap_or_else(|| json!([])),
    });
    let raw = json!({ "update_id": number, "message_reaction": reaction }).to_string();
    Some(Act { raw, id: None, is_copy: false })
}

/// The chat in which something was done; `None` if it was not, or if the program has named its chat by a name.
fn done_in(params: &Params, result: &RawValue) -> Option<i64> {
    params.number("chat_id").filter(|_| result.get() == "true")
}

/// What stands on the buttons that come in place of the customer's keyboard (Bot API, `ReplyKeyboardMarkup`).
fn keyboard(params: &Params) -> Vec<Vec<String>> {
    let markup: Value = params.json("reply_markup").unwrap_or_default();
    let label = |button: &Value| button.as_str().or_else(|| button["text"].as_str()).map(str::to_owned);
    let row = |row: &Value| row.as_array().into_iter().flatten().filter_map(label).collect();
    markup["keyboard"].as_array().into_iter().flatten().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(fields: &Value) -> Params {
        Params::read(None, "application/json", fields.to_string().as_bytes()).unwrap()
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn update(act: &Act) -> Value {
        serde_json::from_str(&act.raw).unwrap()
    }

    #[test]
    fn a_copy_is_told_by_its_number_and_by_what_the_program_said_of_it() {
        let chat = json!({"id": 7, "type": "private", "first_name": "Ann"});
        let copied = |fields: Value, result: &str| {
            let mut number = 0;
            let next = || {
                number -= 1;
                number
            };
            copies(next, BotId(1), &params(&fields), (chat.clone(), &raw(result)))
        };
        let one =
            copied(json!({"chat_id": 7, "from_chat_id": 7, "message_id": 3, "caption": "Look"}), r#"{"message_id":9}"#);
        let message = &update(&one[0])["message"];
        assert_eq!((one.len(), one[0].is_copy, &message["chat"]), (1, true, &chat));
        assert_eq!((&message["message_id"], &message["caption"]), (&json!(9), &json!("Look")));
        assert_eq!(message["reply_to_message"]["message_id"], 3);
        assert_eq!(one[0].id, Some(IdempotencyKey::sent(BotId(1), None, 7, 9)));
        // What is copied from elsewhere answers nothing here.
        let many = json!({"chat_id": 7, "from_chat_id": 8, "message_ids": [3, 4]});
        let many = copied(many, r#"[{"message_id":10},{"message_id":11}]"#);
        let numbers: Vec<_> = many.iter().map(|act| update(act)["message"]["message_id"].clone()).collect();
        assert_eq!(numbers, [json!(10), json!(11)]);
        assert!(update(&many[0])["message"]["reply_to_message"].is_null());
    }

    #[test]
    fn an_answer_to_another_call_is_told_by_its_chat_and_its_message() {
        let answer = |chat: i64, message: i64| format!(r#"{{"message_id":{message},"chat":{{"id":{chat}}}}}"#);
        let is_to = |shown, fields: Value, result: &str| {
            is_to(shown, &params(&fields), format!(r#"{{"ok":true,"result":{result}}}"#).as_bytes())
        };
        let to = |chat: i64, result: &str| is_to(Shown::Messages, json!({"chat_id": chat, "message_id": 1}), result);
        assert!(to(7, &answer(7, 9)) && !to(7, &answer(8, 9)));
        assert!(to(7, &format!("[{},{}]", answer(7, 9), answer(7, 10))));
        assert!(!to(7, &format!("[{},{}]", answer(7, 9), answer(8, 10))));
        assert!(is_to(Shown::Messages, json!({"chat_id": "@garden"}), &answer(-8, 9)), "nobody knows its number");
        let edit =
            |message: i64, result: &str| is_to(Shown::Edit, json!({"chat_id": 7, "message_id": message}), result);
        assert!(edit(9, &answer(7, 9)) && !edit(9, &answer(7, 10)) && !edit(9, &answer(8, 9)));
        assert!(is_to(Shown::Edit, json!({"inline_message_id": "x"}), "true"));
        assert!(is_to(Shown::Copies, json!({"chat_id": 7}), r#"{"message_id":9}"#));
        assert!(super::is_to(Shown::Messages, &params(&json!({"chat_id": 7})), br#"{"ok":false}"#));
    }

    #[test]
    fn what_has_not_come_about_is_not_told() {
        let fields = params(&json!({"chat_id": 7, "message_id": 3, "message_ids": null}));
        assert_eq!(deletion(-1, &fields, &raw("false")), None);
        let named = params(&json!({"chat_id": "@garden", "message_id": 3}));
        assert_eq!(deletion(-1, &named, &raw("true")), None);
        let deleted = deletion(-1, &fields, &raw("true")).unwrap();
        assert_eq!(update(&deleted)["deleted_business_messages"], json!({"chat": {"id": 7}, "message_ids": [3]}));
        let reacted = reaction(-1, &fields, &raw("true")).unwrap();
        assert_eq!(update(&reacted)["message_reaction"]["new_reaction"], json!([]));
    }

    #[test]
    fn buttons_in_place_of_the_keyboard_are_read_from_the_call() {
        let menu = json!({"reply_markup": {"keyboard": [["Menu", {"text": "Cart"}], []]}});
        assert_eq!(keyboard(&params(&menu)), [vec!["Menu".to_owned(), "Cart".to_owned()], Vec::new()]);
        let inline = json!({"reply_markup": {"inline_keyboard": [[{"text": "Yes"}]]}});
        assert_eq!(keyboard(&params(&inline)), Vec::<Vec<String>>::new());
        assert!(has_shape(br#"{"ok":false,"error_code":400,"description":"x"}"#));
        assert!(!has_shape(b"<html>") && !has_shape(br#"{"error":"x"}"#) && !has_shape(b"[]"));
    }
}
