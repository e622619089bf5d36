//! `POST {scope}/{message}/delivery_status` and `POST {scope}/typing`.

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::kommo::{
    Core, StatusNames,
    api::{Answer, Refusal},
    messages::read,
    reading::Filled,
    world::{Author, Status},
};

/// Both names of the code are in use: the reference's table has one, its examples the other.
#[derive(Debug, Deserialize)]
pub(super) struct ReportedStatus {
    msgid: Option<Filled>,
    status_code: Option<i64>,
    delivery_status: Option<i64>,
    error_code: Option<i64>,
    error: Option<String>,
}

impl ReportedStatus {
    pub(super) fn status(&self) -> Result<Status, Refusal> {
        let code = match (self.status_code, self.delivery_status) {
            (Some(code), None) | (None, Some(code)) => code,
            (Some(one), Some(other)) if one == other => one,
            (Some(_), Some(_)) => return Err(Refusal::bad("status_code and delivery_status differ")),
            (None, None) => return Err(Refusal::bad("status_code is required")),
        };
        match (code, self.error_code, self.error.clone().unwrap_or_default()) {
            (1, _, _) => Ok(Status::Delivered),
            (2, _, _) => Ok(Status::Read),
            (-1, Some(905), text) if text.is_empty() => Err(Refusal::bad("error is required with error_code 905")),
            (-1, Some(code @ 901..=905), text) => Ok(Status::Failed { code, text }),
            (-1, _, _) => Err(Refusal::bad("error_code must be 901 to 905")),
            (_, _, _) => Err(Refusal::bad("status_code must be 1, 2 or -1")),
        }
    }
}

impl ReportedStatus {
    /// Whether it has the names that this account knows, and no others.
    fn check(&self, names: StatusNames) -> Result<(), Refusal> {
        let has_older = self.msgid.is_some() || self.delivery_status.is_some();
        match names {
            StatusNames::Newer if has_older => Err(Refusal::bad("msgid, delivery_status: no such field")),
            StatusNames::Older if self.status_code.is_some() => Err(Refusal::bad("status_code: no such field")),
            StatusNames::Any | StatusNames::Newer | StatusNames::Older => Ok(()),
        }
    }
}

/// Sets the delivery status of the message with Kommo's id `id`. Customers' own messages have none.
pub(super) fn delivery(core: &Core, id: &str, body: &[u8]) -> Answer {
    let report: ReportedStatus = read(body)?;
    if report.msgid.as_ref().is_some_and(|msgid| msgid.0 != id) {
        return Err(Refusal::bad("msgid is not the one of the address"));
    }
    let status = report.status()?;
    core.world.change(|world| {
        report.check(world.quirks.status_names)?;
        let (message, ..) =
            world.find(|message| message.id == id && message.from != Author::Customer).ok_or_else(Refusal::unknown)?;
        message.set_status(status);
        Ok((200, Value::Null))
    })
}

#[derive(Deserialize)]
struct CustomerTypes {
    conversation_id: Filled,
    #[serde(rename = "sender")]
    _sender: Typist,
    #[serde(rename = "duration_ms")]
    _duration_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Typist {
    #[serde(rename = "id")]
    _id: Filled,
}

/// Accepts that a customer is typing.
pub(super) fn typing(core: &Core, body: &[u8]) -> Answer {
    let typing: CustomerTypes = read(body)?;
    let known = core.world.note(|world| world.chat(&typing.conversation_id.0).is_some());
    if known { Ok((204, Value::Null)) } else { Err(Refusal::unknown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_names_and_refuses_what_contradicts_itself() {
        let failed = |code, text: &str| Some(Status::Failed { code, text: text.to_owned() });
        for (body, status) in [
            (r#"{"status_code":1}"#, Some(Status::Delivered)),
            (r#"{"delivery_status":2,"error_code":905,"error":"Error text"}"#, Some(Status::Read)),
            (r#"{"status_code":1,"delivery_status":1}"#, Some(Status::Delivered)),
            (r#"{"status_code":1,"delivery_status":2}"#, None),
            (r#"{"status_code":-1,"error_code":901}"#, failed(901, "")),
            (r#"{"status_code":-1,"error_code":905,"error":"blocked"}"#, failed(905, "blocked")),
            (r#"{"status_code":-1,"error_code":905}"#, None),
            (r#"{"status_code":-1,"error_code":906,"error":"x"}"#, None),
            (r#"{"status_code":-1}"#, None),
            (r#"{"status_code":0}"#, None),
            (r#"{"status_code":"1"}"#, None),
            ("{}", None),
        ] {
            assert_eq!(
                read::<ReportedStatus>(body.as_bytes()).and_then(|report| report.status()).ok(),
                status,
                "{body}"
            );
        }
    }
}
