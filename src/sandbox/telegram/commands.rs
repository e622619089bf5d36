//! The commands that a bot's menu lists (Bot API, `setMyCommands`).

use serde_json::{Value, json};

use crate::sandbox::telegram::{
    arguments::Arguments,
    methods::{Answer, Refusal, UNAUTHORIZED},
    world::World,
};

/// How many commands there may be, and how long each and its description (Bot API, `setMyCommands`, `BotCommand`).
const MOST: usize = 100;
const COMMAND_CHARS: usize = 32;
const DESCRIPTION_CHARS: usize = 256;

/// For whom a list is: the scope and the language.
fn audience(arguments: &Arguments) -> (String, String) {
    let scope = arguments.text("scope").and_then(|text| serde_json::from_str(text).ok());
    let scope: Value = scope.unwrap_or_else(|| json!({ "type": "default" }));
    (scope.to_string(), arguments.text("language_code").unwrap_or_default().to_owned())
}

fn is_command(text: &str) -> bool {
    let fits = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
    (1..=COMMAND_CHARS).contains(&text.len()) && text.bytes().all(fits)
}

/// `setMyCommands`.
pub(super) fn set(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    let commands = arguments.text("commands").and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    let commands = commands.ok_or_else(|| Refusal::bad("can't parse commands JSON object"))?;
    if commands.len() > MOST {
        return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in &commands {
        if !command["command"].as_str().is_some_and(|text| is_command(text.trim_start_matches('/'))) {
            return Err(Refusal::bad("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default().chars().count();
        if !(1..=DESCRIPTION_CHARS).contains(&description) {
            return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    world.bot(token).ok_or(UNAUTHORIZED)?.commands.insert(audience(arguments), commands);
    Ok(json!(true))
}

/// `deleteMyCommands`.
pub(super) fn delete(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    world.bot(token).ok_or(UNAUTHORIZED)?.commands.remove(&audience(arguments));
    Ok(json!(true))
}

/// `getMyCommands`.
pub(super) fn get(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    let commands = &world.bot(token).ok_or(UNAUTHORIZED)?.commands;
    Ok(json!(commands.get(&audience(arguments)).cloned().unwrap_or_default()))
}
