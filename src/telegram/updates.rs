//! `getUpdates`. Each update stays raw JSON, so that one broken update does not affect the others.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use teloxide::requests::Payload;

use crate::telegram::{
    bot::Bot,
    error::{CallError, Foreign, OpaqueBody},
    wire,
};

/// How much longer than the server may hold a poll the response may take to begin.
const GRACE: Duration = Duration::from_secs(15);

/// The parameters of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The first update to return. All below it are confirmed.
    pub offset: Option<i64>,
    pub limit: u8,
    pub wait: Wait,
}

/// How long a poll waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until there is an update, or the timeout of polls.
    ForNews,
    /// For the response, which the server sends at once.
    ForAnswer,
    /// For the response, which the server sends at once, up to this long.
    Within(Duration),
}

/// An update as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawUpdate {
    /// Its number; `None` if it has none that can be confirmed.
    pub id: Option<i64>,
    /// Its JSON.
    pub raw: String,
}

impl Bot {
    /// The updates from an offset on, in Telegram's order.
    ///
    /// # Errors
    /// If there is no response, or it cannot be read.
    pub async fn updates(&self, ask: Ask) -> Result<Vec<RawUpdate>, CallError> {
        let held_for = if ask.wait == Wait::ForNews { self.poll_timeout } else { Duration::ZERO };
        let within = match ask.wait {
            Wait::ForNews | Wait::ForAnswer => held_for + GRACE,
            Wait::Within(within) => within,
        };
        let payload = GetUpdates {
            offset: ask.offset,
            limit: ask.limit,
            timeout: held_for.as_secs(),
            allowed_updates: ALLOWED_UPDATES,
        };
        let result = self.poller.call_within(&payload, within).await?;
        split(&result)
    }

    /// Reports that the connection to Telegram may have changed, so that the poller polls anew at once: its current
    /// poll may wait on a dead connection, and a failed one may succeed now.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Waits for [`Bot::doubt`].
    pub async fn doubted(&self) {
        self.doubt.notified().await;
    }
}

/// Splits a batch into its updates.
fn split(result: &RawValue) -> Result<Vec<RawUpdate>, CallError> {
    let Ok(updates) = serde_json::from_str::<Vec<&RawValue>>(result.get()) else {
        let body = OpaqueBody::new(result.get().to_owned());
        return Err(CallError::Foreign(Foreign { status: reqwest::StatusCode::OK, retry_after: None, body }));
    };
    let read = |raw: &RawValue| RawUpdate { id: wire::update_id(raw.get()), raw: raw.get().to_owned() };
    Ok(updates.into_iter().map(read).collect())
}

/// `getUpdates`.
#[derive(Serialize)]
struct GetUpdates {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    limit: u8,
    timeout: u64,
    allowed_updates: &'static [&'static str],
}

impl Payload for GetUpdates {
    type Output = Vec<Value>;
    const NAME: &'static str = "GetUpdates";
}

/// Every kind of update of Bot API 10.3. Every poll has this list, because the server keeps the last one that it got,
/// and leaves out some kinds by default.
pub const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
    "subscription",
    "stopped_message_generation",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(updates: &str) -> Vec<(Option<i64>, String)> {
        let result = RawValue::from_string(format!("[{updates}]")).unwrap();
        split(&result).unwrap().into_iter().map(|update| (update.id, update.raw)).collect()
    }

    #[test]
    fn each_update_stays_as_it_came() {
        let odd = [
            r#"{ "update_id" : 5, "message":{"text":"\ud83d"} }"#,
            r#"{"update_id":6,"n":1e99999999999,"n":-0,"m":123456789012345678901234567890}"#,
            r#"{"update_id":"7"}"#,
            r#"{"update_id":8,"update_id":9}"#,
            r#""no object""#,
            "null",
            r#"{"update_id":10}"#,
        ];
        let ids = [Some(5), Some(6), None, None, None, None, Some(10)];
        let want: Vec<_> = ids.into_iter().zip(odd.map(str::to_owned)).collect();
        assert_eq!(batch(&odd.join(" ,\n")), want);
    }

    #[test]
    fn no_depth_in_any_place_stops_the_others() {
        let plain = [r#"{"update_id":1}"#, r#"{"update_id":2}"#];
        for levels in [121, 122, 127, 128, 1_000, 100_000] {
            let deep = format!(r#"{{"x":{}{},"update_id":9}}"#, "[".repeat(levels), "]".repeat(levels));
            for place in 0..3 {
                let mut updates = Vec::from(plain.map(str::to_owned));
                updates.insert(place, deep.clone());
                let found = batch(&updates.join(","));
                assert_eq!(found.len(), 3, "{levels} at {place}");
                assert_eq!(found[place], (Some(9), deep.clone()), "{levels} at {place}");
            }
        }
    }

    #[test]
    fn a_result_that_is_no_list_is_foreign() {
        for result in ["{}", "7", "true", r#""[]""#, r#"{"0":{"update_id":1}}"#] {
            let result = RawValue::from_string(result.to_owned()).unwrap();
            let Err(CallError::Foreign(foreign)) = split(&result) else { panic!("{result}") };
            assert_eq!(foreign.body.text(), result.get());
        }
    }
}
