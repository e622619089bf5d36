//! The order in which Kommo shows messages. Kommo sorts by the millisecond. Telegram dates messages by the second, and
//! numbers them.
//!
//! Kommo's clock dates managers' messages, and Telegram's clock dates customers'. No clock says whether a customer
//! answers a manager. Telegram's numbers do: what was written after a manager's message arrived has a higher number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{address::MessageId, time::UnixMillis};

/// The latest message of a conversation that Kommo has. This is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSent {
    /// Our id of it.
    pub ours: MessageId,
    /// Its date in Kommo.
    pub sent_at: UnixMillis,
    /// The date in Kommo of something after it that Telegram does not date: the press of a button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undated_at: Option<UnixMillis>,
    /// What a program has sent after it. The bridge learns of that at once, so earlier messages of customers may come
    /// later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Ahead>,
}

/// A program's message, by its number, and its date in Kommo. This is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ahead {
    pub message: i64,
    pub sent_at: UnixMillis,
}

/// The furthest that a message is moved behind another one. The most common wrong clock is off by one hour, because of
/// daylight saving time. If clocks differ by more, the right time of each message matters more than their order; and a
/// message that was dated days ahead by mistake must not move all that follow.
const FURTHEST_MS: i64 = 2 * 60 * 60 * 1000;

/// The furthest that a message is moved behind the press of a button. Telegram does not date a press, so it has the
/// time at which this machine received it, which is late after an outage, and wrong if the machine's clock is wrong.
const FURTHEST_UNDATED_MS: i64 = 60 * 1000;

/// How many of Kommo's messages are kept of a conversation. A customer answers one of the last of them.
const MOST_ARRIVED: usize = 16;
/// How many of one minute are kept. A message that is sent again after a crash must find those that it was dated
/// behind.
const MOST_IN_A_MINUTE: usize = 64;
const MINUTE: Duration = Duration::from_mins(1);

/// A message from Kommo that has reached the customer. This is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Our id of it.
    pub ours: MessageId,
    /// When it was written, by Kommo's clock.
    pub written_at: UnixMillis,
}

impl Arrived {
    /// Whether `ours` was written after it. A message in another chat was: a group that became a supergroup is another
    /// chat.
    fn is_before(&self, ours: &MessageId) -> bool {
        (self.ours.bot, self.ours.chat) != (ours.bot, ours.chat) || self.ours.message <= ours.message
    }
}

/// Records a message that has arrived. The parts of an answer have one date, and the first part counts.
pub fn arrive(arrived: &mut Vec<Arrived>, new: Arrived) {
    let is_part = |it: &Arrived| it.written_at == new.written_at && it.is_before(&new.ours);
    if !arrived.iter().any(is_part) {
        arrived.push(new);
        let before = new.written_at.minus(MINUTE);
        let is_old = |it: &Arrived| it.written_at < before;
        while arrived.len() > MOST_IN_A_MINUTE || arrived.len() > MOST_ARRIVED && is_old(&arrived[0]) {
            arrived.remove(0);
        }
    }
}

/// The date in Kommo of `ours`, by the messages of the other side: behind all that had arrived before.
#[must_use]
pub fn behind_arrived(ours: &MessageId, sent_at: UnixMillis, arrived: &[Arrived]) -> UnixMillis {
    let before =
        arrived.iter().filter(|it| it.is_before(ours)).filter_map(|it| behind(it.written_at, sent_at, FURTHEST_MS));
    before.max().unwrap_or(sent_at)
}

/// The millisecond after `former`; `None` if `sent_at` is later anyway, or too far before it to be moved.
fn behind(former: UnixMillis, sent_at: UnixMillis, furthest_ms: i64) -> Option<UnixMillis> {
    let is_moved = (0..=furthest_ms).contains(&former.0.saturating_sub(sent_at.0));
    is_moved.then(|| UnixMillis(former.0.saturating_add(1)))
}

/// Telegram's `date_seconds`, with the last three digits of the message's number as milliseconds. They keep the
/// messages of one second in order, until they start again at 000.
#[must_use]
pub const fn within_second(date_seconds: i64, number: i64) -> UnixMillis {
    UnixMillis(UnixMillis::from_seconds(date_seconds).0.saturating_add(number.rem_euclid(1000)))
}

impl LastSent {
    /// The message `ours`, dated `sent_at` in Kommo, with nothing after it.
    #[must_use]
    pub const fn new(ours: MessageId, sent_at: UnixMillis) -> Self {
        Self { ours, sent_at, undated_at: None, ahead: None }
    }

