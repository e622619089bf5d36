//! One bot's queue of updates, as the server keeps it: what is confirmed is forgotten, what is old expires.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use serde_json::{Value, json};

use crate::domain::time::UnixMillis;

/// How many updates are kept; more are dropped silently (server source).
const CAPACITY: usize = 100_000;
/// A queue that was quiet for this long starts again at a random id (Bot API, `Update.update_id`).
const QUIET: Duration = Duration::from_hours(7 * 24);
/// An offset this far above the newest id is taken for a mistake, and nothing is forgotten (`TQueue::get`).
const FUTURE_SLACK: i64 = 10;

/// Every kind of update the server knows.
const KINDS: [&str; 25] = [
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
];
/// The kinds that a bot has to ask for by name.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// Which kinds of updates a bot wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Allowed {
    /// All but those on request.
    #[default]
    Usual,
    Only(BTreeSet<String>),
}

impl Allowed {
    /// Reads the argument: `None` (nothing changes) if it is absent or not an array of strings.
    pub(super) fn parse(argument: Option<&str>) -> Option<Self> {
        let names: Vec<String> = serde_json::from_str(argument?).ok()?;
        let known: BTreeSet<String> = names.into_iter().filter(|name| KINDS.contains(&name.as_str())).collect();
        Some(if known.is_empty() { Self::Usual } else { Self::Only(known) })
    }

    fn lets(&self, kind: &str) -> bool {
        match self {
            Self::Usual => !ON_REQUEST.contains(&kind),
            Self::Only(kinds) => kinds.contains(kind),
        }
    }

    /// As `getWebhookInfo` shows it: nothing for the usual.
    pub(super) fn names(&self) -> Option<Vec<&str>> {
        match self {
            Self::Usual => None,
            Self::Only(kinds) => Some(kinds.iter().map(String::as_str).collect()),
        }
    }
}

#[derive(Debug)]
struct Event {
    id: i64,
    update: Value,
    expires_at: UnixMillis,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    events: VecDeque<Event>,
    next_id: Option<i64>,
    last_push_at: UnixMillis,
    confirmed: Option<i64>,
    expired: Vec<Value>,
    pub(super) allowed: Allowed,
}

impl Queue {
    /// Adds an update of `kind`. Returns its id, or `None` if the bot does not want the kind or the queue is full.
    pub(super) fn push(&mut self, kind: &str, content: &Value, now: UnixMillis) -> Option<i64> {
        if !self.allowed.lets(kind) {
            return None;
        }
        self.add(now, lifetime(kind), |id| json!({ "update_id": id, kind: content }))
    }

    /// Adds `update` as it is, at the place of the next id.
    pub(super) fn push_raw(&mut self, update: Value, now: UnixMillis) -> Option<i64> {
        self.add(now, lifetime("message"), |_| update)
    }

    fn add(&mut self, now: UnixMillis, lives: Duration, update: impl FnOnce(i64) -> Value) -> Option<i64> {
        self.expire(now);
        if self.events.len() >= CAPACITY {
            return None;
        }
        if self.events.is_empty() && self.last_push_at.plus(QUIET) <= now {
            self.next_id = None;
        }
        let id = self.next_id.unwrap_or_else(|| fastrand::i64(100_000_000..1_000_000_000));
        self.next_id = Some(id + 1);
        self.last_push_at = now;
        self.events.push_back(Event { id, update: update(id), expires_at: now.plus(lives) });
        Some(id)
    }

    /// Forgets what `offset` confirms, and returns the next updates, at most `limit`.
    pub(super) fn take(&mut self, offset: i64, limit: usize, now: UnixMillis) -> Vec<Value> {
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            self.forget(self.events.len().saturating_sub(keep));
        }
        if self.next_id.is_some_and(|next| offset <= next + FUTURE_SLACK) {
            self.forget(self.events.iter().take_while(|event| event.id < offset).count());
        }
        self.expire(now);
        self.events.iter().take(limit).map(|event| event.update.clone()).collect()
    }

    fn forget(&mut self, count: usize) {
        if let Some(last) = self.events.drain(..count).next_back() {
            self.confirmed = Some(last.id);
        }
    }

    fn expire(&mut self, now: UnixMillis) {
        let (live, expired): (VecDeque<_>, VecDeque<_>) = self.events.drain(..).partition(|it| it.expires_at > now);
        self.events = live;
        self.expired.extend(expired.into_iter().map(|event| event.update));
    }

    /// How many updates wait.
    pub(super) fn pending(&mut self, now: UnixMillis) -> usize {
        self.expire(now);
        self.events.len()
    }

    /// What nobody has asked for in time.
    pub(super) fn expired(&mut self, now: UnixMillis) -> Vec<Value> {
        self.expire(now);
        self.expired.clone()
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
    }

    /// The newest update that the bot has confirmed.
    pub(super) const fn confirmed(&self) -> Option<i64> {
        self.confirmed
    }
}

