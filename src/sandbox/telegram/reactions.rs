//! Reactions to messages, of both sides.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        arguments::Arguments,
        groups::Group,
        methods::{Answer, Refusal},
        places, responses,
        world::World,
    },
};

/// The emoji that bots may react with (Bot API, `ReactionTypeEmoji`).
const EMOJI: [&str; 73] = [
    "❤",
    "👍",
    "👎",
    "🔥",
    "🥰",
    "👏",
    "😁",
    "🤔",
    "🤯",
    "😱",
    "🤬",
    "😢",
    "🎉",
    "🤩",
    "🤮",
    "💩",
    "🙏",
    "👌",
    "🕊",
    "🤡",
    "🥱",
    "🥴",
    "😍",
    "🐳",
    "❤‍🔥",
    "🌚",
    "🌭",
    "💯",
    "🤣",
    "⚡",
    "🍌",
    "🏆",
    "💔",
    "🤨",
    "😐",
    "🍓",
    "🍾",
    "💋",
    "🖕",
    "😈",
    "😴",
    "😭",
    "🤓",
    "👻",
    "👨‍💻",
    "👀",
    "🎃",
    "🙈",
    "😇",
    "😨",
    "🤝",
    "✍",
    "🤗",
    "🫡",
    "🎅",
    "🎄",
    "☃",
    "💅",
    "🤪",
    "🗿",
    "🆒",
    "💘",
    "🙉",
    "🦄",
    "😘",
    "💊",
    "🙊",
    "😎",
    "👾",
    "🤷‍♂",
    "🤷",
    "🤷‍♀",
    "😡",
];

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReactionType {
    Emoji { emoji: String },
    CustomEmoji {},
    Paid,
}

/// `setMessageReaction`.
pub(super) fn set(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    let invalid = Refusal::new(400, "Bad Request: REACTION_INVALID");
    let emoji = match wanted(arguments)?.as_slice() {
        [] => None,
        [ReactionType::Emoji { emoji }] if EMOJI.contains(&emoji.as_str()) => Some(emoji.clone()),
        [ReactionType::Emoji { .. } | ReactionType::CustomEmoji {} | ReactionType::Paid] => return Err(invalid),
        [_, _, ..] => return Err(Refusal::new(400, "Bad Request: REACTIONS_TOO_MANY")),
    };
    let id = arguments.integer("message_id", 0, i64::MIN, i64::MAX);
    let spot = places::open(world, token, arguments)?;
    let message = spot.chat.messages.iter_mut().find(|message| message.message_id == id);
    message.ok_or(Refusal::new(400, "Bad Request: message to react not found"))?.bot_reaction = emoji;
    Ok(json!(true))
}

fn wanted(arguments: &Arguments) -> Result<Vec<ReactionType>, Refusal> {
    let Some(list) = arguments.text("reaction") else { return Ok(Vec::new()) };
    let unreadable = |_| Refusal::new(400, "Bad Request: can't parse reaction types JSON object");
    let value: Value = serde_json::from_str(list).map_err(unreadable)?;
    let list = value.as_array().ok_or(Refusal::new(400, "Bad Request: expected an Array of ReactionType"))?;
    let wrong = |_| Refusal::new(400, "Bad Request: can't parse ReactionType: invalid reaction type specified");
    list.iter().map(|it| serde_json::from_str(&it.to_string()).map_err(wrong)).collect()
}

impl World {
    /// Somebody reacts to a message of a private chat or a group, or takes it back. Returns `None` if there is no such
    /// message.
    pub(super) fn react(
        &mut self,
        token: &str,
        (chat_id, who): (i64, i64),
        message_id: i64,
        emoji: Option<&str>,
        now: UnixMillis,
    ) -> Option<()> {
        let is_told = self.bots.get(token)?.groups.get(&chat_id).is_none_or(Group::tells_of_reactions);
        let spot = self.spot(token, chat_id)?;
        let message = spot.chat.messages.iter_mut().find(|it| it.message_id == message_id)?;
        let list = |emoji: Option<&str>| emoji.map(|it| json!({ "type": "emoji", "emoji": it })).into_iter().collect();
        let old: Vec<Value> = list(message.reactions.get(&who).map(String::as_str));
        let new: Vec<Value> = list(emoji);
        match emoji {
            Some(emoji) => message.reactions.insert(who, emoji.to_owned()),
            None => message.reactions.remove(&who),
        };
        let user = spot.frame.people.get(&who).map(|person| responses::user(&person.card));
        let update = json!({ "chat": spot.frame.chat, "message_id": message_id, "date": now.seconds(),
            "user": user, "old_reaction": old, "new_reaction": new });
        if is_told {
            spot.queue.push("message_reaction", &update, now);
        }
        Some(())
    }
}
