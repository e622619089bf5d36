//! Kommo's history of a chat that is being imported.

use std::collections::HashMap;

use crate::{
    admin::import::{ImportState, Importer, Sending},
    domain::{address::KommoMessageId, retry::Failure},
    kommo::chats::CallError,
    translate::to_kommo,
};

impl Importer {
    /// Kommo's id of a message that was relayed from the owner's own chat, and whose link has expired since. Only
    /// Kommo's history has it then; it is read once per chat.
    pub(super) async fn relayed_long_ago(
        &self,
        state: &mut ImportState,
        sending: &Sending<'_>,
    ) -> Result<Option<KommoMessageId>, Failure> {
        if state.history.as_ref().is_none_or(|(of, _)| *of != sending.to) {
            state.history = Some((sending.to.clone(), self.read(sending).await?));
        }
        let known = state.history.as_ref().map(|(_, known)| known);
        Ok(known.and_then(|known| known.get(&sending.id.in_own_chat().to_string())).cloned())
    }

    /// Kommo's id of the message, if its history has it. How Kommo responds to a repetition is not documented, so the
    /// history is read; and read again for a message that was not in it, if that may have arrived since.
    pub(super) async fn in_history(
        &self,
        state: &mut ImportState,
        sending: &Sending<'_>,
        may_have_arrived: bool,
    ) -> Option<KommoMessageId> {
        let msgid = sending.id.to_string();
        let read = state.history.as_ref().filter(|(of, _)| *of == sending.to);
        let found = read.and_then(|(_, known)| known.get(&msgid)).cloned();
        if found.is_some() || (read.is_some() && !may_have_arrived) {
            return found;
        }
        let read = self.read(sending).await.ok();
        state.history = read.map(|known| (sending.to.clone(), known));
        state.history.as_ref().and_then(|(_, known)| known.get(&msgid)).cloned()
    }

    async fn read(&self, sending: &Sending<'_>) -> Result<HashMap<String, KommoMessageId>, CallError> {
        let chat = self.chats.chat(&to_kommo::imported_chat(sending.import, &sending.to)).await?;
        self.chats.our_messages(&chat).await
    }
}
