//! What managers, Salesbot and templates say.

use futures_util::future::join_all;
use serde_json::Value;

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Attachment, Draft, FakeKommo, HookAnswer, Pace, SignatureMode,
        acts::NOWHERE,
        attachments::Shelf,
        chats::unknown_contact,
        responses,
        world::{Author, Chat, Message, World, uuid},
    },
};

/// A hook that is ready to go: the message's id, for whom it is, and the bytes.
struct Announcement {
    id: String,
    to: String,
    bytes: Vec<u8>,
}

impl FakeKommo {
    /// A manager answers; the channel is told by a hook, once. Waits for its answer, at most 5 s.
    ///
    /// Gives the message's id and what the hook got.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn reply(&self, conversation_id: &str, author: &str, text: &str) -> (String, HookAnswer) {
        self.say(conversation_id, author, text).await
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
        self.say(conversation_id, author, Draft::text(text).markup(markup)).await
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
        self.say(conversation_id, author, Draft::text(text).answering(quoted)).await
    }

    /// A manager sends a file, with a text if it is not empty.
    ///
    /// Gives the message's id and what the hook got.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn attach(
        &self,
        conversation_id: &str,
        author: &str,
        file: Attachment,
        caption: &str,
    ) -> (String, HookAnswer) {
        self.say(conversation_id, author, Draft::file(file).saying(caption)).await
    }

    /// A manager says anything that a message can hold.
    ///
    /// Gives the message's id and what the hook got.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn say(&self, conversation_id: &str, author: &str, draft: impl Into<Draft>) -> (String, HookAnswer) {
        let draft = draft.into();
        let announcement = self.core.world.change(|world| self.post(world, conversation_id, author, draft));
        self.announce(announcement).await
    }

    /// A manager says several things at once, as with several files: one hook each, under one `media_group_id`.
    ///
    /// Gives each message's id and what its hook got, in order.
    ///
    /// # Panics
    /// If nobody has written in the conversation before.
    pub async fn say_together(
        &self,
        conversation_id: &str,
        author: &str,
        drafts: Vec<Draft>,
        pace: Pace,
    ) -> Vec<(String, HookAnswer)> {
        let grouped = Draft::together(drafts).into_iter();
        let announcements: Vec<_> = self
            .core
            .world
            .change(|world| grouped.map(|draft| self.post(world, conversation_id, author, draft)).collect());
        match pace {
            Pace::AtOnce => join_all(announcements.into_iter().map(|it| self.announce(it))).await,
            Pace::InTurn => {
                let mut sent = Vec::new();
                for announcement in announcements {
                    sent.push(self.announce(announcement).await);
                }
                sent
            }
        }
    }

    /// A manager writes first, to a phone number. Neither the chat nor the receiver has an id of the channel's yet.
    /// Until it is bound, it stays the same chat.
    ///
    /// Gives the message's id and what the hook got.
    pub async fn write_first(&self, phone: &str, source: &str, draft: impl Into<Draft>) -> (String, HookAnswer) {
        let draft = draft.into();
        let mut contact = unknown_contact();
        phone.clone_into(&mut contact.phone);
        let announcement = self.core.world.change(|world| {
            let is_it = |chat: &Chat| {
                let is_unbound = chat.conversation_id.is_empty() && chat.source.as_deref() == Some(source);
                is_unbound && chat.contact.phone == phone
            };
            if let Some(place) = world.chats.iter().position(is_it) {
                return self.post_in(world, place, "Manager", draft);
            }
            let chat = Chat {
                chat_id: uuid(),
                conversation_id: String::new(),
                source: Some(source.to_owned()),
                contact,
                others: Vec::new(),
                is_lead: false,
                messages: Vec::new(),
            };
            world.chats.push(chat);
            self.post_in(world, world.chats.len() - 1, "Manager", draft)
        });
        self.announce(announcement).await
    }

    fn post(&self, world: &mut World, conversation_id: &str, author: &str, draft: Draft) -> Announcement {
        let place = world.chats.iter().position(|chat| chat.conversation_id == conversation_id);
        self.post_in(world, place.filter(|_| !conversation_id.is_empty()).expect(NOWHERE), author, draft)
    }

    fn post_in(&self, world: &mut World, place: usize, author: &str, draft: Draft) -> Announcement {
        // What is said at once has an order all the same.
        let last = world.chats[place].messages.last().filter(|last| last.group.is_some() && last.group == draft.group);
        let now = self.core.clock.now().max(last.map_or(UnixMillis(0), |last| UnixMillis(last.at_ms + 1)));
        let account_id = self.core.settings.account_id.as_str();
        let manager = world.manager(author);
        let mut message = Message::outgoing(Author::Manager, (&manager, author), &draft.text, now);
        if let Some(file) = draft.file {
            file.kind().name().clone_into(&mut message.kind);
            let base_url = world.files_url.clone().unwrap_or_else(|| self.url());
            let (addresses, kept) = (world.quirks.files, &mut world.attachments);
            let mut shelf = Shelf { base_url: &base_url, account_id, addresses, kept };
            message.media = Some(shelf.keep(file));
        }
        message.markup = draft.markup;
        message.reply_to = draft.reply_to;
        message.forwards = draft.forwards;
        message.group = draft.group;
        message.card = draft.card;
        message.more = draft.more;
        if let Some(kind) = draft.kind {
            message.kind = kind;
        }
        world.chats[place].messages.push(message.clone());
        let chat = &world.chats[place];
        let to = if chat.conversation_id.is_empty() { &chat.contact.phone } else { &chat.conversation_id };
        let source = self.core.rest.with(|records| records.source_of(chat));
        let bytes = responses::message(account_id, world, (chat, source.as_deref()), &message);
        Announcement { to: to.clone(), id: message.id, bytes }
    }

    async fn announce(&self, announcement: Announcement) -> (String, HookAnswer) {
        let Announcement { id, to, bytes } = announcement;
        let answer = self.hook(format!("hook: message → {to}"), bytes, SignatureMode::Valid).await;
        (id, answer)
    }
}
