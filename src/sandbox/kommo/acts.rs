//! What managers do in the account, and what they see: the handle for tests and for the page.

use crate::sandbox::kommo::{
    Connection, DuplicateAnswer, FakeKommo, Quirks, Request, Serving,
    world::{Chat, Message, World},
};

mod gesture;
mod say;

/// Acts name conversations by the channel's id; an act in one that nobody began is a mistake in the caller.
const NOWHERE: &str = "somebody has written in the conversation before";

impl FakeKommo {
    /// Where hooks go from now on: the channel's public address, with the scope in it.
    pub fn set_hook_url(&self, url: impl Into<String>) {
        self.core.world.change(|world| world.hook_url = Some(url.into()));
    }

    /// Managers' files are said to be at this address from now on: that of something that stands before this server.
    pub fn keep_files_behind(&self, url: &str) {
        self.core.world.note(|world| world.files_url = Some(url.to_owned()));
    }

    /// Connects the channel to the account or disconnects it, as switching the integration off does.
    pub fn set_connected(&self, connected: bool) {
        self.core.world.change(|world| world.connection = connected.then(Connection::default));
    }

    /// How the channel is connected, if it is.
    pub fn connection(&self) -> Option<Connection> {
        self.core.world.read(|world| world.connection.clone())
    }

    /// Whether the channel is connected.
    pub fn is_connected(&self) -> bool {
        self.connection().is_some()
    }

    /// What a second message with a known `msgid` gets; 400 unless said otherwise.
    pub fn answer_duplicates(&self, answer: DuplicateAnswer) {
        self.quirks(|quirks| quirks.duplicates = answer);
    }

    /// Changes what Kommo does where the documentation leaves it open.
    pub fn quirks(&self, change: impl FnOnce(&mut Quirks)) {
        self.core.world.note(|world| change(&mut world.quirks));
    }

    /// From now on, managers act and no hook is sent: the way of the hooks is broken, and Kommo repeats none.
    pub fn lose_hooks(&self, lost: bool) {
        self.core.world.note(|world| world.hooks_are_lost = lost);
    }

    /// The file of a manager's message is given in another way from now on.
    ///
    /// # Panics
    /// If Kommo keeps no file of that message.
    pub fn serve_as(&self, message_id: &str, serving: Serving) {
        self.core.world.note(|world| {
            let found = world.find(|message| message.id == message_id);
            let url = found.and_then(|(message, ..)| message.media.as_ref()).map(|media| media.url.clone());
            let kept = url.and_then(|url| world.attachments.iter_mut().find(|kept| kept.is_at(&url)));
            kept.expect("a manager has attached the file").serve_as(serving);
        });
    }

    /// All chats, oldest first.
    pub fn chats(&self) -> Vec<Chat> {
        self.core.world.read(|world| world.chats.clone())
    }

    /// The channel's ids of all chats, oldest first.
    pub fn conversations(&self) -> Vec<String> {
        self.core.world.read(|world| world.chats.iter().map(|chat| chat.conversation_id.clone()).collect())
    }

    /// Kommo's id of a conversation's chat.
    pub fn chat_id(&self, conversation_id: &str) -> Option<String> {
        self.core.world.note(|world| world.chat(conversation_id).map(|chat| chat.chat_id.clone()))
    }

    /// The chat of a conversation.
    pub fn chat(&self, conversation_id: &str) -> Option<Chat> {
        self.core.world.note(|world| world.chat(conversation_id).cloned())
    }

    /// Reads the messages of a conversation where they are, oldest first: none if nobody has written in it. Nothing
    /// else happens here meanwhile.
    pub fn read_chat<R>(&self, conversation_id: &str, read: impl FnOnce(&[Message]) -> R) -> R {
        self.core.world.note(|world| {
            let chat = world.chat(conversation_id);
            read(chat.map_or(&[], |chat| chat.messages.as_slice()))
        })
    }

    /// The last 10 000 requests, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.core.world.read(World::requests)
    }

    /// The id of a user of the account, who is made if need be: the `ref_id` of messages imported in their name.
    pub fn manager(&self, name: &str) -> String {
        self.core.world.note(|world| world.manager(name))
    }

    /// The users of the account: names, and ids on the Chats side (`amojo_id`).
    pub fn managers(&self) -> Vec<(String, String)> {
        self.core.world.read(|world| world.managers().map(|(name, id)| (name.clone(), id.clone())).collect())
    }
}
