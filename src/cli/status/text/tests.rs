use std::time::Duration;

use super::*;
use crate::{
    admin::status::{Bot, HeldAnswers, HourOfFlows, Parked, Queue, Room, Wrong},
    cli::table::width_of,
    domain::address::SourceId,
};

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

fn before(time: Duration) -> UnixMillis {
    NOW.minus(time)
}

/// A bridge on which much is wrong.
fn status() -> Status {
    let side =
        |state, why: Option<&str>| Side { state, since: before(Duration::from_mins(90)), why: why.map(str::to_owned) };
    let bot = |source: &str, side| Bot { source: SourceId::parse(source).unwrap(), side };
    let flow = |received| Flow { received, delivered: 7, failed: 1, p50_ms: Some(412), p99_ms: Some(31_000) };
    let hour = |ago: u64| HourOfFlows {
        since: before(Duration::from_hours(ago)),
        flows: Flows { inbound: flow(ago % 3), outbound: Flow::default() },
    };
    Status {
        version: "1.2.3".to_owned(),
        at: NOW,
        started_at: before(Duration::from_hours(50)),
        ready: false,
        bots: vec![
            bot("sales", side(Condition::Working, None)),
            bot("support", side(Condition::Stopped, Some("revoked"))),
        ],
        kommo: side(Condition::Failing, Some("no answer")),
        queues: vec![
            Queue { route: "inbound".to_owned(), waiting: 12, oldest_at: Some(before(Duration::from_mins(5))) },
            Queue { route: "outbound:sales".to_owned(), waiting: 0, oldest_at: None },
        ],
        held: HeldAnswers { conversations: 2, why: Some("Kommo answered 500".to_owned()) },
        programs: Vec::new(),
        parked: Parked { need_person: 1, reported: 3 },
        troubles: vec![
            Wrong {
                cause: "disk".to_owned(),
                of: None,
                text: "disk: 100 MB are free".to_owned(),
                since: NOW,
                stops: false,
            },
            Wrong {
                cause: "bot_revoked".to_owned(),
                of: Some("support".to_owned()),
                text: "bot support: \u{1b}[2Jits token is not accepted".to_owned(),
                since: NOW,
                stops: true,
            },
        ],
        counted_since: before(Duration::from_hours(24)),
        day: Flows { inbound: flow(8), outbound: Flow::default() },
        hours: (0..24).rev().map(hour).collect(),
        failures: vec![FailedLately {
            at: before(Duration::from_mins(3)),
            route: "inbound".to_owned(),
            thread: "tg:sales:777000111".to_owned(),
            message_id: Some("5".to_owned()),
            fate: Fate::Parked,
            attempts: 6,
            parked: Some(17),
            why: "Kommo answered 500".to_owned(),
        }],
        disk: Room {
            free_bytes: 30 << 30,
            store_bytes: 5 << 20,
            dumps_bytes: 20 << 10,
            last_dump_at: Some(before(Duration::from_mins(20))),
        },
        token_ends_at: Some(NOW.plus(Duration::from_hours(48))),
        certificate_ends_at: Some(before(Duration::from_hours(1))),
    }
}

#[test]
fn what_is_wrong_comes_first_and_what_stops_messages_before_the_rest() {
    let text = text(&status(), Some(80));
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is missing in\n{text}"));
    assert!(text.starts_with("telekommo 1.2.3 is NOT ready. It has run for 2 days 2 hours.\n"), "{text}");
    assert!(at("!! bot support: [2Jits token is not accepted") < at("!  disk: 100 MB are free"));
    assert!(at("!  disk") < at("Bot sales       is polled, since "));
    for part in [
        "Bot support     is not polled, and needs a person, since ",
        "(1 hour 30 minutes)\n",
        "Kommo           does not answer as it should, since ",
        "WAITING  JOBS  OLDEST\ninbound  12    5m\n",
        "Held            answers in 2 conversations, until older ones",
        "Parked          1 message for a person: `telekommo queue list --parked`; 3 more,",
        "  8         7          1       412ms        31s\n",
        "  0         0          0       -            -\n",
        "by the hour, 2 at most: customers\n",
        "  3m ago  inbound  tg:sales:777000111\n        parked as 17: Kommo answered 500\n",
        "Disk            30 GB free; the store takes 5 MB, dumps 20 kB\n",
        "Last dump       20m ago\n",
        "Access token    ends ",
        "in 2 days\n",
        "Certificate     ended ",
    ] {
        at(part);
    }
    assert!(!text.contains("managers\n▁") && !text.contains("outbound:sales"), "what is empty is not shown: {text}");
}

#[test]
fn a_bridge_that_is_well_says_little() {
    let status = Status {
        ready: true,
        queues: Vec::new(),
        held: HeldAnswers::default(),
        parked: Parked::default(),
        troubles: Vec::new(),
        failures: Vec::new(),
        token_ends_at: None,
        certificate_ends_at: None,
        ..status()
    };
    let text = text(&status, None);
    assert!(text.starts_with("telekommo 1.2.3 is ready."), "{text}");
    assert!(text.contains("Waiting         nothing\nParked          nothing\n"), "{text}");
    for absent in ["!", "Held", "Failed lately", "Access token", "Certificate"] {
        assert!(!text.contains(absent), "{absent} is in\n{text}");
    }
}

#[test]
fn every_line_fits_the_terminal() {
    for columns in [60, 80] {
        let text = text(&status(), Some(columns));
        let wide: Vec<_> = text.lines().filter(|line| width_of(line) > columns).collect();
        assert!(wide.is_empty(), "{columns}: {wide:?}");
    }
}

#[test]
fn a_chart_is_as_high_as_its_highest_column() {
    assert_eq!(chart(&[0, 1, 4, 8]), " ▁▄█");
    assert_eq!(chart(&[0, 0, 3]), "  █");
    assert_eq!(chart(&[1, 1000]), "▁█");
    assert_eq!(
        [4, 999, 1000, 9999, 30_500, 600_000, 90_000_000].map(took),
        ["4ms", "999ms", "1.0s", "9.9s", "30s", "10m", "25h"]
    );
}
