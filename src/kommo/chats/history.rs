//! The history of a chat.

use reqwest::Method;

use crate::kommo::{
    chats::{CallError, Chats, answer},
    http::encode_segment,
    wire::{HistoryItem, HistoryMessage},
};

/// The maximum of messages on a page (Chats API, chat history).
pub const HISTORY_PAGE: usize = 50;
/// How many pages are searched. A repeated message is among the newest, but a chat can be busy.
const MAX_PAGES: usize = 20;

impl Chats {
    /// Finds the message with our id `msgid` among the newest thousand of a chat (by Kommo's id).
    pub async fn find(&self, kommo_chat: &str, msgid: &str) -> Result<Option<HistoryMessage>, CallError> {
        self.first(kommo_chat, |message| message.client_id.as_deref() == Some(msgid)).await
    }

    /// Whether one of the newest thousand messages matches.
    pub async fn has(&self, kommo_chat: &str, matches: impl Fn(&HistoryMessage) -> bool) -> Result<bool, CallError> {
        Ok(self.first(kommo_chat, matches).await?.is_some())
    }

    async fn first(
        &self,
        kommo_chat: &str,
        matches: impl Fn(&HistoryMessage) -> bool,
    ) -> Result<Option<HistoryMessage>, CallError> {
        for page in 0..MAX_PAGES {
            let items = self.history(kommo_chat, page).await?;
            let found = items.iter().map(HistoryItem::content).find(&matches);
            if found.is_some() || items.len() < HISTORY_PAGE {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A page of the history of a chat (by Kommo's id), newest first. Page 0 is the newest, and the last one has less
    /// than [`HISTORY_PAGE`] messages.
    pub async fn history(&self, kommo_chat: &str, page: usize) -> Result<Vec<HistoryItem>, CallError> {
        let path = format!("/chats/{}/history", encode_segment(kommo_chat));
        let query = format!("limit={HISTORY_PAGE}&offset={}", page * HISTORY_PAGE);
        let (status, body) = self.call(Method::GET, &path, Some(&query), Vec::new()).await?;
        answer::history(status, &body)
    }
}

#[cfg(test)]
mod tests {
    use crate::kommo::wire::History;

    #[test]
    fn a_page_of_history_has_our_ids_if_there_are_any() {
        let history: History =
            serde_json::from_str(include_str!("../../../tests/fixtures/kommo/history.json")).unwrap();
        let ids: Vec<_> = history.items().unwrap().iter().map(|item| item.content().client_id).collect();
        assert_eq!(ids, [None, Some("tg:bot1:777000111:1".to_owned())]);
        let odd: History = serde_json::from_str(r#"{"messages":[7,{"message":{"client_id":"x"}}]}"#).unwrap();
        let ids: Vec<_> = odd.items().unwrap().iter().map(|item| item.content().client_id).collect();
        assert_eq!(ids, [None, Some("x".to_owned())], "an unreadable message is not skipped");
        for nonsense in ["{}", r#"{"messages":"x"}"#] {
            assert!(serde_json::from_str::<History>(nonsense).unwrap().items().is_none(), "{nonsense}");
        }
    }
}
