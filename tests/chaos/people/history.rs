//! What was written before there was a bridge: somebody imports it while things go wrong, kills the command, and runs
//! it again until all of it is there.

use serde_json::json;
use telekommo::sandbox::harness::LINES;
use tokio::time::{Duration, Instant, sleep};

use super::Visit;
use crate::WITHIN;

/// Whose chats are imported: somebody who has let no bot into them, so they go into the customers' chats with the bot.
const OWNER: i64 = 777_000_999;

/// Of how many messages a history is.
const LENGTH: std::ops::Range<usize> = 15..40;
/// After what time the command is killed, in milliseconds.
const KILL_MS: std::ops::Range<u64> = 200..1200;
/// How long nobody tries again.
const PAUSE: Duration = Duration::from_millis(100);
/// The id of the first customer who has one.
const FIRST: i64 = 820_000_000;
/// When the first history began, and how much later each other one, in seconds.
const BEGAN: i64 = 1_714_557_600;
const DAY: i64 = 24 * 60 * 60;

/// A history.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The conversation that it goes into.
    pub(crate) conversation: String,
    pub(crate) messages: Vec<Past>,
    /// Whether nobody is to be told of it, not even by the newest message.
    pub(crate) is_silent: bool,
    /// Whether the command has said that all of it is imported.
    pub(crate) is_done: bool,
}

/// A message of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) text: String,
    pub(crate) is_customers: bool,
    /// In Unix seconds.
    pub(crate) at: i64,
    /// Which message of the history it answers.
    pub(crate) answers: Option<usize>,
}

/// Imports one, if there is none yet or chance has it.
pub(super) async fn import(mut visit: Visit) {
    let number = visit.book.with(|book| book.histories.len());
    if number > 0 && visit.chance.bool() {
        return;
    }
    let customer = FIRST + i64::try_from(number).unwrap_or(i64::MAX);
    let (line, is_silent) = (LINES[visit.chance.usize(..LINES.len())], visit.chance.bool());
    let began = BEGAN + DAY * i64::try_from(number).unwrap_or_default();
    let messages = messages(&mut visit.chance, number, began);
    let export = visit.import.export(&format!("history-{number}"), &export(customer, &messages));
    let conversation = format!("tg:{}:{customer}", line.source);
    visit.book.with(|book| book.histories.push(History { conversation, messages, is_silent, is_done: false }));
    let options = [&["--source", line.source][..], if is_silent { &["--silent"] } else { &[] }].concat();
    let (mut healed, mut kill) = (None, Some(Duration::from_millis(visit.chance.u64(KILL_MS))));
    loop {
        let (is_done, said) = visit.import.run(&export, &options, kill.take()).await;
        assert!(!said.contains("panicked at"), "{said}");
        if is_done {
            break;
        }
        if visit.stop.is_cancelled() {
            let since = *healed.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < WITHIN, "nothing more goes wrong, and it is not imported: {said}");
        }
        sleep(PAUSE).await;
    }
    visit.book.with(|book| book.histories[number].is_done = true);
}

fn messages(chance: &mut fastrand::Rng, number: usize, began: i64) -> Vec<Past> {
    let (mut at, length) = (began, chance.usize(LENGTH));
    let one = |n: usize| {
        // Some are written within the same second.
        at += chance.i64(0..4);
        let is_customers = n == 0 || chance.bool();
        let answers = (n > 0 && chance.u8(..4) == 0).then(|| chance.usize(..n));
        Past { text: format!("history {number}: message {n}"), is_customers, at, answers }
    };
    (0..length).map(one).collect()
}

/// As Telegram Desktop writes it.
fn export(customer: i64, messages: &[Past]) -> String {
    let messages: Vec<_> = (1..)
        .zip(messages)
        .map(|(id, it)| {
            let (from, name) = if it.is_customers { (customer, "Customer") } else { (OWNER, "An owner") };
            let mut message = json!({ "id": id, "type": "message", "date_unixtime": it.at.to_string(), "from": name,
                "from_id": format!("user{from}"), "text": it.text,
                "text_entities": [{ "type": "plain", "text": it.text }] });
            if let Some(answered) = it.answers {
                message["reply_to_message_id"] = json!(answered + 1);
            }
            message
        })
        .collect();
    // It says whose messages they are before it tells them.
    let chat = format!(
        r#"{{"name":"Customer","type":"personal_chat","id":{customer},"messages":{}}}"#,
        serde_json::Value::from(messages)
    );
    format!(r#"{{"personal_information":{{"user_id":{OWNER}}},"chats":{{"list":[{chat}]}}}}"#)
}
