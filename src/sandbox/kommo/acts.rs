//! What managers do in the account, and what they see: the handle for tests and for the page.

use serde_json::Value;

use crate::sandbox::kommo::{
    DuplicateAnswer, FakeKommo, HookAnswer, Request, SignatureMode,
    messages::unknown_contact,
    shapes,
    world::{Author, Chat, Message, World, uuid},
};

/// Acts name conversations by the channel's id; an act in one that nobody began is a mistake in the caller.
const NOWHERE: &str = "somebody has written in the conversation before";

impl FakeKommo {
    /// Where hooks go from now on: the channel's public address, with the scope in it.
    pub fn set_hook_url(&self, url: impl Into<String>) {
        self.core.world.change(|world| world.hook_url = Some(url.into()));
    }

    /// Connects the channel to the account or disconnects it, as switching the integration off does.
    pub fn set_connected(&self, connected: bool) {
        self.core.world.change(|world| world.connected = connected);
    }

    /// Whether the channel is connected.
    pub fn is_connected(&self) -> bool {
        self.core.world.look(|world| world.connected)
    }

    /// What a second message with a known `msgid` gets; 400 unless said otherwise.
    pub fn answer_duplicates(&self, answer: DuplicateAnswer) {
        self.core.world.note(|world| world.duplicates = answer);
    }

    /// All chats, oldest first.
    pub fn chats(&self) -> Vec<Chat> {
        self.core.world.look(|world| world.chats.clone())
    }

    /// The chat of a conversation.
    pub fn chat(&self, conversation_id: &str) -> Option<Chat> {
        self.core.world.note(|world| world.chat(conversation_id).cloned())
    }

    /// The last 10 000 requests, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.core.world.look(World::requests)
    }

    /// The id of a user of the account, who is made if need be: the `ref_id` of messages imported in their name.
    pub fn manager(&self, name: &str) -> String {
        self.core.world.note(|world| world.manager(name))
    }

    /// A manager answers; the channel is told by a hook, once. Waits for its answer, at most 5 s.
    ///
    /// Gives the message's id and what the hook got.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn reply(&self, conversation_id: &str, author: &str, text: &str) -> (String, HookAnswer) {
        self.reply_with(conversation_id, author, text, Value::Null).await
    }

    /// A manager or Salesbot answers with a keyboard: `markup` of the hook.
    ///
    /// Gives the message's id and what the hook got.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn reply_with(
        &self,
        conversation_id: &str,
        author: &str,
        text: &str,
        markup: Value,
    ) -> (String, HookAnswer) {
        self.say(conversation_id, author, text, |message| message.markup = markup).await
    }

    /// A manager answers one message of the chat, by Kommo's id of it.
    ///
    /// Gives the message's id and what the hook got.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn reply_to(
        &self,
        conversation_id: &str,
        author: &str,
        text: &str,
        quoted: &str,
    ) -> (String, HookAnswer) {
        self.say(conversation_id, author, text, |message| message.reply_to = Some(quoted.to_owned())).await
    }

    async fn say(
        &self,
        conversation_id: &str,
        author: &str,
        text: &str,
        with: impl FnOnce(&mut Message),
    ) -> (String, HookAnswer) {
        let now = self.core.clock.now();
        let (chat, message) = self.core.world.change(|world| {
            let manager = world.manager(author);
            let mut message = Message::outgoing(Author::Manager, (&manager, author), text, now);
            with(&mut message);
            let chat = world.chat(conversation_id).expect(NOWHERE);
            chat.messages.push(message.clone());
            (chat.clone(), message)
        });
        self.announce(&chat, message).await
    }

    /// A manager writes first, to a phone number. Neither the chat nor the receiver has an id of the channel's yet.
    ///
    /// Gives the message's id and what the hook got.
    pub async fn write_first(&self, phone: &str, source: &str, text: &str) -> (String, HookAnswer) {
        let now = self.core.clock.now();
        let mut contact = unknown_contact();
        phone.clone_into(&mut contact.phone);
        let (chat, message) = self.core.world.change(|world| {
            let manager = world.manager("Manager");
            let message = Message::outgoing(Author::Manager, (&manager, "Manager"), text, now);
            let chat = Chat {
                chat_id: uuid(),
                conversation_id: String::new(),
                source: Some(source.to_owned()),
                contact,
                is_lead: false,
                messages: vec![message.clone()],
            };
            world.chats.push(chat.clone());
            (chat, message)
        });
        self.announce(&chat, message).await
    }

    /// A manager types.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn typing(&self, conversation_id: &str) -> HookAnswer {
        let now = self.core.clock.now();
        let (chat, manager) = self.core.world.note(|world| {
            let manager = world.manager("Manager");
            (world.chat(conversation_id).expect(NOWHERE).clone(), manager)
        });
        let bytes = shapes::typing(&self.core.settings.account_id, &chat, &manager, now);
        self.hook(format!("hook: typing → {conversation_id}"), bytes, SignatureMode::Valid).await
    }

    async fn announce(&self, chat: &Chat, message: Message) -> (String, HookAnswer) {
        let bytes = shapes::message(&self.core.settings.account_id, chat, &message);
        let to = if chat.conversation_id.is_empty() { &chat.contact.phone } else { &chat.conversation_id };
        let answer = self.hook(format!("hook: message → {to}"), bytes, SignatureMode::Valid).await;
        (message.id, answer)
    }
}
