//! What a chat has held so far.

use reqwest::Method;

use crate::kommo::{
    chats::{CallError, Chats, answer},
    http::encoded,
    wire::{HistoryItem, HistoryMessage},
};

/// How many messages a page of a chat's history has at most (Chats API, chat history).
pub const HISTORY_PAGE: usize = 50;
/// How far back a message is looked for. One that is repeated is among the newest, but a chat can be lively.
const PAGES: usize = 20;

impl Chats {
    /// The one with our id `msgid` among the newest thousand messages of a chat (by Kommo's id).
    pub async fn find(&self, kommo_chat: &str, msgid: &str) -> Result<Option<HistoryMessage>, CallError> {
        self.first(kommo_chat, |message| message.client_id.as_deref() == Some(msgid)).await
    }

    /// Whether they hold one that is meant.
    pub async fn has(&self, kommo_chat: &str, is_it: impl Fn(&HistoryMessage) -> bool) -> Result<bool, CallError> {
        Ok(self.first(kommo_chat, is_it).await?.is_some())
    }

    async fn first(
        &self,
        kommo_chat: &str,
        is_it: impl Fn(&HistoryMessage) -> bool,
    ) -> Result<Option<HistoryMessage>, CallError> {
        for page in 0..PAGES {
            let items = self.history(kommo_chat, page).await?;
            let found = items.iter().map(HistoryItem::content).find(&is_it);
            if found.is_some() || items.len() < HISTORY_PAGE {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A page of the history of a chat (by Kommo's id), newest first; page 0 is the newest. The last one has less than
    /// [`HISTORY_PAGE`] messages.
    pub async fn history(&self, kommo_chat: &str, page: usize) -> Result<Vec<HistoryItem>, CallError> {
        let path = format!("/chats/{}/history", encoded(kommo_chat));
        let query = format!("limit={HISTORY_PAGE}&offset={}", page * HISTORY_PAGE);
        let (status, body) = self.call(Method::GET, &path, Some(&query), Vec::new()).await?;
        answer::history(status, &body)
    }
}

#[cfg(test)]
mod tests {
    use crate::kommo::wire::History;

    #[test]
    fn a_page_of_history_tells_our_ids_and_where_there_are_none() {
        let history: History =
            serde_json::from_str(include_str!("../../../tests/fixtures/kommo/history.json")).unwrap();
        let ids: Vec<_> = history.items().unwrap().iter().map(|item| item.content().client_id).collect();
        assert_eq!(ids, [None, Some("tg:bot1:777000111:1".to_owned())]);
        let odd: History = serde_json::from_str(r#"{"messages":[7,{"message":{"client_id":"x"}}]}"#).unwrap();
        let ids: Vec<_> = odd.items().unwrap().iter().map(|item| item.content().client_id).collect();
        assert_eq!(ids, [None, Some("x".to_owned())], "as many as there are");
        for nonsense in ["{}", r#"{"messages":"x"}"#] {
            assert!(serde_json::from_str::<History>(nonsense).unwrap().items().is_none(), "{nonsense}");
        }
    }
}