    /// The next message, `ours`, with its date in Kommo: `sent_at`, which is [`within_second`] or [behind what had
    /// arrived](behind_arrived), moved behind this message if it is earlier. `None` if `ours` comes before this one and
    /// keeps its date.
    #[must_use]
    pub fn followed_by(self, ours: MessageId, sent_at: UnixMillis) -> Option<Self> {
        let is_same_chat = (self.ours.bot, self.ours.chat) == (ours.bot, ours.chat);
        if is_same_chat && ours.message < self.ours.message {
            return None;
        }
        if self.ours == ours {
            return Some(self);
        }
        let (before, ahead) = match self.ahead {
            Some(ahead) if is_same_chat && ours.message < ahead.message => (None, Some(ahead)),
            Some(ahead) => (behind(ahead.sent_at, sent_at, FURTHEST_MS), None),
            None => (None, None),
        };
        let sent_at = before.unwrap_or(sent_at).max(self.put_behind(sent_at));
        Some(Self { ahead, ..Self::new(ours, sent_at) })
    }

    /// Records what a program has sent: this message stays the latest one, and the program's is ahead of those to come.
    /// Also returns the date of the program's message in Kommo.
    #[must_use]
    pub fn with_ahead(self, ours: MessageId, sent_at: UnixMillis) -> (Self, UnixMillis) {
        let Some(followed) = self.followed_by(ours, sent_at) else { return (self, sent_at) };
        let ahead = Ahead { message: ours.message, sent_at: followed.sent_at };
        (Self { ahead: self.ahead.max(Some(ahead)), ..self }, followed.sent_at)
    }

    /// The date in Kommo of something without a number that came after this message at `sent_at`.
    #[must_use]
    pub fn put_behind(self, sent_at: UnixMillis) -> UnixMillis {
        let behind_undated = self.undated_at.and_then(|at| behind(at, sent_at, FURTHEST_UNDATED_MS));
        behind(self.sent_at, sent_at, FURTHEST_MS).max(behind_undated).unwrap_or(sent_at)
    }

    /// The same message, followed by something without a number that is dated `sent_at` in Kommo, as
    /// [`Self::put_behind`] returned it. Directly behind this message, that counts as dated by Telegram.
    #[must_use]
    pub fn with_unnumbered(self, sent_at: UnixMillis, is_dated: bool) -> Self {
        if is_dated || sent_at.0 <= self.sent_at.0.saturating_add(1) {
            Self { sent_at: self.sent_at.max(sent_at), ..self }
        } else {
            Self { undated_at: Some(sent_at), ..self }
        }
    }

