//! One hop of a message.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{Conversation, MessageId},
    time::UnixMillis,
};

/// How much of a reason is kept, in characters.
const LONGEST_REASON: usize = 200;
/// So many digits in a row are no number that says why something failed, but perhaps a phone number.
const DIGITS: usize = 7;

/// What happened. The names stay, in files and for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It came, and is stored.
    #[default]
    Received,
    /// A relay begins an attempt.
    Claimed,
    /// The attempt has ended well.
    Done,
    /// It became calls.
    Unfolded,
    /// It was put together with others.
    United,
    /// The attempt has failed, and is made again.
    Retried,
    /// It may have arrived, and is sent again.
    Repeated,
    /// It is set aside.
    Parked,
    /// It has failed, and nobody misses it.
    Dropped,
    OperatorRetried,
    OperatorParked,
    OperatorDropped,
    /// Hops are missing here.
    Missed,
}

/// How something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// An update of a bot.
    Telegram,
    /// Kommo's hook.
    Hook,
    /// The comparison with Kommo's history.
    History,
}

/// A hop: ids, times and outcomes. What does not apply is left out. Fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hop {
    pub at: UnixMillis,
    pub event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// What kind of update or job it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What the sender calls the messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// What the other side calls them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_side: Vec<String>,
    /// The number of the job, as `telekommo queue` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<u64>,
    /// The number of what is parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Whether the remote had a say in how the attempt ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached_remote: Option<bool>,
    /// How long the next attempt waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// What Kommo is told of an answer: `delivered`, `read` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Kommo's code of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// How many calls it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How many hops are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

impl Hop {
    /// All ids of messages, as those of one message are compared.
    pub fn ids(&self) -> impl Iterator<Item = String> {
        self.messages.iter().chain(&self.other_side).filter_map(|id| plain_id(id))
    }

    /// What puts hops in their order. Within a millisecond, what comes first has the lower number, and is received
    /// before all else.
    #[must_use]
    pub fn order(&self) -> (UnixMillis, u64, bool) {
        (self.at, self.job.or(self.parked).unwrap_or_default(), self.event != Event::Received)
    }

    /// The numbers of the job, and of what is parked of it.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.job.into_iter().chain(self.parked)
    }
}

/// The id of a message, be it told of again by an edit or a press of a button; `None` for an update without a message.
pub(super) fn plain_id(id: &str) -> Option<String> {
    match id.parse::<MessageId>() {
        Ok(id) => Some(MessageId { update: None, ..id }.to_string()),
        Err(_) => (!id.contains(' ')).then(|| id.to_owned()),
    }
}

/// A reason as it is kept: short, and without what may be a phone number or somebody's words. What a remote says may
/// repeat what it got.
#[must_use]
pub fn reason(why: &str) -> String {
    let short: String = why.chars().take(LONGEST_REASON).collect();
    without_numbers(&without_quotations(&short))
}

/// Leaves out what stands between quotation marks.
fn without_quotations(text: &str) -> String {
    let (mut kept, mut end) = (String::new(), None);
    for sign in text.chars() {
        if end.is_none() {
            kept.push(sign);
            end = match sign {
                '"' => Some('"'),
                '“' => Some('”'),
                '«' => Some('»'),
                _ => None,
            };
        } else if end == Some(sign) {
            kept.push('…');
            kept.push(sign);
            end = None;
        }
    }
    if end.is_some() {
        kept.push('…');
    }
    kept
}

/// Leaves out long numbers, however their digits are grouped.
fn without_numbers(text: &str) -> String {
    let (mut kept, mut number) = (String::new(), String::new());
    for sign in text.chars().chain(['\n']) {
        if sign.is_ascii_digit() || !number.is_empty() && " -.()/".contains(sign) {
            number.push(sign);
            continue;
        }
        let digits = number.trim_end_matches(|sign: char| !sign.is_ascii_digit());
        let is_long = digits.bytes().filter(u8::is_ascii_digit).count() >= DIGITS;
        kept.push_str(if is_long { "…" } else { digits });
        kept.push_str(&number[digits.len()..]);
        number.clear();
        kept.push(sign);
    }
    kept.pop();
    kept
}
