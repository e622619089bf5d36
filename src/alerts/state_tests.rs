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
enum Say {
    Good,
    Unknown,
    Explained,
    Bad,
}

/// The present, by both clocks.
fn now(second: u64) -> Now {
    Now { steady: at(second), wall: at(second) }
}

fn reading(say: Say, now: UnixMillis) -> Vec<Reading> {
    let wrong = Wrong { text: "401".to_owned(), since: now };
    let level = match say {
        Say::Good => Level::Good,
        Say::Unknown => Level::Unknown,
        Say::Explained => Level::Explained(wrong),
        Say::Bad => Level::Bad(wrong),
    };
    vec![Reading { key: key(), level }]
}

/// What is told of readings at these seconds.
fn told(readings: impl IntoIterator<Item = (u64, Say)>) -> Vec<(u64, EventKind)> {
    let mut state = State::default();
    let step = |(second, say): (u64, Say)| {
        let events = state.step(&reading(say, at(second)), now(second), &RULES);
        events.into_iter().map(|event| (second, event.kind)).collect::<Vec<_>>()
    };
    readings.into_iter().flat_map(step).collect()
}

/// A reading every ten seconds.
fn every_ten(from: u64, until: u64, say: Say) -> impl Iterator<Item = (u64, Say)> {
    (from..until).step_by(10).map(move |second| (second, say))
}

#[test]
fn what_lasts_is_told_once_and_its_end_once() {
    let readings = every_ten(0, 300, Say::Bad).chain(every_ten(300, 600, Say::Good));
    assert_eq!(told(readings), [(30, EventKind::Told), (330, EventKind::Resolved)]);
}

#[test]
fn what_comes_and_goes_faster_is_not_told() {
    let flapping = (0..1000).map(|n| (n * 10, if n % 4 < 3 { Say::Bad } else { Say::Good }));
    assert_eq!(told(flapping), []);
    let well_in_between = every_ten(0, 100, Say::Bad).chain([(100, Say::Good)]).chain(every_ten(110, 200, Say::Bad));
    assert_eq!(told(well_in_between), [(30, EventKind::Told)], "it was not over");
}

#[test]
fn reminders_grow_rarer_up_to_one_a_week() {
    let week = 7 * 24 * HOUR;
    let reminders: Vec<_> = told((0..8 * week).step_by(60).map(|second| (second, Say::Bad)));
    let at: Vec<_> = reminders.iter().map(|(second, _)| *second).collect();
    let distances: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(distances[..4], [HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR]);
    assert_eq!(distances.last(), Some(&week));
    assert!(reminders[1..].iter().all(|(_, kind)| *kind == EventKind::Reminder));
}

#[test]
fn what_nobody_can_tell_of_is_neither_told_nor_over() {
    let unknown = every_ten(0, 60, Say::Bad).chain(every_ten(60, 600, Say::Unknown));
    assert_eq!(told(unknown.chain(every_ten(600, 700, Say::Bad))), [(30, EventKind::Told)]);
    assert_eq!(told(every_ten(0, 600, Say::Unknown)), []);
}

#[test]
fn what_is_explained_is_not_told_and_gets_twice_the_time_afterwards() {
    let explained = || every_ten(0, 600, Say::Explained);
    assert_eq!(told(explained()), []);
    assert_eq!(told(explained().chain(every_ten(600, 650, Say::Bad)).chain([(650, Say::Good)])), []);
    assert_eq!(told(explained().chain(every_ten(600, 700, Say::Bad))), [(650, EventKind::Told)]);
    let told_before = every_ten(0, 100, Say::Bad).chain(every_ten(100, 2 * HOUR, Say::Explained));
    assert_eq!(told(told_before), [(30, EventKind::Told)], "no reminder, and it is not over");
    let hardly = every_ten(0, 20, Say::Bad).chain(every_ten(20, 100, Say::Explained)).chain([(100, Say::Bad)]);
    assert_eq!(told(hardly), [], "what was pending waits anew");
}

#[test]
fn what_comes_back_soon_has_to_last_longer() {
    let again = every_ten(0, 100, Say::Bad).chain(every_ten(100, 200, Say::Good)).chain(every_ten(200, 400, Say::Bad));
    assert_eq!(told(again), [(30, EventKind::Told), (130, EventKind::Resolved), (260, EventKind::Told)]);
    let later = every_ten(0, 100, Say::Bad).chain(every_ten(100, 2 * HOUR, Say::Good));
    let later = told(later.chain(every_ten(2 * HOUR, 2 * HOUR + 100, Say::Bad)));
    assert_eq!(later.last(), Some(&(2 * HOUR + 30, EventKind::Told)), "it was forgotten");
}