    /// The later of this one and `other`, which was recorded after it, perhaps without knowing of it: two lanes may
    /// lead to one conversation.
    #[must_use]
    pub fn or_later(self, other: Self) -> Self {
        let is_same_chat = (self.ours.bot, self.ours.chat) == (other.ours.bot, other.ours.chat);
        let place = |it: &Self| (it.ours.message, it.sent_at, it.undated_at, it.ahead);
        if is_same_chat && place(&self) > place(&other) { self } else { other }
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
    fn sent(messages: &[(i64, i64)]) -> Vec<i64> {
        let mut last_sent: Option<LastSent> = None;
        let one = |(second, number): &(i64, i64)| {
            let (ours, sent_at) = (id(*number), within_second(DATE + second, *number));
            let next =
                last_sent.map_or(Some(LastSent::new(ours, sent_at)), |last_sent| last_sent.followed_by(ours, sent_at));
            last_sent = next.or(last_sent);
            next.map_or(sent_at, |next| next.sent_at).0 - DATE * 1000
        };
        messages.iter().map(one).collect()
    }

    #[test]
    fn what_is_sent_within_a_second_stays_in_order() {
        assert_eq!(sent(&[(0, 998), (0, 999), (0, 1000), (0, 1001)]), [998, 999, 1000, 1001]);
        // Other chats of the bot take numbers too.
        assert_eq!(sent(&[(0, 999), (0, 1300), (0, 1301), (1, 1302)]), [999, 1000, 1001, 1302]);
        assert_eq!(sent(&[(0, 1999), (0, 2000), (1, 2001)]), [999, 1000, 1001]);
        assert_eq!(sent(&[(0, 5), (1, 6), (9, 1004)]), [5, 1006, 9004]);
        assert_eq!(sent(&[(0, 5), (0, 1005), (0, 1006)]), [5, 6, 7]);
    }

    #[test]
    fn a_repeated_or_late_message_keeps_its_date() {
        assert_eq!(sent(&[(0, 999), (0, 1000), (0, 1000)]), [999, 1000, 1000]);
        assert_eq!(sent(&[(0, 999), (0, 1000), (0, 998)]), [999, 1000, 998]);
    }

    #[test]
    fn a_clock_that_goes_back_swaps_no_messages_unless_it_goes_too_far() {
        assert_eq!(sent(&[(9, 7), (0, 8), (1, 9), (9, 10)]), [9007, 9008, 9009, 9010]);
        assert_eq!(sent(&[(3600, 7), (0, 8), (3600, 9)]), [3_600_007, 3_600_008, 3_600_009]);
        let day = 86_400;
        assert_eq!(sent(&[(day, 7), (0, 8), (1, 9)]), [day * 1000 + 7, 8, 1009], "it moves no others");
    }

    #[test]
    fn a_programs_message_is_recorded_before_earlier_ones_arrive() {
        let at = |number: i64| within_second(DATE, number);
        let moved = LastSent::new(id(1), at(600));
        let (last_sent, sent_at) = moved.with_ahead(id(4), at(4));
        assert_eq!(sent_at, at(601));
        let second = last_sent.followed_by(id(2), at(2)).unwrap();
        let third = second.followed_by(id(3), at(3)).unwrap();
        assert_eq!((second.sent_at, third.sent_at), (at(601), at(602)), "in order, though they come late");
        let fifth = last_sent.followed_by(id(5), at(5)).unwrap();
        assert_eq!((fifth.sent_at, fifth.ahead), (at(602), None), "behind what the program has sent");
        let (two, sent_at) = last_sent.with_ahead(id(5), at(5));
        assert_eq!((two.ours, sent_at), (id(1), at(602)), "in order among themselves");
        assert_eq!(fifth.with_ahead(id(4), at(4)), (fifth, at(4)), "late itself");
    }

    /// The instants of messages by their seconds and numbers, in milliseconds from [`DATE`] on, after others have
    /// arrived.
    fn sent_after(arrived: &[(i64, i64)], messages: &[(i64, i64)]) -> Vec<i64> {
        let mut known = Vec::new();
        for (written_at, number) in arrived {
            arrive(&mut known, Arrived { ours: id(*number), written_at: UnixMillis(DATE * 1000 + written_at) });
        }
        let mut last_sent: Option<LastSent> = None;
        let one = |(second, number): &(i64, i64)| {
            let ours = id(*number);
            let sent_at = behind_arrived(&ours, within_second(DATE + second, *number), &known);
            let next =
                last_sent.map_or(Some(LastSent::new(ours, sent_at)), |last_sent| last_sent.followed_by(ours, sent_at));
            last_sent = next.or(last_sent);
            next.map_or(sent_at, |next| next.sent_at).0 - DATE * 1000
        };
        messages.iter().map(one).collect()
    }

    #[test]
    fn an_answer_stands_behind_what_it_answers() {
        // In the same second.
        assert_eq!(sent_after(&[(980, 5)], &[(0, 6)]), [981]);
        assert_eq!(sent_after(&[(980, 5)], &[(0, 6), (0, 7), (1, 8)]), [981, 982, 1008]);
        // Two in one second each way.
        assert_eq!(sent_after(&[(100, 5), (980, 6)], &[(0, 7), (0, 8)]), [981, 982]);
        // The clock of Telegram is behind Kommo's by seconds, or by an hour.
        assert_eq!(sent_after(&[(5900, 5)], &[(0, 6), (0, 7), (2, 8), (9, 9)]), [5901, 5902, 5903, 9009]);
        assert_eq!(sent_after(&[(3_600_500, 5)], &[(0, 6), (1, 7)]), [3_600_501, 3_600_502]);
        // It is ahead.
        assert_eq!(sent_after(&[(500, 5)], &[(3600, 6), (3600, 7)]), [3_600_006, 3_600_007]);
        // A clock that is wrong by a day says nothing.
        assert_eq!(sent_after(&[(86_400_000, 5)], &[(0, 6), (1, 7)]), [6, 1007]);
    }

    #[test]
    fn what_was_written_before_an_answer_arrived_stays_before_it() {
        assert_eq!(sent_after(&[(980, 7)], &[(0, 6)]), [6]);
        assert_eq!(sent_after(&[(980, 5), (990, 9)], &[(0, 6), (0, 10)]), [981, 991]);
        // The customer writes between the parts of an answer.
        assert_eq!(sent_after(&[(980, 5), (980, 7)], &[(0, 6)]), [981]);
        assert_eq!(sent_after(&[(980, 5)], &[(0, 5)]), [981], "a press of a button has the number of its message");
    }

    #[test]
    fn an_answer_of_long_ago_is_forgotten() {
        let mut known = Vec::new();
        let arrived_at = |ms| move |n: i64| Arrived { ours: id(n), written_at: UnixMillis(n * ms) };
        (0..100).map(arrived_at(1)).for_each(|it| arrive(&mut known, it));
        assert_eq!(known.len(), MOST_IN_A_MINUTE, "many at once");
        (100..200).map(arrived_at(10_000)).for_each(|it| arrive(&mut known, it));
        assert_eq!(known.len(), MOST_ARRIVED);
        assert_eq!(known.last().map(|it| it.written_at), Some(UnixMillis(1_990_000)));
    }

    #[test]
    fn a_group_that_becomes_a_supergroup_stays_in_order() {
        let before = LastSent::new(id(500), within_second(DATE, 500));
        let ours = MessageId { chat: (-1_000_000_000_042).into(), ..id(2) };
        assert_eq!(before.followed_by(ours, within_second(DATE, 2)).unwrap().sent_at, within_second(DATE, 501));
    }

    const MINUTE: i64 = 60_000;

    /// The instants of messages by their seconds and numbers, in milliseconds from [`DATE`] on, after the first message
    /// was followed by a press at the millisecond `pressed`. The first instant is that of the press.
    fn sent_after_press(pressed: i64, messages: &[(i64, i64)]) -> Vec<i64> {
        let mut last_sent = LastSent::new(id(1), UnixMillis(DATE * 1000));
        let press = last_sent.put_behind(UnixMillis(DATE * 1000 + pressed));
        last_sent = last_sent.with_unnumbered(press, false);
        let mut sent = vec![press.0 - DATE * 1000];
        for (second, number) in messages {
            last_sent = last_sent.followed_by(id(*number), within_second(DATE + second, *number)).unwrap();
            sent.push(last_sent.sent_at.0 - DATE * 1000);
        }
        sent
    }

    #[test]
    fn messages_after_a_press_follow_it_if_the_clock_is_about_right() {
        assert_eq!(sent_after_press(10_500, &[(10, 2), (10, 3), (11, 4)]), [10_500, 10_501, 10_502, 11_004]);
        // It is ahead of Telegram's by seconds, or behind it.
        assert_eq!(sent_after_press(15_500, &[(12, 2), (12, 3), (90, 4)]), [15_500, 15_501, 15_502, 90_004]);
        assert_eq!(sent_after_press(-5000, &[(0, 2)]), [1, 2]);
        assert_eq!(sent_after_press(-5000, &[(-100, 2)]), [1, 2], "it stands where a date of Telegram's has put it");
    }

    #[test]
    fn a_press_dated_by_a_wrong_clock_moves_no_messages() {
        let ahead = 90 * MINUTE;
        assert_eq!(sent_after_press(ahead + 10_000, &[(20, 2), (21, 3), (600, 4)])[1..], [20_002, 21_003, 600_004]);
    }

    #[test]
    fn a_press_that_was_received_late_moves_no_messages() {
        // After an hour without the network: pressed after one minute, and written after two.
        assert_eq!(sent_after_press(60 * MINUTE, &[(120, 2), (121, 3)])[1..], [120_002, 121_003]);
    }

    #[test]
    fn an_edit_that_is_sent_as_a_message_has_telegrams_date() {
        let last_sent = LastSent::new(id(1), UnixMillis(0)).with_unnumbered(UnixMillis(60 * MINUTE), true);
        assert_eq!(last_sent.put_behind(UnixMillis(5)), UnixMillis(60 * MINUTE + 1));
        assert_eq!(last_sent.with_unnumbered(UnixMillis(9), true), last_sent);
    }

    #[test]
    fn a_late_record_replaces_no_later_one() {
        let [four, five] = [4, 5].map(|number| LastSent::new(id(number), UnixMillis(number)));
        assert_eq!((five.or_later(four), four.or_later(five)), (five, five));
        let pressed = four.with_unnumbered(UnixMillis(60), false);
        assert_eq!((pressed.or_later(four), four.or_later(pressed)), (pressed, pressed));
        let elsewhere = LastSent::new(MessageId { chat: 8.into(), ..id(1) }, UnixMillis(1));
        assert_eq!(five.or_later(elsewhere), elsewhere);
    }
}
