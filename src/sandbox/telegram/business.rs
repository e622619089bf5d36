//! Telegram Business: a bot that looks after the private chats of an account.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        methods::{Answer, Refusal, UNAUTHORIZED},
        places::{self, Behalf, Frame, Spot},
        replies, responses,
        world::{Bot, Chat, World},
    },
};

/// For how long after a customer's message the bot may answer (Bot API, `BusinessBotRights.can_reply`), in
/// milliseconds.
const ANSWERABLE_MS: i64 = 24 * 60 * 60 * 1000;

/// What a bot has of an account that it looks after.
#[derive(Default)]
pub(super) struct Account {
    /// All chats of the account count their messages together.
    pub(super) last_id: i64,
    /// By the customer's id.
    pub(super) chats: BTreeMap<i64, Chat>,
}

/// The right of a bot to look after an account.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) owner: i64,
    date: i64,
    pub(super) is_enabled: bool,
    pub(super) rights: Vec<String>,
}

impl Connection {
    fn may(&self, right: &str) -> bool {
        self.rights.iter().any(|it| it == right)
    }

    /// `BusinessConnection`.
    fn shape(&self, id: &str, world: &World) -> Value {
        let user = world.customers.get(&self.owner).map(|person| responses::user(&person.card));
        let rights: Value = self.rights.iter().map(|right| (right.clone(), json!(true))).collect();
        json!({ "id": id, "user": user, "user_chat_id": self.owner, "date": self.date,
            "rights": rights, "is_enabled": self.is_enabled })
    }
}

impl Bot {
    /// The connection to an owner that counts now.
    pub(super) fn connection(&self, owner: i64) -> Option<(&String, &Connection)> {
        self.connections.iter().find(|(_, connection)| connection.owner == owner && connection.is_enabled)
    }
}

impl World {
    /// A chat between an owner and a customer, as the bot sees it through a connection.
    pub(super) fn desk<'w>(&'w mut self, token: &'w str, id: &str, owner: i64, customer: i64) -> Option<Spot<'w>> {
        let bot = self.bots.get_mut(token)?;
        let chat = responses::chat(&self.customers.get(&customer)?.card);
        let account = bot.accounts.entry(owner).or_default();
        let behalf = Some(Behalf { connection: id.to_owned(), owner });
        Some(Spot {
            token,
            frame: Frame { bot: &bot.user, people: &self.customers, chat, behalf },
            chat: account.chats.entry(customer).or_default(),
            count: Some(&mut account.last_id),
            queue: &mut bot.queue,
            files: &mut self.files,
        })
    }

    /// The owner lets the bot look after the account. Returns the id of the connection.
    pub(super) fn connect(&mut self, token: &str, owner: i64, rights: &[&str], now: UnixMillis) -> Option<String> {
        self.customers.get(&owner)?;
        self.disconnect(token, owner, now);
        let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
        let rights = rights.iter().map(|right| (*right).to_owned()).collect();
        let connection = Connection { owner, date: now.seconds(), is_enabled: true, rights };
        let bot = self.bots.get_mut(token)?;
        bot.user.is_business = true;
        bot.connections.insert(id.clone(), connection);
        self.tell_connection(token, &id, now);
        Some(id)
    }

    /// The owner takes the bot away.
    pub(super) fn disconnect(&mut self, token: &str, owner: i64, now: UnixMillis) {
        self.change_connection(token, owner, now, |connection| connection.is_enabled = false);
    }

    pub(super) fn change_connection(
        &mut self,
        token: &str,
        owner: i64,
        now: UnixMillis,
        change: impl FnOnce(&mut Connection),
    ) {
        let Some(bot) = self.bots.get_mut(token) else { return };
        let Some(id) = bot.connection(owner).map(|(id, _)| id.clone()) else { return };
        let Some(connection) = bot.connections.get_mut(&id) else { return };
        change(connection);
        self.tell_connection(token, &id, now);
    }

    fn tell_connection(&mut self, token: &str, id: &str, now: UnixMillis) {
        let connection = self.bots.get(token).and_then(|bot| bot.connections.get(id)).cloned();
        let update = connection.map(|connection| connection.shape(id, self));
        if let (Some(update), Some(bot)) = (update, self.bots.get_mut(token)) {
            bot.queue.push("business_connection", &update, now);
        }
    }

    /// Somebody writes in a chat of the account. The bot is told as long as it is connected. Returns the message's id.
    pub(super) fn say_at_desk(
        &mut self,
        token: &str,
        (owner, customer): (i64, i64),
        message: ChatMessage,
        now: UnixMillis,
    ) -> Option<i64> {
        self.customers.get(&owner)?;
        let id = self.bots.get(token)?.connection(owner).map(|(id, _)| id.clone());
        let mut spot = self.desk(token, id.as_deref().unwrap_or_default(), owner, customer)?;
        let update = spot.add(ChatMessage { at_ms: now.0, ..message });
        if id.is_some() {
            spot.queue.push("business_message", &update, now);
        }
        update["message_id"].as_i64()
    }

