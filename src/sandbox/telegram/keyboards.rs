//! Buttons below messages, and what becomes of a press.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        Key, Keyboard, Room,
        arguments::Arguments,
        methods::{Answer, Refusal, UNAUTHORIZED},
        reply_keyboards::{self, ReplyKeyboard},
        responses,
        world::World,
    },
};

/// How long a press can be answered (server source).
const PRESS_LIVES: Duration = Duration::from_secs(150);
/// The longest answer to a press, in characters.
const LONGEST_ANSWER: usize = 200;

/// What a message does to the keyboards around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Markup {
    Nothing,
    /// Buttons below the message.
    Inline(Keyboard),
    /// Buttons in place of the customer's keyboard.
    Reply(ReplyKeyboard),
    /// Those are gone again.
    Remove,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    inline_keyboard: Vec<Vec<Button>>,
    #[serde(default)]
    remove_keyboard: bool,
    #[serde(flatten)]
    reply: reply_keyboards::Written,
}

#[derive(Deserialize)]
struct Button {
    text: String,
    url: Option<String>,
    callback_data: Option<String>,
}

/// Reads `reply_markup`. The first kind of keyboard that has buttons counts, as for the server.
pub(super) fn markup(arguments: &Arguments) -> Result<Markup, Refusal> {
    let Some(markup) = arguments.text("reply_markup") else { return Ok(Markup::Nothing) };
    let written: Written = serde_json::from_str(markup)
        .map_err(|_| Refusal::new(400, "Bad Request: can't parse reply keyboard markup JSON object"))?;
    let inline: Result<Keyboard, Refusal> =
        written.inline_keyboard.into_iter().map(|row| row.into_iter().map(key).collect()).collect();
    let inline: Keyboard = inline?.into_iter().filter(|row| !row.is_empty()).collect();
    Ok(match reply_keyboards::read(written.reply)? {
        Some(keyboard) => Markup::Reply(keyboard),
        None if !inline.is_empty() => Markup::Inline(inline),
        None if written.remove_keyboard => Markup::Remove,
        None => Markup::Nothing,
    })
}

/// Reads `reply_markup` where only buttons below the message can be: absent is none.
pub(super) fn inline(arguments: &Arguments) -> Result<Keyboard, Refusal> {
    match markup(arguments)? {
        Markup::Nothing => Ok(Keyboard::new()),
        Markup::Inline(keyboard) => Ok(keyboard),
        Markup::Reply(_) | Markup::Remove => Err(Refusal::new(400, "Bad Request: inline keyboard expected")),
    }
}

fn key(Button { text, url, callback_data }: Button) -> Result<Key, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(400, "Bad Request: inline keyboard button text must be non-empty"));
    }
    if text.trim().is_empty() {
        return Err(Refusal::new(400, "Bad Request: BUTTON_TEXT_EMPTY"));
    }
    let non_empty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (non_empty(&url), non_empty(&callback_data)) {
        (Some(url), None) => Ok(Key { text: cleaned(&text), url: Some(address(&url)?), data: None }),
        (None, Some(data)) if data.len() > 64 => Err(Refusal::new(400, "Bad Request: BUTTON_DATA_INVALID")),
        (None, data @ Some(_)) => Ok(Key { text: cleaned(&text), url: None, data }),
        (None, None) => Err(Refusal::new(400, TEXT_ALONE)),
        (Some(_), Some(_)) => Err(Refusal::new(400, "Bad Request: BUTTON_TYPE_INVALID")),
    }
}

const TEXT_ALONE: &str =
    "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard";

/// Where a button leads, as the server reads it: what it sees to itself, it names; what Telegram refuses behind it, it
/// does not. Which addresses those are is not published: here they are those of a domain that never exists.
fn address(url: &str) -> Result<String, Refusal> {
    let refused = |why: &str| Err(Refusal::bad(&format!("inline keyboard button URL '{url}' is invalid: {why}")));
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let (scheme, rest) = full.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    match scheme.to_lowercase().as_str() {
        "tg" | "ton" | "tonsite" if !rest.is_empty() => Ok(full),
        "http" | "https" if host.is_empty() => refused("URL host is empty"),
        "http" | "https" if !host.contains('.') || full.contains(' ') => refused("Wrong HTTP URL"),
        "http" | "https" if host.ends_with(".invalid") || full.len() > 2048 => {
            Err(Refusal::new(400, "Bad Request: BUTTON_URL_INVALID"))
        }
        "http" | "https" => Ok(full),
        _ => refused("Unsupported URL protocol"),
    }
}

/// What becomes of a label (server source, `clean_input_string`): control characters are spaces, and marks of direction
/// go.
fn cleaned(label: &str) -> String {
    let stays = label.chars().filter(|c| !('\u{2028}'..='\u{202e}').contains(c));
    stays.map(|c| if c.is_ascii_control() { ' ' } else { c }).collect()
}

