//! `getUpdates`: at most one request of a bot waits, and waits are what the published server makes them.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::sandbox::telegram::{
    Core,
    arguments::Arguments,
    methods::{Answer, Refusal, UNAUTHORIZED},
    updates::Allowed,
    world::Bot,
};

/// The longest wait that the server grants, in seconds.
const LONGEST_WAIT: i64 = 50;
/// A second conflict within this time is told only after as long.
const CONFLICT_PAUSE: Duration = Duration::from_secs(3);

const WEBHOOK_ACTIVE: &str =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const OTHER_POLL: &str =
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
const WEBHOOK_SET: &str = "Conflict: terminated by setWebhook request";

/// What the server remembers of a bot's polls.
#[derive(Debug, Default)]
pub(super) struct Polls {
    count: u64,
    /// The request that may wait: one that finds another number here has been superseded.
    turn: u64,
    previous: Option<(i64, Instant)>,
    next_conflict_at: Option<Instant>,
}

impl Polls {
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// A poll of an offset that was just polled is slowed down and cut short (server source).
    fn admit(&mut self, mut ask: Ask, now: Instant) -> Ask {
        self.count += 1;
        if let Some((offset, at)) = self.previous
            && offset == ask.offset
        {
            let since = now.duration_since(at);
            if since < Duration::from_secs(3) {
                ask.wait = ask.wait.max(Duration::from_secs(3));
            }
            if since < Duration::from_millis(500) {
                ask.limit = 1;
            }
        }
        self.previous = Some((ask.offset, now));
        ask
    }

    /// Ends the request that waits, if one does.
    pub(super) const fn supersede(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// How long the news of a conflict is held back.
    fn conflict_pause(&mut self, now: Instant) -> Duration {
        if self.next_conflict_at.is_some_and(|at| now < at) {
            return CONFLICT_PAUSE;
        }
        self.next_conflict_at = Some(now + CONFLICT_PAUSE);
        Duration::ZERO
    }
}

#[derive(Clone, Copy, Debug)]
struct Ask {
    offset: i64,
    limit: usize,
    wait: Duration,
}

impl Ask {
    fn of(arguments: &Arguments) -> Self {
        let limit = arguments.integer("limit", 100, 1, 100);
        let wait = arguments.integer("timeout", 0, 0, LONGEST_WAIT);
        Self {
            offset: arguments.integer("offset", 0, i64::from(i32::MIN), i64::from(i32::MAX)),
            limit: usize::try_from(limit).unwrap_or(100),
            wait: Duration::from_secs(wait.unsigned_abs()),
        }
    }
}

/// How far a poll has come.
enum Step {
    Answered(Answer),
    Conflict(&'static str, Duration),
    Waits(u64, Ask),
}

/// Answers `getUpdates`, now or when an update arrives.
pub(super) async fn get_updates(core: &Core, token: &str, arguments: &Arguments) -> Answer {
    let mut changed = core.world.watch();
    let mut step = begin(core, token, arguments);
    let deadline = Instant::now() + if let Step::Waits(_, ask) = &step { ask.wait } else { Duration::ZERO };
    loop {
        match step {
            Step::Answered(answer) => return answer,
            Step::Conflict(why, pause) => {
                tokio::time::sleep(pause).await;
                return Err(Refusal::new(409, why));
            }
            Step::Waits(turn, ask) => {
                let over = tokio::time::timeout_at(deadline, changed.changed()).await.is_err();
                step = go_on(core, token, turn, ask, over);
            }
        }
    }
}

fn begin(core: &Core, token: &str, arguments: &Arguments) -> Step {
    let now = core.clock.now();
    core.world.change(|world| {
        let Some(bot) = world.bot(token) else { return Step::Answered(Err(UNAUTHORIZED)) };
        if !bot.webhook.is_empty() {
            return conflict(bot, WEBHOOK_ACTIVE);
        }
        let ask = bot.polls.admit(Ask::of(arguments), Instant::now());
        if let Some(allowed) = Allowed::parse(arguments.text("allowed_updates")) {
            bot.queue.allowed = allowed;
        }
        let updates = bot.queue.take(ask.offset, ask.limit, now);
        if updates.is_empty() && !ask.wait.is_zero() {
            return Step::Waits(bot.polls.supersede(), ask);
        }
        Step::Answered(Ok(Value::Array(updates)))
    })
}

fn go_on(core: &Core, token: &str, turn: u64, ask: Ask, over: bool) -> Step {
    let now = core.clock.now();
    core.world.note(|world| {
        let Some(bot) = world.bot(token) else { return Step::Answered(Err(UNAUTHORIZED)) };
        if bot.polls.turn != turn {
            let why = if bot.webhook.is_empty() { OTHER_POLL } else { WEBHOOK_SET };
            return conflict(bot, why);
        }
        // A negative offset has discarded when the poll began; asking again must not discard what came since.
        let updates = bot.queue.take(ask.offset.max(0), ask.limit, now);
        if updates.is_empty() && !over {
            return Step::Waits(turn, ask);
        }
        Step::Answered(Ok(Value::Array(updates)))
    })
}

fn conflict(bot: &mut Bot, why: &'static str) -> Step {
    Step::Conflict(why, bot.polls.conflict_pause(Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn polling_one_offset_too_often_is_slowed_down() {
        let (mut polls, start) = (Polls::default(), Instant::now());
        let mut admit = |offset, after_ms| {
            let ask = Ask { offset, limit: 100, wait: Duration::ZERO };
            let ask = polls.admit(ask, start + Duration::from_millis(after_ms));
            (ask.limit, ask.wait)
        };
        assert_eq!(admit(1, 0), (100, Duration::ZERO));
        assert_eq!(admit(2, 1), (100, Duration::ZERO));
        assert_eq!(admit(2, 500), (1, 3 * SECOND));
        assert_eq!(admit(2, 1_000), (100, 3 * SECOND));
        assert_eq!(admit(2, 4_000), (100, Duration::ZERO));
        assert_eq!(polls.count(), 5);
    }

    #[test]
    fn the_second_conflict_in_a_row_is_told_late() {
        let (mut polls, start) = (Polls::default(), Instant::now());
        assert_eq!(polls.conflict_pause(start), Duration::ZERO);
        assert_eq!(polls.conflict_pause(start + SECOND), CONFLICT_PAUSE);
        assert_eq!(polls.conflict_pause(start + CONFLICT_PAUSE), Duration::ZERO);
    }

    #[test]
    fn what_is_asked_is_clamped() {
        let body = br#"{"offset": -7, "limit": 0, "timeout": 3600}"#;
        let ask = Ask::of(&Arguments::parse(None, "application/json", body).unwrap());
        assert_eq!((ask.offset, ask.limit, ask.wait), (-7, 1, 50 * SECOND));
        let ask = Ask::of(&Arguments::default());
        assert_eq!((ask.offset, ask.limit, ask.wait), (0, 100, Duration::ZERO));
    }
}
