//! Asking for updates. Each is kept as it came, and none depends on how the others look.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use teloxide::requests::Payload;

use crate::telegram::{
    bot::Bot,
    error::{CallError, Foreign, OpaqueBody},
    wire,
};

/// How much longer than the server may hold a poll the answer may take to begin.
const GRACE: Duration = Duration::from_secs(15);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The first update that is wanted; everything below it is confirmed.
    pub offset: Option<i64>,
    /// How many at most.
    pub limit: u8,
    /// How the answer is waited for.
    pub wait: Wait,
}

/// How the answer to a poll is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The server holds the poll until somebody writes.
    ForNews,
    /// The server answers at once, however slow the line is.
    ForAnswer,
    /// The server answers at once, or is taken to be away after so long.
    Within(Duration),
}

/// An update as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawUpdate {
    /// Its number; `None` if it has none by which it could be confirmed.
    pub id: Option<i64>,
    /// Its text.
    pub raw: String,
}

impl Bot {
    /// The updates from an offset on, in the order in which they came.
    ///
    /// # Errors
    /// Why there is no answer, or none that can be read.
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
        singly(&result)
    }

    /// Says that the way to Telegram may have changed. A poll that waits may do so on a connection that is dead, and
    /// one that has failed may be worth another try: the poller looks at once.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Waits until somebody has said so.
    pub async fn doubted(&self) {
        self.doubt.notified().await;
    }
}

/// Each update of a batch by itself.
fn singly(result: &RawValue) -> Result<Vec<RawUpdate>, CallError> {
    let Ok(updates) = serde_json::from_str::<Vec<&RawValue>>(result.get()) else {
        let body = OpaqueBody::new(result.get().to_owned());
        return Err(CallError::Foreign(Foreign { status: reqwest::StatusCode::OK, after: None, body }));
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

/// Every kind of update that Bot API 10.3 knows. Sent with every poll: the server keeps the last list it was given, and
/// leaves some kinds out unless they are named.
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
        singly(&result).unwrap().into_iter().map(|update| (update.id, update.raw)).collect()
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
    fn what_is_no_list_is_no_batch() {
        for result in ["{}", "7", "true", r#""[]""#, r#"{"0":{"update_id":1}}"#] {
            let result = RawValue::from_string(result.to_owned()).unwrap();
            let Err(CallError::Foreign(foreign)) = singly(&result) else { panic!("{result}") };
            assert_eq!(foreign.body.text(), result.get());
        }
    }
}