impl World {
    /// Somebody presses a button. Returns the id of the press, or `None` if there is no such button that answers.
    pub(super) fn press(
        &mut self,
        token: &str,
        (room, who): (Room, i64),
        message_id: i64,
        (row, column): (usize, usize),
        now: UnixMillis,
    ) -> Option<String> {
        let spot = self.spot_of(token, room)?;
        let message = spot.chat.messages.iter().find(|message| message.message_id == message_id)?;
        let data = message.keyboard.get(row)?.get(column)?.data.clone()?;
        let id = fastrand::u64(1..).to_string();
        let press = json!({
            "id": id,
            "from": responses::user(&spot.frame.people.get(&who)?.card),
            "message": responses::message(&spot.frame, message),
            "chat_instance": spot.frame.chat["id"].to_string(),
            "data": data,
        });
        spot.queue.push("callback_query", &press, now);
        self.bots.get_mut(token)?.presses.insert(id.clone(), now);
        Some(id)
    }
}

pub(super) fn answer_callback_query(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    const TOO_OLD: &str = "Bad Request: query is too old and response timeout expired or query ID is invalid";
    if arguments.text("text").is_some_and(|text| text.chars().count() > LONGEST_ANSWER) {
        return Err(Refusal::new(400, "Bad Request: MESSAGE_TOO_LONG"));
    }
    let bot = world.bot(token).ok_or(UNAUTHORIZED)?;
    let pressed_at = arguments.text("callback_query_id").and_then(|id| bot.presses.get(id));
    if pressed_at.is_some_and(|at| now < at.plus(PRESS_LIVES)) {
        return Ok(json!(true));
    }
    Err(Refusal::new(400, TOO_OLD))
}

/// `InlineKeyboardMarkup` as the Bot API writes it.
pub(super) fn shape(keyboard: &Keyboard) -> Value {
    let key = |key: &Key| match (&key.url, &key.data) {
        (Some(url), _) => json!({ "text": key.text, "url": url }),
        (None, data) => json!({ "text": key.text, "callback_data": data }),
    };
    let rows: Vec<Vec<Value>> = keyboard.iter().map(|row| row.iter().map(key).collect()).collect();
    json!({ "inline_keyboard": rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(markup: &str) -> Result<Keyboard, String> {
        let body = json!({ "reply_markup": serde_json::from_str::<Value>(markup).unwrap() }).to_string();
        let arguments = Arguments::parse(None, "application/json", body.as_bytes()).unwrap();
        inline(&arguments).map_err(|refusal| refusal.description.into_owned())
    }

    #[test]
    fn keyboards_are_judged_as_the_server_does() {
        let one = |button: &str| read(&format!(r#"{{"inline_keyboard":[[{button}],[]]}}"#)).map(|rows| rows.len());
        let data = |length: usize| format!(r#"{{"text":"x","callback_data":"{}"}}"#, "d".repeat(length));
        for (button, want) in [
            (data(1), Ok(1)),
            (data(64), Ok(1)),
            (data(65), Err("Bad Request: BUTTON_DATA_INVALID")),
            (data(0), Err(TEXT_ALONE)),
            (r#"{"text":" ","callback_data":"x"}"#.to_owned(), Err("Bad Request: BUTTON_TEXT_EMPTY")),
            (
                r#"{"text":"","callback_data":"x"}"#.to_owned(),
                Err("Bad Request: inline keyboard button text must be non-empty"),
            ),
            (r#"{"text":"x"}"#.to_owned(), Err(TEXT_ALONE)),
            (r#"{"text":"x","url":""}"#.to_owned(), Err(TEXT_ALONE)),
            (r#"{"text":"x","url":"example.com/price"}"#.to_owned(), Ok(1)),
            (r#"{"text":"x","url":"https://example.com/a"}"#.to_owned(), Ok(1)),
            (r#"{"text":"x","url":"tg://resolve?domain=x"}"#.to_owned(), Ok(1)),
            (
                r#"{"text":"x","url":"https://nowhere"}"#.to_owned(),
                Err("Bad Request: inline keyboard button URL 'https://nowhere' is invalid: Wrong HTTP URL"),
            ),
            (
                r#"{"text":"x","url":"ftp://example.com"}"#.to_owned(),
                Err("Bad Request: inline keyboard button URL 'ftp://example.com' is invalid: Unsupported URL protocol"),
            ),
            (
                r#"{"text":"x","url":"https:///x"}"#.to_owned(),
                Err("Bad Request: inline keyboard button URL 'https:///x' is invalid: URL host is empty"),
            ),
            (r#"{"text":"x","url":"https://shop.invalid/"}"#.to_owned(), Err("Bad Request: BUTTON_URL_INVALID")),
        ] {
            assert_eq!(one(&button), want.map_err(str::to_owned), "{button}");
        }
        assert_eq!(read("{}"), Ok(Keyboard::new()));
    }
}
