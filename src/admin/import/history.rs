//! What Kommo's history has of a chat that is being imported.

use std::collections::HashMap;

use crate::{
    admin::import::{ImportState, Importer, Sending},
    domain::{address::KommoMessageId, retry::Failure},
    kommo::chats::CallError,
    translate::to_kommo,
};

impl Importer {
    /// Kommo's id of a message that was relayed from the owner's own chat, and whose link has expired since. Only
    /// Kommo's history has it then, which is read once for each chat.
    pub(super) async fn relayed_long_ago(
        &self,
        turn: &mut ImportState,
        sending: &Sending<'_>,
    ) -> Result<Option<KommoMessageId>, Failure> {
        if turn.history.as_ref().is_none_or(|(of, _)| *of != sending.to) {
            turn.history = Some((sending.to.clone(), self.read(sending).await?));
        }
        let known = turn.history.as_ref().map(|(_, known)| known);
        Ok(known.and_then(|known| known.get(&sending.id.in_own_chat().to_string())).cloned())
    }

    /// Kommo's id of the message, if its history has it. What Kommo answers to a repetition is not documented, so its
    /// history is asked; and asked again for one that was not in it, if that may have come since.
    pub(super) async fn there(
        &self,
        turn: &mut ImportState,
        sending: &Sending<'_>,
        may_have_come: bool,
    ) -> Option<KommoMessageId> {
        let msgid = sending.id.to_string();
        let read = turn.history.as_ref().filter(|(of, _)| *of == sending.to);
        let found = read.and_then(|(_, known)| known.get(&msgid)).cloned();
        if found.is_some() || (read.is_some() && !may_have_come) {
            return found;
        }
        let read = self.read(sending).await.ok();
        turn.history = read.map(|known| (sending.to.clone(), known));
        turn.history.as_ref().and_then(|(_, known)| known.get(&msgid)).cloned()
    }

    async fn read(&self, sending: &Sending<'_>) -> Result<HashMap<String, KommoMessageId>, CallError> {
        let chat = self.chats.chat(&to_kommo::imported_chat(sending.import, &sending.to)).await?;
        self.chats.our_messages(&chat).await
    }
}
