//! What managers do without a message: they type, and they react.

use crate::sandbox::kommo::{FakeKommo, HookAnswer, SignatureMode, acts::NOWHERE, responses};

impl FakeKommo {
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
        let bytes = responses::typing(&self.core.settings.account_id, &chat, &manager, now);
        self.hook(format!("hook: typing → {conversation_id}"), bytes, SignatureMode::Valid).await
    }

    /// A manager reacts to the message with Kommo's id `message_id`, or takes the reaction back: `None`.
    ///
    /// # Panics
    /// If the conversation has no such message.
    pub async fn react(
        &self,
        conversation_id: &str,
        author: &str,
        message_id: &str,
        emoji: Option<&str>,
    ) -> HookAnswer {
        let (now, account_id) = (self.core.clock.now(), self.core.settings.account_id.as_str());
        let bytes = self.core.world.change(|world| {
            let (manager, quirks) = (world.manager(author), world.quirks);
            let chat = world.chat(conversation_id).expect(NOWHERE);
            let found = chat.messages.iter_mut().find(|message| message.id == message_id);
            let message = found.expect("the conversation has the message");
            match emoji {
                Some(emoji) => message.manager_reactions.insert(author.to_owned(), emoji.to_owned()),
                None => message.manager_reactions.remove(author),
            };
            let message = message.clone();
            responses::reaction(account_id, chat, &message, (&manager, emoji), quirks, now)
        });
        let what = if emoji.is_some() { "reaction" } else { "reaction taken back" };
        self.hook(format!("hook: {what} → {conversation_id}"), bytes, SignatureMode::Valid).await
    }
}
