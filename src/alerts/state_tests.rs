use proptest::{collection::vec, prelude::*};

use super::*;

const AFTER: u64 = 30;
const HOUR: u64 = 3600;
const RULES: Rules = Rules { after: Duration::from_secs(AFTER), remind_after: Duration::from_secs(HOUR) };
const START: UnixMillis = UnixMillis(1_800_000_000_000);

fn at(second: u64) -> UnixMillis {
    START.plus(Duration::from_secs(second))
}

fn key() -> Key {
    Key::new("bot_revoked", Some("sales"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Good,
    Unknown,
    Explained,
    Bad,
}

/// The time by both clocks.
fn now(second: u64) -> Now {
    Now { steady: at(second), wall: at(second) }
}

fn reading(condition: Condition, now: UnixMillis) -> Vec<Reading> {
    let wrong = Wrong { text: "401".to_owned(), since: now };
    let level = match condition {
        Condition::Good => Level::Good,
        Condition::Unknown => Level::Unknown,
        Condition::Explained => Level::Explained(wrong),
        Condition::Bad => Level::Bad(wrong),
    };
    vec![Reading { key: key(), level }]
}

/// The events of readings at these seconds.
fn events_of(readings: impl IntoIterator<Item = (u64, Condition)>) -> Vec<(u64, EventKind)> {
    let mut state = State::default();
    let step = |(second, condition): (u64, Condition)| {
        let events = state.step(&reading(condition, at(second)), now(second), &RULES);
        events.into_iter().map(|event| (second, event.kind)).collect::<Vec<_>>()
    };
    readings.into_iter().flat_map(step).collect()
}

/// A reading every ten seconds.
fn every_ten(from: u64, until: u64, condition: Condition) -> impl Iterator<Item = (u64, Condition)> {
    (from..until).step_by(10).map(move |second| (second, condition))
}

#[test]
fn a_lasting_problem_fires_once_and_resolves_once() {
    let readings = every_ten(0, 300, Condition::Bad).chain(every_ten(300, 600, Condition::Good));
    assert_eq!(events_of(readings), [(30, EventKind::Firing), (330, EventKind::Resolved)]);
}

#[test]
fn a_short_problem_does_not_fire() {
    let flapping = (0..1000).map(|n| (n * 10, if n % 4 < 3 { Condition::Bad } else { Condition::Good }));
    assert_eq!(events_of(flapping), []);
    let well_in_between =
        every_ten(0, 100, Condition::Bad).chain([(100, Condition::Good)]).chain(every_ten(110, 200, Condition::Bad));
    assert_eq!(events_of(well_in_between), [(30, EventKind::Firing)], "it was not over");
}

#[test]
fn reminders_grow_rarer_up_to_one_a_week() {
    let week = 7 * 24 * HOUR;
    let reminders: Vec<_> = events_of((0..8 * week).step_by(60).map(|second| (second, Condition::Bad)));
    let at: Vec<_> = reminders.iter().map(|(second, _)| *second).collect();
    let distances: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(distances[..4], [HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR]);
    assert_eq!(distances.last(), Some(&week));
    assert!(reminders[1..].iter().all(|(_, kind)| *kind == EventKind::Reminder));
}

#[test]
fn an_unknown_condition_neither_fires_nor_resolves() {
    let unknown = every_ten(0, 60, Condition::Bad).chain(every_ten(60, 600, Condition::Unknown));
    assert_eq!(events_of(unknown.chain(every_ten(600, 700, Condition::Bad))), [(30, EventKind::Firing)]);
    assert_eq!(events_of(every_ten(0, 600, Condition::Unknown)), []);
}

#[test]
fn an_explained_problem_does_not_fire_and_gets_twice_the_time_afterwards() {
    let explained = || every_ten(0, 600, Condition::Explained);
    assert_eq!(events_of(explained()), []);
    assert_eq!(events_of(explained().chain(every_ten(600, 650, Condition::Bad)).chain([(650, Condition::Good)])), []);
    assert_eq!(events_of(explained().chain(every_ten(600, 700, Condition::Bad))), [(650, EventKind::Firing)]);
    let fired_before = every_ten(0, 100, Condition::Bad).chain(every_ten(100, 2 * HOUR, Condition::Explained));
    assert_eq!(events_of(fired_before), [(30, EventKind::Firing)], "no reminder, and it is not over");
    let hardly =
        every_ten(0, 20, Condition::Bad).chain(every_ten(20, 100, Condition::Explained)).chain([(100, Condition::Bad)]);
    assert_eq!(events_of(hardly), [], "what was pending waits anew");
}

#[test]
fn a_problem_that_returns_soon_has_to_last_longer() {
    let again = every_ten(0, 100, Condition::Bad).chain(every_ten(100, 200, Condition::Good)).chain(every_ten(
        200,
        400,
        Condition::Bad,
    ));
    assert_eq!(events_of(again), [(30, EventKind::Firing), (130, EventKind::Resolved), (260, EventKind::Firing)]);
    let later = every_ten(0, 100, Condition::Bad).chain(every_ten(100, 2 * HOUR, Condition::Good));
    let later = events_of(later.chain(every_ten(2 * HOUR, 2 * HOUR + 100, Condition::Bad)));
    assert_eq!(later.last(), Some(&(2 * HOUR + 30, EventKind::Firing)), "it was forgotten");
}

#[test]
fn the_event_has_the_problem_and_its_start() {
    let mut state = State::default();
    let bad = |text: &str| {
        let level = Level::Bad(Wrong { text: text.to_owned(), since: at(5) });
        vec![Reading { key: key(), level }]
    };
    assert_eq!(state.step(&bad("one"), now(10), &RULES), []);
    let event = state.step(&bad("two"), now(40), &RULES).remove(0);
    assert_eq!((event.text.as_str(), event.since, event.at), ("two", at(5), at(40)));
    assert!(state.is_firing(&key()));
    assert_eq!(state.step(&[], now(50), &RULES), [], "nobody watches it any more");
    let over = state.step(&[], now(80), &RULES).remove(0);
    assert_eq!((over.kind, over.text.as_str(), over.since), (EventKind::Resolved, "two", at(5)));
}

#[test]
fn state_of_a_run_with_another_clock_delays_nothing_for_long() {
    let mut state = State::default();
    let mut condition = |condition, second| state.step(&reading(condition, at(second)), now(second), &RULES);
    let day = 24 * HOUR;
    condition(Condition::Bad, day);
    // The next run has the right clock, a day earlier.
    assert_eq!(condition(Condition::Bad, 0).len(), 0);
    assert_eq!(condition(Condition::Bad, 60).len(), 1, "firing");
    assert_eq!(condition(Condition::Bad, day).len(), 1, "a reminder");
    assert_eq!(condition(Condition::Bad, 60).len(), 0);
    assert_eq!(condition(Condition::Bad, 60 + 2 * HOUR).len(), 1, "the next one");
    condition(Condition::Good, day);
    assert_eq!(condition(Condition::Good, 60).len(), 0);
    assert_eq!(condition(Condition::Good, 90).len(), 1, "it is over");
}

#[test]
fn a_leap_of_the_wall_clock_fires_nothing_earlier() {
    let mut state = State::default();
    let far = |second| Now { steady: at(second), wall: at(second + 24 * HOUR) };
    state.step(&reading(Condition::Bad, at(0)), now(0), &RULES);
    assert_eq!(state.step(&reading(Condition::Bad, at(0)), far(10), &RULES), []);
    let event = state.step(&reading(Condition::Bad, at(0)), far(30), &RULES).remove(0);
    assert_eq!((event.since, event.at), (at(0), at(24 * HOUR + 30)), "people read the clock on the wall");
}

fn conditions() -> impl Strategy<Value = Vec<(u64, Condition)>> {
    let condition = prop_oneof![
        5 => Just(Condition::Bad),
        3 => Just(Condition::Good),
        1 => Just(Condition::Unknown),
        1 => Just(Condition::Explained),
    ];
    let gap = prop_oneof![6 => 1_u64..40, 1 => 40_u64..2000, 1 => 2000_u64..100_000];
    vec((gap, condition), 1..300).prop_map(|steps| {
        let mut second = 0;
        let timed = steps.into_iter().map(|(gap, condition)| {
            second += gap;
            (second, condition)
        });
        timed.collect()
    })
}

proptest! {
    #[test]
    fn each_incident_fires_once_and_resolves_once(conditions in conditions()) {
        let events = events_of(conditions.clone());
        let mut open = false;
        for (_, kind) in &events {
            match kind {
                EventKind::Firing => prop_assert!(!std::mem::replace(&mut open, true)),
                EventKind::Reminder => prop_assert!(open),
                EventKind::Resolved => prop_assert!(std::mem::replace(&mut open, false)),
            }
        }
        // Nothing fires without a problem, and nothing is resolved with one.
        for (second, kind) in events {
            let condition = conditions.iter().find(|(at, _)| *at == second).map(|(_, condition)| *condition);
            let want = if kind == EventKind::Resolved { Condition::Good } else { Condition::Bad };
            prop_assert_eq!(condition, Some(want));
        }
    }

    #[test]
    fn messages_of_one_incident_grow_rarer(conditions in conditions()) {
        let mut last: Option<(u64, u64)> = None;
        for (second, kind) in events_of(conditions) {
            last = match (kind, last) {
                (EventKind::Firing, _) => Some((second, 0)),
                (EventKind::Reminder, Some((before, distance))) => {
                    prop_assert!(second - before >= HOUR.max(distance));
                    // The next one is due twice as long after this one, however late this one was.
                    Some((second, (2 * distance).clamp(2 * HOUR, 7 * 24 * HOUR)))
                }
                (EventKind::Reminder, None) => return Err(TestCaseError::fail("a reminder of nothing")),
                (EventKind::Resolved, _) => None,
            };
        }
    }

    #[test]
    fn flapping_of_any_period_fires_rarely(bad in 1_u64..4000, good in 1_u64..4000) {
        let day = 24 * HOUR;
        let wave = (0..day).step_by(10).map(|second| {
            (second, if second % (bad + good) < bad { Condition::Bad } else { Condition::Good })
        });
        let events = events_of(wave);
        // After each alert the next problem has to last twice as long, up to an hour.
        prop_assert!(events.len() <= 2 * 24 + 16, "{} messages a day", events.len());
        if bad < AFTER {
            prop_assert!(events.is_empty());
        }
    }

    #[test]
    fn a_restart_neither_repeats_nor_forgets(conditions in conditions(), restart in 0_usize..300) {
        let (mut through, mut again) = (State::default(), State::default());
        for (n, (second, condition)) in conditions.into_iter().enumerate() {
            if n == restart {
                let kept = serde_json::to_string(&again).unwrap();
                again = serde_json::from_str(&kept).unwrap();
            }
            let readings = reading(condition, at(second));
            prop_assert_eq!(through.step(&readings, now(second), &RULES), again.step(&readings, now(second), &RULES));
        }
    }
}