    /// Somebody changes a message there. Returns `None` if there is no such message.
    pub(super) fn edit_at_desk(
        &mut self,
        token: &str,
        (owner, customer): (i64, i64),
        message_id: i64,
        text: &str,
        now: UnixMillis,
    ) -> Option<()> {
        let id = self.bots.get(token)?.connection(owner).map(|(id, _)| id.clone());
        let spot = self.desk(token, id.as_deref().unwrap_or_default(), owner, customer)?;
        let message = spot.chat.messages.iter_mut().find(|it| it.message_id == message_id)?;
        text.clone_into(&mut message.text);
        message.edited = true;
        let message = message.clone();
        let mut update = replies::with_quoted(&spot.frame, spot.chat, &message);
        update["edit_date"] = json!(now.seconds());
        if id.is_some() {
            spot.queue.push("edited_business_message", &update, now);
        }
        Some(())
    }

    /// Tells the bot of a message again. Returns the update.
    pub(super) fn echo_at_desk(
        &mut self,
        token: &str,
        (owner, customer): (i64, i64),
        message_id: i64,
        now: UnixMillis,
    ) -> Option<Value> {
        let id = self.bots.get(token)?.connection(owner).map(|(id, _)| id.clone())?;
        let spot = self.desk(token, &id, owner, customer)?;
        let message = spot.chat.messages.iter().find(|it| it.message_id == message_id)?;
        let update = replies::with_quoted(&spot.frame, spot.chat, message);
        spot.queue.push("business_message", &update, now);
        Some(update)
    }

    /// Somebody deletes messages there.
    pub(super) fn delete_at_desk(
        &mut self,
        token: &str,
        (owner, customer): (i64, i64),
        message_ids: &[i64],
        now: UnixMillis,
    ) -> Option<()> {
        let id = self.bots.get(token)?.connection(owner).map(|(id, _)| id.clone());
        let spot = self.desk(token, id.as_deref().unwrap_or_default(), owner, customer)?;
        spot.chat.messages.retain(|message| !message_ids.contains(&message.message_id));
        if let Some(id) = id {
            let update = json!({ "business_connection_id": id, "chat": spot.frame.chat, "message_ids": message_ids });
            spot.queue.push("deleted_business_messages", &update, now);
        }
        Some(())
    }
}

/// The chat that a method is for: the customer's with the owner, or the bot's own.
pub(super) fn reach<'w>(
    world: &'w mut World,
    token: &'w str,
    arguments: &Arguments,
    now: UnixMillis,
) -> Result<Spot<'w>, Refusal> {
    let Some(id) = arguments.text("business_connection_id") else { return places::open(world, token, arguments) };
    let spot = opened(world, token, arguments, id, "can_reply")?;
    let answerable = |message: &ChatMessage| {
        !message.from_bot && spot.frame.is_customers(message) && now.0 < message.at_ms.saturating_add(ANSWERABLE_MS)
    };
    if spot.chat.messages.iter().any(answerable) {
        Ok(spot)
    } else {
        Err(Refusal::new(400, "Bad Request: BUSINESS_PEER_USAGE_MISSING"))
    }
}

/// The chat that a connection opens, if it has the right.
fn opened<'w>(
    world: &'w mut World,
    token: &'w str,
    arguments: &Arguments,
    id: &str,
    right: &str,
) -> Result<Spot<'w>, Refusal> {
    let chat_id = arguments.text("chat_id").ok_or(Refusal::new(400, "Bad Request: chat identifier is empty"))?;
    let not_number = |_| Refusal::new(400, "Bad Request: chat identifier must be a valid Integer");
    let customer: i64 = chat_id.parse().map_err(not_number)?;
    let connection = find(world, token, id)?;
    if customer < 0 {
        return Err(Refusal::new(400, "Bad Request: chat must be a private chat"));
    }
    if customer == connection.owner {
        return Err(Refusal::new(400, "Bad Request: messages must not be sent to self"));
    }
    if !connection.is_enabled {
        return Err(Refusal::new(400, "Bad Request: BUSINESS_CONNECTION_INVALID"));
    }
    // Which text the real server has for this is not documented: this is its text for what a connection does not allow.
    if !connection.may(right) {
        return Err(Refusal::new(400, "Bad Request: BOT_ACCESS_FORBIDDEN"));
    }
    let owner = connection.owner;
    let known = world.bots.get(token).and_then(|bot| bot.accounts.get(&owner)?.chats.get(&customer));
    if known.is_none() {
        return Err(Refusal::new(400, "Bad Request: BUSINESS_PEER_INVALID"));
    }
    world.desk(token, id, owner, customer).ok_or(UNAUTHORIZED)
}

fn find(world: &World, token: &str, id: &str) -> Result<Connection, Refusal> {
    let connection = world.bots.get(token).and_then(|bot| bot.connections.get(id)).cloned();
    connection.ok_or(Refusal::new(400, "Bad Request: business connection not found"))
}

/// `getBusinessConnection`.
pub(super) fn get_connection(world: &World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.text("business_connection_id").unwrap_or_default();
    Ok(find(world, token, id)?.shape(id, world))
}

/// `readBusinessMessage`.
pub(super) fn read_message(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.text("business_connection_id").unwrap_or_default();
    let message_id = arguments.integer("message_id", 0, i64::MIN, i64::MAX);
    let spot = opened(world, token, arguments, id, "can_read_messages")?;
    if !spot.chat.messages.iter().any(|message| message.message_id == message_id) {
        return Err(Refusal::new(400, "Bad Request: MESSAGE_ID_INVALID"));
    }
    spot.chat.read_up_to = spot.chat.read_up_to.max(message_id);
    Ok(json!(true))
}
