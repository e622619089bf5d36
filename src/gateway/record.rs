//! Stores what a program has done, as Telegram's response shows it, before the program gets that response. Each action
//! becomes a job in the lane of its conversation, which relays it to Kommo.

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

/// A response of the Bot API.
#[derive(Deserialize)]
struct ApiAnswer<'a> {
    ok: bool,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// Whether a response has the format of the Bot API.
pub(super) fn is_bot_api_answer(answer: &[u8]) -> bool {
    serde_json::from_slice::<ApiAnswer<'_>>(answer).is_ok()
}

/// Whether a response is about the chat and the message of the call. A proxy may return the response to another call.
pub(super) fn matches_call(shown: Shown, params: &Params, answer: &[u8]) -> bool {
    let Ok(ApiAnswer { ok: true, result: Some(result) }) = serde_json::from_slice(answer) else { return true };
    if !matches!(shown, Shown::Messages | Shown::Edit) {
        return true;
    }
    let one = || serde_json::from_str::<MessageRef>(result.get()).map(|message| vec![message]);
    let messages = serde_json::from_str::<Vec<MessageRef>>(result.get()).or_else(|_| one()).unwrap_or_default();
    let edited_id = params.number("message_id").filter(|_| shown == Shown::Edit);
    messages.iter().all(|message| {
        let chat = message.chat.as_ref().and_then(|chat| chat["id"].as_i64());
        let is_same = |expected: Option<i64>, actual: Option<i64>| {
            expected.zip(actual).is_none_or(|(expected, actual)| expected == actual)
        };
        is_same(params.number("chat_id"), chat) && is_same(edited_id, Some(message.message_id))
    })
}

/// A message, or the id of one, in a response.
#[derive(Deserialize)]
struct MessageRef {
    message_id: i64,
    chat: Option<Value>,
    business_connection_id: Option<String>,
}

/// An action of a program, as an update of the kind that a bot would get of it.
#[derive(Debug, PartialEq)]
struct SyntheticUpdate {
    raw: String,
    /// Recognises a repetition. Changes have none, because each of them counts.
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
    let Ok(ApiAnswer { ok: true, result: Some(result) }) = serde_json::from_slice(answer) else { return Ok(()) };
    let updates = match shown {
        Shown::Nothing => return Ok(()),
        Shown::Messages => messages(shared, program, result),
        Shown::Edit => edit(shared, result).into_iter().collect(),
        Shown::Copies => {
            let Some(chat) = params.number("chat_id") else {
                tracing::info!(
                    program = program.name,
                    "Kommo does not show copies in a chat that the program has \
                    named by its @name"
                );
                return Ok(());
            };
            let chat = shared.chats.of(&program.bot, chat).await;
            copies(|| shared.next_update_id(), program.bot.id(), params, (chat, result))
        }
        Shown::Deletion => deletion(shared.next_update_id(), params, result).into_iter().collect(),
        Shown::Reaction => reaction(shared.next_update_id(), params, result).into_iter().collect(),
    };
    let speaker = Speaker {
        name: program.display_name.clone(),
        leads: program.leads,
        keyboard: if shown == Shown::Messages { keyboard(params) } else { Vec::new() },
        is_copy: false,
    };
    let last = updates.len().saturating_sub(1);
    let job = |(n, synthetic): (usize, SyntheticUpdate)| {
        // Telegram attaches the buttons of an album to one of its messages.
        let keyboard = if n == last { speaker.keyboard.clone() } else { Vec::new() };
        let speaker = Speaker { keyboard, is_copy: synthetic.is_copy, ..speaker.clone() };
        let lane = Received::read(&synthetic.raw).lane(&program.source);
        let (source, bot) = (program.source.clone(), program.bot.id());
        NewJob {
            id: synthetic.id,
            lane,
            job: Job::from(Update { source, bot, raw: synthetic.raw, program: Some(speaker) }),
        }
    };
    let jobs: Vec<_> = updates.into_iter().enumerate().map(job).collect();
    if jobs.is_empty() {
        return Ok(());
    }
    shared.store.push(Intake { jobs, offset: None }, clock::now()).await.map(drop)
}

