//! Importing what was written before.

use std::collections::HashSet;

use crate::kommo::chats::{CallError, Chats, HISTORY_PAGE};

/// How many pages of a chat's history are read to learn what is there: more messages than any chat has, not for ever.
const PAGES: usize = 4000;

impl Chats {
    /// Our ids of all messages of a chat (by Kommo's id); those written in Kommo have none.
    pub async fn our_messages(&self, kommo_chat: &str) -> Result<HashSet<String>, CallError> {
        let mut known = HashSet::new();
        for page in 0..PAGES {
            let items = self.history(kommo_chat, page).await?;
            let is_last = items.len() < HISTORY_PAGE;
            known.extend(items.iter().filter_map(|item| item.content().client_id));
            if is_last {
                break;
            }
        }
        Ok(known)
    }
}
