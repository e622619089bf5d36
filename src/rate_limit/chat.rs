//! The rate of each chat: a burst at once, then one after the other.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The number of chats from which on those without pending waits are forgotten.
const MANY: usize = 4096;

/// The limits of one chat. Telegram asks for at most one message a second, tolerates short bursts, and asks for at most
/// 20 a minute in a group (Bots FAQ, "My bot is hitting limits").
#[derive(Clone, Copy, Debug)]
pub struct ChatLimits {
    /// Messages per second in a private chat.
    pub per_second: u32,
    /// How many may be sent at once.
    pub burst: u32,
    /// Messages in any minute in a group.
    pub group_per_minute: u32,
}

impl ChatLimits {
    /// The time that one message uses up, and how much may be used in advance.
    fn of(self, is_group: bool) -> (Duration, Duration) {
        let burst = self.burst.max(1);
        if !is_group {
            let each = Duration::from_secs(1) / self.per_second.max(1);
            return (each, each * (burst - 1));
        }
        // A burst and what follows it within the minute are together no more than the limit.
        let burst = burst.min(self.group_per_minute.max(1));
        let each = Duration::from_mins(1) / (self.group_per_minute.max(1) + 1 - burst) + Duration::from_nanos(1);
        (each, each * (burst - 1))
    }
}

/// Keeps the rate of all chats of one bot.
#[derive(Debug)]
pub struct ChatRateLimit {
    limits: ChatLimits,
    /// Until when the limit of each chat is used up.
    taken_until: Mutex<HashMap<i64, Instant>>,
}

impl ChatRateLimit {
    /// A rate limit for chats with these limits.
    #[must_use]
    pub fn new(limits: ChatLimits) -> Self {
        Self { limits, taken_until: Mutex::default() }
    }

    /// How long `messages` to a chat have to wait; `None` if they may be sent, in which case they are counted.
    pub fn take(&self, chat: i64, is_group: bool, messages: usize, now: Instant) -> Option<Duration> {
        let (each, borrowed) = self.limits.of(is_group);
        self.take_of(chat, (each, borrowed), messages, now)
    }

    /// The same for a broadcast: it always leaves one message of a burst to others.
    pub fn take_patiently(&self, chat: i64, is_group: bool, messages: usize, now: Instant) -> Option<Duration> {
        let (each, borrowed) = self.limits.of(is_group);
        self.take_of(chat, (each, borrowed.saturating_sub(each)), messages, now)
    }

    /// Gives back the limit of messages that were counted but not sent.
    pub fn give_back(&self, chat: i64, is_group: bool, messages: usize) {
        let taken = self.limits.of(is_group).0 * u32::try_from(messages).unwrap_or(u32::MAX);
        let mut chats = self.taken_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = chats.get_mut(&chat) {
            *until = until.checked_sub(taken).unwrap_or(*until);
        }
    }

    fn take_of(
        &self,
        chat: i64,
        (each, borrowed): (Duration, Duration),
        messages: usize,
        now: Instant,
    ) -> Option<Duration> {
        let mut chats = self.taken_until.lock().unwrap_or_else(PoisonError::into_inner);
        let taken_until = chats.get(&chat).copied().unwrap_or(now).max(now);
        let wait = (taken_until - now).saturating_sub(borrowed);
        if !wait.is_zero() {
            return Some(wait);
        }
        if chats.len() >= MANY {
            chats.retain(|_, until| *until > now);
        }
        chats.insert(chat, taken_until + each * u32::try_from(messages).unwrap_or(u32::MAX));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ChatLimits = ChatLimits { per_second: 1, burst: 5, group_per_minute: 20 };

    /// When messages to a chat are sent, if the caller waits as long as requested.
    fn instants(rate_limit: &ChatRateLimit, is_group: bool, messages: usize) -> Vec<Duration> {
        let start = Instant::now();
        let (mut now, mut at) = (start, Vec::new());
        for _ in 0..messages {
            while let Some(wait) = rate_limit.take(7, is_group, 1, now) {
                now += wait;
            }
            at.push(now - start);
        }
        at
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_a_second_apart() {
        let at = instants(&ChatRateLimit::new(LIMITS), false, 8);
        assert_eq!(at, [0, 0, 0, 0, 0, 1, 2, 3].map(Duration::from_secs));
    }

    #[test]
    fn a_broadcast_leaves_a_message_of_the_burst_to_others() {
        let (rate_limit, now) = (ChatRateLimit::new(LIMITS), Instant::now());
        let patient = (0..9).take_while(|_| rate_limit.take_patiently(7, false, 1, now).is_none()).count();
        assert_eq!(patient, 4);
        assert_eq!(rate_limit.take(7, false, 1, now), None);
        assert_eq!(rate_limit.take(7, false, 1, now), Some(Duration::from_secs(1)));
        assert_eq!(rate_limit.take_patiently(7, false, 1, now), Some(Duration::from_secs(2)));
    }

    #[test]
    fn messages_that_were_not_sent_do_not_count() {
        let (rate_limit, now) = (ChatRateLimit::new(LIMITS), Instant::now());
        assert_eq!(rate_limit.take_patiently(7, false, 10, now), None);
        rate_limit.give_back(7, false, 10);
        let at_once = (0..9).take_while(|_| rate_limit.take(7, false, 1, now).is_none()).count();
        assert_eq!(at_once, 5);
        rate_limit.give_back(8, false, 1);
        assert_eq!(rate_limit.take(8, false, 1, now), None, "an unknown chat");
    }

    #[test]
    fn no_minute_of_a_group_has_more_than_its_limit() {
        for (burst, limit) in [(5, 20), (1, 20), (20, 20), (50, 20), (5, 1), (5, 60)] {
            let limits = ChatLimits { burst, group_per_minute: limit, ..LIMITS };
            let at = instants(&ChatRateLimit::new(limits), true, 90);
            for (n, first) in at.iter().enumerate() {
                let within = at[n..].iter().filter(|later| **later < *first + Duration::from_mins(1)).count();
                assert!(within <= limit as usize, "{within} of {limit} from {first:?} on: {at:?}");
            }
        }
    }

    #[test]
    fn chats_are_independent_and_are_forgotten() {
        let (rate_limit, now) = (ChatRateLimit::new(LIMITS), Instant::now());
        assert_eq!(rate_limit.take(1, false, 10, now), None, "an album goes as a whole");
        assert_eq!(rate_limit.take(1, false, 1, now), Some(Duration::from_secs(6)));
        assert_eq!(rate_limit.take(2, false, 1, now), None);
        let later = now + Duration::from_mins(1);
        for chat in 0..i64::try_from(MANY).unwrap() {
            rate_limit.take(chat, false, 1, later);
        }
        rate_limit.take(-1, false, 1, later + Duration::from_mins(1));
        assert_eq!(rate_limit.taken_until.lock().unwrap().len(), 1);
    }
}