#[test]
fn the_event_says_what_was_wrong_and_since_when() {
    let mut state = State::default();
    let bad = |text: &str| {
        let level = Level::Bad(Wrong { text: text.to_owned(), since: at(5) });
        vec![Reading { key: key(), level }]
    };
    assert_eq!(state.step(&bad("one"), now(10), &RULES), []);
    let event = state.step(&bad("two"), now(40), &RULES).remove(0);
    assert_eq!((event.text.as_str(), event.since, event.at), ("two", at(5), at(40)));
    assert!(state.is_told(&key()));
    assert_eq!(state.step(&[], now(50), &RULES), [], "nobody watches it any more");
    let over = state.step(&[], now(80), &RULES).remove(0);
    assert_eq!((over.kind, over.text.as_str(), over.since), (EventKind::Resolved, "two", at(5)));
}

#[test]
fn what_an_earlier_run_with_another_clock_has_kept_delays_nothing_for_long() {
    let mut state = State::default();
    let mut say = |say, second| state.step(&reading(say, at(second)), now(second), &RULES);
    let day = 24 * HOUR;
    say(Say::Bad, day);
    // The next run has the right clock, a day earlier.
    assert_eq!(say(Say::Bad, 0).len(), 0);
    assert_eq!(say(Say::Bad, 60).len(), 1, "told");
    assert_eq!(say(Say::Bad, day).len(), 1, "a reminder");
    assert_eq!(say(Say::Bad, 60).len(), 0);
    assert_eq!(say(Say::Bad, 60 + 2 * HOUR).len(), 1, "the next one");
    say(Say::Good, day);
    assert_eq!(say(Say::Good, 60).len(), 0);
    assert_eq!(say(Say::Good, 90).len(), 1, "it is over");
}

#[test]
fn a_clock_on_the_wall_that_leaps_tells_nothing_earlier() {
    let mut state = State::default();
    let far = |second| Now { steady: at(second), wall: at(second + 24 * HOUR) };
    state.step(&reading(Say::Bad, at(0)), now(0), &RULES);
    assert_eq!(state.step(&reading(Say::Bad, at(0)), far(10), &RULES), []);
    let event = state.step(&reading(Say::Bad, at(0)), far(30), &RULES).remove(0);
    assert_eq!((event.since, event.at), (at(0), at(24 * HOUR + 30)), "people read the clock on the wall");
}

fn says() -> impl Strategy<Value = Vec<(u64, Say)>> {
    let say = prop_oneof![
        5 => Just(Say::Bad),
        3 => Just(Say::Good),
        1 => Just(Say::Unknown),
        1 => Just(Say::Explained),
    ];
    let gap = prop_oneof![6 => 1_u64..40, 1 => 40_u64..2000, 1 => 2000_u64..100_000];
    vec((gap, say), 1..300).prop_map(|steps| {
        let mut second = 0;
        let timed = steps.into_iter().map(|(gap, say)| {
            second += gap;
            (second, say)
        });
        timed.collect()
    })
}

proptest! {
    #[test]
    fn each_incident_is_told_once_and_resolved_once(says in says()) {
        let told = told(says.clone());
        let mut open = false;
        for (_, kind) in &told {
            match kind {
                EventKind::Told => prop_assert!(!std::mem::replace(&mut open, true)),
                EventKind::Reminder => prop_assert!(open),
                EventKind::Resolved => prop_assert!(std::mem::replace(&mut open, false)),
            }
        }
        // Nothing is told that is well, and nothing is over that is wrong.
        for (second, kind) in told {
            let said = says.iter().find(|(at, _)| *at == second).map(|(_, say)| *say);
            let want = if kind == EventKind::Resolved { Say::Good } else { Say::Bad };
            prop_assert_eq!(said, Some(want));
        }
    }

    #[test]
    fn messages_of_one_incident_grow_rarer(says in says()) {
        let mut last: Option<(u64, u64)> = None;
        for (second, kind) in told(says) {
            last = match (kind, last) {
                (EventKind::Told, _) => Some((second, 0)),
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
    fn flapping_of_any_rhythm_is_told_seldom(bad in 1_u64..4000, good in 1_u64..4000) {
        let day = 24 * HOUR;
        let wave = (0..day).step_by(10).map(|second| {
            (second, if second % (bad + good) < bad { Say::Bad } else { Say::Good })
        });
        let told = told(wave);
        // Each time that it is told, the next has to last twice as long, up to an hour.
        prop_assert!(told.len() <= 2 * 24 + 16, "{} messages a day", told.len());
        if bad < AFTER {
            prop_assert!(told.is_empty());
        }
    }

    #[test]
    fn a_restart_neither_repeats_nor_forgets(says in says(), restart in 0_usize..300) {
        let (mut through, mut again) = (State::default(), State::default());
        for (n, (second, say)) in says.into_iter().enumerate() {
            if n == restart {
                let kept = serde_json::to_string(&again).unwrap();
                again = serde_json::from_str(&kept).unwrap();
            }
            let readings = reading(say, at(second));
            prop_assert_eq!(through.step(&readings, now(second), &RULES), again.step(&readings, now(second), &RULES));
        }
    }
}
