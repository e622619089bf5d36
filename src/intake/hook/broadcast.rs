//! Recognises broadcasts. Hooks do not say whether a manager or a Salesbot wrote, but no person writes to a dozen chats
//! in a minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many chats a person may write to within [`WITHIN`].
const CHATS: usize = 10;
const WITHIN: Duration = Duration::from_mins(1);
/// The number of senders from which on those without recent messages are forgotten.
const MANY: usize = 1000;

/// The chats that each sender has written to lately: at most one more than `CHATS`.
#[derive(Debug, Default)]
pub struct Broadcasts(Mutex<HashMap<String, HashMap<String, Instant>>>);

impl Broadcasts {
    /// Whether a message of `sender` to the chat `thread` belongs to a broadcast.
    pub fn is_bulk(&self, sender: &str, thread: &str, now: Instant) -> bool {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < WITHIN;
        if senders.len() >= MANY {
            senders.retain(|_, chats| chats.values().any(is_recent));
        }
        let chats = senders.entry(sender.to_owned()).or_default();
        chats.retain(|_, at| is_recent(at));
        if chats.len() > CHATS && !chats.contains_key(thread) {
            // The newest are enough: they stay recent as long as the broadcast goes on.
            if let Some(oldest) = chats.iter().min_by_key(|(_, at)| **at).map(|(thread, _)| thread.clone()) {
                chats.remove(&oldest);
            }
        }
        chats.insert(thread.to_owned(), now);
        chats.len() > CHATS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_ten_chats_within_a_minute_are_a_broadcast() {
        let (broadcasts, start) = (Broadcasts::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for chat in 0..10 {
            assert!(!broadcasts.is_bulk("bot", &chat.to_string(), at(chat)));
        }
        assert!(!broadcasts.is_bulk("bot", "9", at(10)), "the same chat again");
        for chat in 10..5000 {
            assert!(broadcasts.is_bulk("bot", &chat.to_string(), at(11)), "{chat}");
        }
        assert!(!broadcasts.is_bulk("maria", "1", at(11)), "another one");
        assert!(!broadcasts.is_bulk("bot", "1", at(72)), "it is over");
    }

    #[test]
    fn a_person_who_writes_all_day_is_no_broadcast_and_old_senders_are_forgotten() {
        let (broadcasts, start) = (Broadcasts::default(), Instant::now());
        for n in 0..2000_u64 {
            let now = start + Duration::from_secs(n * 7);
            assert!(!broadcasts.is_bulk("maria", &n.to_string(), now), "{n}");
            broadcasts.is_bulk(&format!("other {n}"), "1", now);
        }
        let senders = broadcasts.0.lock().unwrap();
        assert!(senders.len() <= MANY && senders["maria"].len() <= CHATS + 1);
    }
}
