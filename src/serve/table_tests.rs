//! Which connections are dropped.

use super::*;

fn later(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

#[test]
fn the_oldest_silent_client_is_dropped_first() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (_, first) = table.enter(None, now);
    let (_, second) = table.enter(None, later(now, 1));
    assert_eq!(table.shed(Need::Slot), 1);
    assert!(first.is_cancelled() && !second.is_cancelled());
    // A dropped connection does not count again.
    assert_eq!(table.shed(Need::Slot), 1);
    assert!(second.is_cancelled());
    assert_eq!(table.shed(Need::Slot), 0);
}

#[test]
fn slow_clients_are_dropped_before_fast_ones_even_if_they_are_newer() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (fast, fast_dropped) = table.enter(None, now);
    table.enter_stage(fast, Stage::Body, now);
    let (slow, slow_dropped) = table.enter(None, later(now, 1));
    table.enter_stage(slow, Stage::Body, later(now, 1));
    table.progress(fast, 1_000_000, later(now, 4));
    table.progress(slow, 1, later(now, 4));
    assert_eq!(table.shed(Need::Slot), 1);
    assert!(slow_dropped.is_cancelled() && !fast_dropped.is_cancelled());
}

#[test]
fn a_hook_that_is_being_stored_is_never_dropped() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (number, dropped) = table.enter(None, now);
    *table.held(number).unwrap() = ConnectionResources { handshaking: 0, served: 1, small_bytes: 10, large_bytes: 10 };
    table.enter_stage(number, Stage::Handling, now);
    for need in [Need::Slot, Need::Served, Need::Small(1), Need::Large(1)] {
        assert_eq!(table.shed(need), 0, "{need:?}");
    }
    assert!(!dropped.is_cancelled());
    table.enter_stage(number, Stage::Response, now);
    assert_eq!(table.shed(Need::Slot), 1);
}

#[test]
fn a_body_needs_the_minimum_rate_and_a_fast_start_earns_at_most_the_timeout() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (number, _) = table.enter(None, now);
    table.enter_stage(number, Stage::Body, now);
    // A fast start earns no more than the timeout.
    table.progress(number, 1_000_000, now);
    assert_eq!(table.deadline(number), Some(later(now, 5)));
    // Half of the rate: every two seconds earn one.
    table.progress(number, 16 * 1024, later(now, 2));
    assert_eq!(table.deadline(number), Some(later(now, 6)));
    table.progress(number, 16 * 1024, later(now, 4));
    assert_eq!(table.deadline(number), Some(later(now, 7)));
    // At the rate, it stays.
    table.progress(number, 48 * 1024, later(now, 7));
    assert_eq!(table.deadline(number), Some(later(now, 10)));
}

/// Connections with these resources, the oldest first.
fn holding<const N: usize>(held: [(usize, usize); N]) -> (Table, [CancellationToken; N]) {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let tokens = held.map(|(small_bytes, large_bytes)| {
        let (number, dropped) = table.enter(None, later(now, table.next));
        *table.held(number).unwrap() =
            ConnectionResources { handshaking: 0, served: usize::from(large_bytes > 0), small_bytes, large_bytes };
        dropped
    });
    (table, tokens)
}

#[test]
fn large_bodies_are_dropped_before_small_ones_and_none_without_need() {
    let (mut table, tokens) = holding([(10, 0), (0, 0), (32, 900), (32, 700), (32, 800)]);
    let mut shed = |need| (table.shed(need), tokens.each_ref().map(CancellationToken::is_cancelled));
    assert_eq!(shed(Need::Large(1000)), (2, [false, false, true, true, false]));
    assert_eq!(shed(Need::Small(32)), (1, [false, false, true, true, true]));
    assert_eq!(shed(Need::Large(1)), (0, [false, false, true, true, true]));
    assert_eq!(shed(Need::Small(11)), (1, [true, false, true, true, true]));
    assert_eq!(table.leave(3), ConnectionResources { handshaking: 0, served: 1, small_bytes: 32, large_bytes: 700 });
}

#[test]
fn a_connection_that_is_not_served_frees_no_serving_slot() {
    let (mut table, tokens) = holding([(10, 0), (0, 0), (32, 900)]);
    assert_eq!((table.shed(Need::Served), table.shed(Need::Served)), (1, 0));
    assert_eq!(tokens.each_ref().map(CancellationToken::is_cancelled), [false, false, true]);
}

#[test]
fn only_a_client_that_is_waited_for_has_a_deadline() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (number, _) = table.enter(None, now);
    for (stage, waits) in [
        (Stage::Head, true),
        (Stage::Body, true),
        (Stage::Handling, false),
        (Stage::Response, false),
        (Stage::Draining, true),
    ] {
        table.enter_stage(number, stage, now);
        assert_eq!(table.deadline(number).is_some(), waits, "{stage:?}");
    }
}

#[test]
fn a_network_above_its_share_is_dropped_first_however_fast_its_clients_are() {
    let (mut table, now) = (Table::new(2), Instant::now());
    let [many, few] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
    let (_, oldest) = table.enter(few, now);
    let (_, of_a_proxy) = table.enter(None, now);
    let flood = [1, 2, 3, 4].map(|seconds| {
        let (number, dropped) = table.enter(many, later(now, seconds));
        *table.held(number).unwrap() =
            ConnectionResources { handshaking: 0, served: 1, small_bytes: 10, large_bytes: 0 };
        (number, dropped)
    });
    for need in [Need::Slot, Need::Small(10)] {
        assert_eq!(table.shed(need), 1, "{need:?}");
    }
    assert_eq!(flood.each_ref().map(|(_, dropped)| dropped.is_cancelled()), [true, true, false, false]);
    for (number, _) in &flood[..2] {
        table.leave(*number);
    }
    // The rest is its share.
    assert_eq!(table.shed(Need::Slot), 1);
    assert!(oldest.is_cancelled() && !of_a_proxy.is_cancelled());
    for (number, _) in &flood[2..] {
        table.leave(*number);
    }
    assert_eq!(table.networks.len(), 1, "closed connections are not counted");
}

#[test]
fn hooks_that_are_being_stored_do_not_count_towards_the_share() {
    let (mut table, now) = (Table::new(1), Instant::now());
    let [kommo, other] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
    let (_, oldest) = table.enter(other, now);
    let (stored, _) = table.enter(kommo, later(now, 1));
    let (_, next) = table.enter(kommo, later(now, 2));
    table.enter_stage(stored, Stage::Handling, later(now, 2));
    assert_eq!(table.shed(Need::Slot), 1);
    assert!(oldest.is_cancelled() && !next.is_cancelled(), "the network has not more than its share");
    // It counts again during the response, and a connection that closes meanwhile is not subtracted twice.
    table.enter_stage(stored, Stage::Response, later(now, 3));
    assert_eq!(table.networks[&kommo.unwrap()], 2);
    table.enter_stage(stored, Stage::Handling, later(now, 3));
    table.leave(stored);
    assert_eq!(table.networks[&kommo.unwrap()], 1);
}
