//! Connects the channel to the account. Kommo disconnects it whenever the integration is switched off or reinstalled.

use reqwest::Method;

use crate::kommo::{
    chats::{CallError, Chats, answer, encode},
    wire::{Connect, Connected, Disconnect},
};

impl Chats {
    /// Connects the channel to the account, as `title` if the operator has chosen one. Idempotent.
    ///
    /// Kommo's pages disagree on whether a title is required. If it is, the title is `fallback_title`.
    pub async fn connect(
        &self,
        title: Option<&str>,
        fallback_title: &str,
        has_time_window: bool,
    ) -> Result<Connected, CallError> {
        match self.connect_as(title, has_time_window).await {
            Err(error) if title.is_none() && error.is_bad_request() => {
                self.connect_as(Some(fallback_title), has_time_window).await
            }
            answer => answer,
        }
    }

    async fn connect_as(&self, title: Option<&str>, has_time_window: bool) -> Result<Connected, CallError> {
        let (channel, account_id) = self.channel_and_account();
        let body = Connect {
            account_id: account_id.to_owned(),
            title: title.map(str::to_owned),
            hook_api_version: "v2",
            is_time_window_disabled: !has_time_window,
        };
        let (status, body) = self.call_at(Method::POST, &format!("{channel}/connect"), None, encode(&body)).await?;
        answer::connected(status, &body)
    }

    /// Disconnects the channel: Kommo sends no more hooks, and refuses messages.
    pub async fn disconnect(&self) -> Result<(), CallError> {
        let (channel, account_id) = self.channel_and_account();
        let body = encode(&Disconnect { account_id: account_id.to_owned() });
        let (status, body) = self.call_at(Method::DELETE, &format!("{channel}/disconnect"), None, body).await?;
        answer::done(status, &body)
    }

    /// The ids of the channel and the account. Both are UUIDs, which have no underscore.
    fn channel_and_account(&self) -> (&str, &str) {
        self.scope_id.split_once('_').unwrap_or((&self.scope_id, ""))
    }
}
