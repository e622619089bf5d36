use proptest::prelude::*;

use super::*;
use crate::domain::{address::SourceId, job::Route, time::UnixMillis};

fn place(thread: &str, sequence: u64, part: u16) -> JobKey {
    JobKey { lane: Lane { route: Route::Inbound, thread: thread.to_owned() }, sequence, part }
}

#[test]
fn no_lane_lies_within_another() {
    let (short, long) = (place("tg:a:1", 5, 0), place("tg:a:12", 1, 0));
    assert!(!long.key().starts_with(&lane(&short.lane)));
    let source = SourceId::parse("inbound").unwrap();
    assert_ne!(lane(&short.lane), lane(&Lane { route: Route::Outbound(source), thread: "tg:a:1".to_owned() }));
}

#[test]
fn no_id_makes_a_long_key_and_no_two_the_same() {
    let long = |end: &str| id_bytes(&format!("hook:{}{end}", "\u{e4}".repeat(500_000)));
    assert!(long("a").len() <= LONGEST_ID && long("a").starts_with("hook:\u{e4}".as_bytes()));
    assert_ne!(long("a"), long("b"));
    let longest = "x".repeat(LONGEST_ID);
    assert_eq!(id_bytes(&longest), longest.as_bytes(), "as it ever was");
}

#[test]
fn a_packed_expiry_is_among_those_of_its_instant_and_about_no_key() {
    let at = UnixMillis(1_786_017_600_000);
    let packed = packed_expiry(at, b"a value");
    assert!(packed > expiry(at, &[]) && packed < expiry(UnixMillis(at.0 + 1), &[]));
    assert_eq!((expires_at(&packed), expired(&packed)), (Some(at), None));
    assert_ne!(packed, packed_expiry(at, b"another"));
    let alone = expiry(at, b"dx");
    assert_eq!((expires_at(&alone), expired(&alone)), (Some(at), Some(&b"dx"[..])));
}

proptest! {
    #[test]
    fn a_place_reads_back_and_sorts_by_arrival(
        thread in ".{0,40}", a in any::<(u64, u16)>(), b in any::<(u64, u16)>(),
    ) {
        let (first, second) = (place(&thread, a.0, a.1), place(&thread, b.0, b.1));
        prop_assert_eq!(JobKey::parse(&first.key()), Some(first.clone()));
        prop_assert_eq!(first.key().cmp(&second.key()), a.cmp(&b));
    }

    #[test]
    fn what_is_no_place_is_not_read_as_one(key in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Some(place) = JobKey::parse(&key) {
            prop_assert_eq!(place.key(), key);
        }
    }
}
