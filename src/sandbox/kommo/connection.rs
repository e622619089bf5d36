//! `POST {channel}/connect` and `DELETE {channel}/disconnect`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::kommo::{
    Core, Doubtful,
    api::{Answer, Refusal},
    messages::read,
    reading::Filled,
};

/// How the channel is connected to the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The name that the account gives it; `None` if it has its own.
    pub title: Option<String>,
    /// Whether managers may write however long ago the customer did.
    pub is_time_window_disabled: bool,
}

#[derive(Deserialize)]
struct Asked {
    account_id: Filled,
    hook_api_version: Option<String>,
    title: Option<String>,
    is_time_window_disabled: Option<bool>,
}

impl Asked {
    /// A channel is private to the accounts that it was registered for.
    fn read(core: &Core, body: &[u8]) -> Result<Self, Refusal> {
        let asked: Self = read(body)?;
        if asked.account_id.0 == core.settings.account_id { Ok(asked) } else { Err(Refusal::unregistered()) }
    }
}

/// Connects, again if need be: the last one counts.
///
/// Without a version amoCRM would send hooks of the dead version 1; Kommo knows only `v2`.
pub(super) fn connect(core: &Core, body: &[u8]) -> Answer {
    let Asked { account_id, hook_api_version, title, is_time_window_disabled } = Asked::read(core, body)?;
    if hook_api_version.as_deref() != Some("v2") {
        return Err(Refusal::bad("hook_api_version must be v2"));
    }
    let is_untitled = title.as_deref().unwrap_or_default().is_empty();
    if is_untitled && core.world.read(|world| world.quirks.untitled) == Doubtful::Refused {
        return Err(Refusal::bad("title is required"));
    }
    let is_time_window_disabled = is_time_window_disabled.unwrap_or(false);
    let answer = json!({
        "account_id": account_id.0,
        "scope_id": core.settings.scope_id(),
        "title": title.as_ref().unwrap_or(&core.settings.title),
        "hook_api_version": "v2",
        "is_time_window_disabled": is_time_window_disabled,
    });
    core.world.change(|world| world.connection = Some(Connection { title, is_time_window_disabled }));
    Ok((200, answer))
}

pub(super) fn disconnect(core: &Core, body: &[u8]) -> Answer {
    Asked::read(core, body)?;
    core.world.change(|world| world.connection = None);
    Ok((200, Value::Null))
}
