//! The messages of a chat, for an import that looks for its own ones.

use std::collections::HashMap;

use crate::{
    domain::address::KommoMessageId,
    kommo::{
        chats::{CallError, Chats, HISTORY_PAGE},
        wire::HistoryItem,
    },
};

/// The maximum of pages that are read: more than any chat has, but a limit against endless lists.
const MAX_PAGES: usize = 4000;

impl Chats {
    /// The messages of a chat (by Kommo's id) that have an id of ours: Kommo's ids by ours.
    pub async fn our_messages(&self, kommo_chat: &str) -> Result<HashMap<String, KommoMessageId>, CallError> {
        let mut known = HashMap::new();
        for page in 0..MAX_PAGES {
            let items = self.history(kommo_chat, page).await?;
            let is_last = items.len() < HISTORY_PAGE;
            let contents = items.iter().map(HistoryItem::content);
            known.extend(contents.filter_map(|it| Some((it.client_id?, KommoMessageId(it.id?)))));
            if is_last {
                break;
            }
        }
        Ok(known)
    }
}
