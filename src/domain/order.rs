//! In which order Kommo shows messages. It sorts by the millisecond; Telegram tells the second, and numbers what it tells.

use serde::{Deserialize, Serialize};

use crate::domain::{address::MessageId, time::UnixMillis};

/// The latest message of a conversation that Kommo has. This is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// Our id of it.
    pub ours: MessageId,
    /// When Kommo was told that it was sent.
    pub sent_at: UnixMillis,
}

/// Telegram's `date_seconds`, with the message's number in place of the milliseconds: it keeps what was sent within one
/// second in order, up to where its last three digits begin anew.
#[must_use]
pub const fn within_second(date_seconds: i64, number: i64) -> UnixMillis {
    UnixMillis(UnixMillis::from_seconds(date_seconds).0.saturating_add(number.rem_euclid(1000)))
}

impl Latest {
    /// When Kommo is told that `ours` was sent, which was sent at [`within_second`]; `None` if it came before this one and
    /// stays where it was.
    ///
    /// What would stand before this one within the same second is moved behind it. It is moved into the next second at
    /// most, and never as far as what is sent in that one with a higher number; so one rule holds for all that follows.
    #[must_use]
    pub fn followed_by(self, ours: MessageId, sent_at: UnixMillis) -> Option<Self> {
        let is_same_chat = (self.ours.bot, self.ours.chat) == (ours.bot, ours.chat);
        if is_same_chat && ours.message < self.ours.message {
            return None;
        }
        if self.ours == ours {
            return Some(self);
        }
        let is_behind = (0..1000).contains(&self.sent_at.0.saturating_sub(sent_at.0));
        let sent_at = if is_behind { UnixMillis(self.sent_at.0.saturating_add(1)) } else { sent_at };
        Some(Self { ours, sent_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::BotId;

    const DATE: i64 = 1_786_017_600;

    fn id(message: i64) -> MessageId {
        MessageId { bot: BotId(1), chat: 7.into(), message, update: None }
    }

    /// The instants of messages by their seconds and numbers, in milliseconds from [`DATE`] on.
    fn told(messages: &[(i64, i64)]) -> Vec<i64> {
        let mut latest: Option<Latest> = None;
        let one = |(second, number): &(i64, i64)| {
            let (ours, sent_at) = (id(*number), within_second(DATE + second, *number));
            let next = latest.map_or(Some(Latest { ours, sent_at }), |latest| latest.followed_by(ours, sent_at));
            latest = next.or(latest);
            next.map_or(sent_at, |next| next.sent_at).0 - DATE * 1000
        };
        messages.iter().map(one).collect()
    }

    #[test]
    fn what_is_sent_within_a_second_stays_in_order() {
        assert_eq!(told(&[(0, 998), (0, 999), (0, 1000), (0, 1001)]), [998, 999, 1000, 1001]);
        // Other chats of the bot take numbers too.
        assert_eq!(told(&[(0, 999), (0, 1300), (0, 1301), (1, 1302)]), [999, 1000, 1001, 1302]);
        assert_eq!(told(&[(0, 1999), (0, 2000), (1, 2001)]), [999, 1000, 1001]);
        assert_eq!(told(&[(0, 5), (1, 6), (9, 1004)]), [5, 1006, 9004]);
        assert_eq!(told(&[(0, 5), (0, 1005), (0, 1006)]), [5, 6, 7]);
    }

    #[test]
    fn what_is_told_again_or_late_stays_where_it_was() {
        assert_eq!(told(&[(0, 999), (0, 1000), (0, 1000)]), [999, 1000, 1000]);
        assert_eq!(told(&[(0, 999), (0, 1000), (0, 998)]), [999, 1000, 998]);
        assert_eq!(told(&[(9, 7), (0, 8)]), [9007, 8], "whose clock is that?");
    }

    #[test]
    fn a_group_that_is_another_chat_now_goes_on() {
        let before = Latest { ours: id(500), sent_at: within_second(DATE, 500) };
        let ours = MessageId { chat: (-1_000_000_000_042).into(), ..id(2) };
        assert_eq!(before.followed_by(ours, within_second(DATE, 2)).unwrap().sent_at, within_second(DATE, 501));
    }
}