fn messages(shared: &Shared, program: &Program, result: &RawValue) -> Vec<SyntheticUpdate> {
    let all = serde_json::from_str::<Vec<&RawValue>>(result.get()).unwrap_or_else(|_| vec![result]);
    let read = |raw: &RawValue| Some((serde_json::from_str::<MessageRef>(raw.get()).ok()?, raw.get().to_owned()));
    let synthetic = |(message, raw): (MessageRef, String)| {
        let chat = message.chat.as_ref()?;
        if message.business_connection_id.is_none() {
            shared.chats.learn(program.bot.id(), chat);
        }
        let id = key(program.bot.id(), &message, chat["id"].as_i64()?);
        Some(SyntheticUpdate {
            raw: format!(r#"{{"update_id":{},"message":{raw}}}"#, shared.next_update_id()),
            id,
            is_copy: false,
        })
    };
    all.into_iter().filter_map(read).filter_map(synthetic).collect()
}

fn key(bot: BotId, message: &MessageRef, chat: i64) -> Option<IdempotencyKey> {
    // A message that Telegram sends later has no id until then.
    let connection = message.business_connection_id.as_deref();
    (message.message_id > 0).then(|| IdempotencyKey::sent(bot, connection, chat, message.message_id))
}

/// An edit; `None` if the message is in no chat of the bot's.
fn edit(shared: &Shared, result: &RawValue) -> Option<SyntheticUpdate> {
    serde_json::from_str::<MessageRef>(result.get()).ok()?;
    let raw = format!(r#"{{"update_id":{},"edited_message":{}}}"#, shared.next_update_id(), result.get());
    Some(SyntheticUpdate { raw, id: None, is_copy: false })
}

/// Copies. Telegram returns their ids only, so their content comes from the call.
fn copies(
    mut number: impl FnMut() -> i64,
    bot: BotId,
    params: &Params,
    (chat, result): (Value, &RawValue),
) -> Vec<SyntheticUpdate> {
    let one = |result: &RawValue| serde_json::from_str::<MessageRef>(result.get()).map(|it| vec![it]);
    let numbers: Vec<MessageRef> = serde_json::from_str(result.get()).or_else(|_| one(result)).unwrap_or_default();
    let chat_id = chat["id"].as_i64().unwrap_or_default();
    let is_within = params.number("from_chat_id") == Some(chat_id);
    let originals = params.json::<Vec<i64>>("message_ids").or_else(|| Some(vec![params.number("message_id")?]));
    let originals = originals.filter(|originals| originals.len() == numbers.len()).unwrap_or_default();
    let synthetic = |(n, copy): (usize, MessageRef)| {
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
        SyntheticUpdate { raw, id: key(bot, &copy, chat_id), is_copy: true }
    };
    numbers.into_iter().enumerate().map(synthetic).collect()
}

fn deletion(number: i64, params: &Params, result: &RawValue) -> Option<SyntheticUpdate> {
    let numbers = params.json::<Vec<i64>>("message_ids").or_else(|| Some(vec![params.number("message_id")?]))?;
    let deleted = json!({ "chat": { "id": chat_of_success(params, result)? }, "message_ids": numbers });
    let raw = json!({ "update_id": number, "deleted_business_messages": deleted }).to_string();
    Some(SyntheticUpdate { raw, id: None, is_copy: false })
}

fn reaction(number: i64, params: &Params, result: &RawValue) -> Option<SyntheticUpdate> {
    let chat_id = chat_of_success(params, result)?;
    let kind = if chat_id < 0 { "supergroup" } else { "private" };
    let reaction = json!({
        "chat": { "id": chat_id, "type": kind },
        "message_id": params.number("message_id")?,
        "old_reaction": [],
        "new_reaction": params.json::<Value>("reaction").unwrap_or_else(|| json!([])),
    });
    let raw = json!({ "update_id": number, "message_reaction": reaction }).to_string();
    Some(SyntheticUpdate { raw, id: None, is_copy: false })
}

/// The chat of a successful call; `None` if it has failed, or if the program has named the chat by its `@name`.
fn chat_of_success(params: &Params, result: &RawValue) -> Option<i64> {
    params.number("chat_id").filter(|_| result.get() == "true")
}

/// The labels of the buttons that replace the customer's keyboard (Bot API, `ReplyKeyboardMarkup`).
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

    fn update(synthetic: &SyntheticUpdate) -> Value {
        serde_json::from_str(&synthetic.raw).unwrap()
    }

    #[test]
    fn a_copy_has_its_id_and_the_content_of_the_call() {
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
        // A copy from another chat quotes nothing here.
        let many = json!({"chat_id": 7, "from_chat_id": 8, "message_ids": [3, 4]});
        let many = copied(many, r#"[{"message_id":10},{"message_id":11}]"#);
        let numbers: Vec<_> = many.iter().map(|synthetic| update(synthetic)["message"]["message_id"].clone()).collect();
        assert_eq!(numbers, [json!(10), json!(11)]);
        assert!(update(&many[0])["message"]["reply_to_message"].is_null());
    }

    #[test]
    fn a_response_to_another_call_is_recognised_by_its_chat_and_message() {
        let answer = |chat: i64, message: i64| format!(r#"{{"message_id":{message},"chat":{{"id":{chat}}}}}"#);
        let matches_call = |shown, fields: Value, result: &str| {
            matches_call(shown, &params(&fields), format!(r#"{{"ok":true,"result":{result}}}"#).as_bytes())
        };
        let to =
            |chat: i64, result: &str| matches_call(Shown::Messages, json!({"chat_id": chat, "message_id": 1}), result);
        assert!(to(7, &answer(7, 9)) && !to(7, &answer(8, 9)));
        assert!(to(7, &format!("[{},{}]", answer(7, 9), answer(7, 10))));
        assert!(!to(7, &format!("[{},{}]", answer(7, 9), answer(8, 10))));
        assert!(
            matches_call(Shown::Messages, json!({"chat_id": "@garden"}), &answer(-8, 9)),
            "the id of a named chat is unknown"
        );
        let edit = |message: i64, result: &str| {
            matches_call(Shown::Edit, json!({"chat_id": 7, "message_id": message}), result)
        };
        assert!(edit(9, &answer(7, 9)) && !edit(9, &answer(7, 10)) && !edit(9, &answer(8, 9)));
        assert!(matches_call(Shown::Edit, json!({"inline_message_id": "x"}), "true"));
        assert!(matches_call(Shown::Copies, json!({"chat_id": 7}), r#"{"message_id":9}"#));
        assert!(super::matches_call(Shown::Messages, &params(&json!({"chat_id": 7})), br#"{"ok":false}"#));
    }

    #[test]
    fn failed_calls_are_not_recorded() {
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
    fn buttons_that_replace_the_keyboard_are_read_from_the_call() {
        let menu = json!({"reply_markup": {"keyboard": [["Menu", {"text": "Cart"}], []]}});
        assert_eq!(keyboard(&params(&menu)), [vec!["Menu".to_owned(), "Cart".to_owned()], Vec::new()]);
        let inline = json!({"reply_markup": {"inline_keyboard": [[{"text": "Yes"}]]}});
        assert_eq!(keyboard(&params(&inline)), Vec::<Vec<String>>::new());
        assert!(is_bot_api_answer(br#"{"ok":false,"error_code":400,"description":"x"}"#));
        assert!(!is_bot_api_answer(b"<html>") && !is_bot_api_answer(br#"{"error":"x"}"#) && !is_bot_api_answer(b"[]"));
    }
}
