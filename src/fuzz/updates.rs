//! Telegram's updates, up to what is sent to Kommo.

use serde_json::Value;

use crate::{
    domain::address::{BotId, SourceId},
    fuzz::{
        event::{self, Circumstances},
        input::{Input, is_kept},
    },
    telegram::wire,
    translate::{
        from_telegram::{self, Received},
        text::is_visible,
    },
};

/// A byte for the settings, and an update.
pub(super) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let circumstances = Circumstances::of(input.byte());
    let Some(raw) = input.text() else { return };
    check_metadata(raw);
    let relayed = event::relayed(raw, circumstances);
    if let Err(why) = &relayed {
        assert!(is_visible(why), "nothing is dropped without a reason");
    }
    let json: Value = serde_json::from_str(raw).unwrap_or_default();
    if let Some(message) = private(&json) {
        let relayed = relayed.unwrap_or_else(|why| unreachable!("a customer's message is not dropped: {why}"));
        for field in ["text", "caption"] {
            let words = message[field].as_str().filter(|words| is_visible(words) && !words.starts_with("/start"));
            let is_relayed = field == "text" || message["text"].is_null();
            if let Some(words) = words.filter(|_| is_relayed) {
                assert!(is_kept(words, &relayed), "{relayed:?} lacks words of {words:?}");
            }
        }
    }
}

/// Checks what is read of an update apart from its content.
fn check_metadata(raw: &str) {
    let source = SourceId::parse("sales").expect("it is one");
    let received = Received::read(raw);
    let lane = received.lane(&source);
    assert!(!lane.thread.is_empty() && lane.thread.len() <= 200, "{lane:?}");
    assert!(is_visible(&received.why_unreadable(&source)));
    assert!(received.message_id(BotId(1)).is_none_or(|id| is_visible(&id)));
    assert!(wire::update_id(raw).is_none_or(|id| id > 0));
    let _ = (from_telegram::numbers(raw), received.query());
    if let Some(found) = received.start_context(&source) {
        assert!(is_visible(&found.customer.name), "{found:?}");
        assert!(found.written_at.is_none_or(|at| at.0 >= 0), "{found:?}");
        assert!(found.phone.is_none_or(|phone| is_number(&phone)));
    }
    assert!(received.own_number().is_none_or(|(_, phone, at)| is_number(&phone) && at.0 >= 0));
}

fn is_number(phone: &str) -> bool {
    !phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit())
}

/// The message of an update, if it is certainly a customer's message to the bot.
fn private(update: &Value) -> Option<&Value> {
    let message = update.get("message").filter(|message| message.is_object())?;
    let says = |field: &str| message.get(field).is_some_and(|it| !it.is_null() && *it != false);
    let is_elsewhere = ["guest_query_id", "direct_messages_topic", "business_connection_id"].iter().any(|it| says(it));
    let is_chat = message["chat"]["type"] == "private" && message["chat"]["id"].is_i64();
    let is_own = message["from"]["id"] == 123_456 || message["sender_business_bot"]["id"] == 123_456;
    let is_numbered = message["message_id"].as_i64().is_some_and(|id| id != 0);
    (is_chat && is_numbered && !is_elsewhere && !is_own).then_some(message)
}