/// How long the server keeps an update (server source).
fn lifetime(kind: &str) -> Duration {
    match kind {
        "callback_query" | "shipping_query" | "pre_checkout_query" => Duration::from_secs(150),
        "inline_query" => Duration::from_secs(30),
        _ => Duration::from_hours(24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    fn three() -> (Queue, i64) {
        let mut queue = Queue::default();
        let ids: Vec<i64> = (0..3).filter_map(|n| queue.push("message", &json!({ "n": n }), NOW)).collect();
        assert_eq!(ids, [ids[0], ids[0] + 1, ids[0] + 2]);
        (queue, ids[0])
    }

    fn ids(updates: &[Value]) -> Vec<i64> {
        updates.iter().filter_map(|update| update["update_id"].as_i64()).collect()
    }

    #[test]
    fn an_offset_forgets_what_is_below_it_and_nothing_else() {
        let (mut queue, first) = three();
        assert_eq!(ids(&queue.take(0, 100, NOW)), [first, first + 1, first + 2]);
        assert_eq!(ids(&queue.take(0, 1, NOW)), [first]);
        assert_eq!(queue.confirmed(), None);
        assert_eq!(ids(&queue.take(first + 2, 100, NOW)), [first + 2]);
        assert_eq!(ids(&queue.take(0, 100, NOW)), [first + 2]);
        assert_eq!(queue.confirmed(), Some(first + 1));
    }

    #[test]
    fn an_offset_from_another_time_forgets_nothing() {
        let (mut queue, first) = three();
        assert_eq!(ids(&queue.take(first - 1_000, 100, NOW)).len(), 3);
        assert_eq!(ids(&queue.take(first + 3 + FUTURE_SLACK + 1, 100, NOW)).len(), 3);
        assert_eq!(ids(&queue.take(first + 3 + FUTURE_SLACK, 100, NOW)).len(), 0);
    }

    #[test]
    fn a_negative_offset_discards_all_but_the_last() {
        let (mut queue, first) = three();
        assert_eq!(ids(&queue.take(-1, 100, NOW)), [first + 2]);
        assert_eq!(queue.pending(NOW), 1);
    }

    #[test]
    fn updates_expire() {
        let (mut queue, _) = three();
        queue.push("callback_query", &json!({}), NOW);
        assert_eq!(queue.pending(NOW.plus(Duration::from_secs(149))), 4);
        assert_eq!(queue.pending(NOW.plus(Duration::from_secs(150))), 3);
        assert_eq!(queue.pending(NOW.plus(Duration::from_hours(24))), 0);
    }

    #[test]
    fn ids_start_anew_after_a_quiet_week() {
        let (mut queue, first) = three();
        let later = NOW.plus(Duration::from_hours(25));
        assert_eq!(queue.push("message", &json!({}), later), Some(first + 3));
        let week_later = later.plus(QUIET);
        let anew = queue.push("message", &json!({}), week_later);
        assert!(anew.is_some() && anew != Some(first + 4), "a new start is random");
    }

    #[test]
    fn only_wanted_kinds_arrive() {
        let mut queue = Queue::default();
        assert_eq!(queue.push("message_reaction", &json!({}), NOW), None);
        for (argument, reads) in [
            (None, None),
            (Some("null"), None),
            (Some("7"), None),
            (Some("[7]"), None),
            (Some("[]"), Some(Allowed::Usual)),
            (Some(r#"["made_up"]"#), Some(Allowed::Usual)),
            (Some(r#"["poll","made_up"]"#), Some(Allowed::Only(BTreeSet::from(["poll".to_owned()])))),
        ] {
            assert_eq!(Allowed::parse(argument), reads, "{argument:?}");
        }
        queue.allowed = Allowed::Only(BTreeSet::from(["message_reaction".to_owned()]));
        assert!(queue.push("message_reaction", &json!({}), NOW).is_some());
        assert_eq!(queue.push("message", &json!({}), NOW), None);
    }
}
