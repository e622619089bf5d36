//! Who has to go, and who may stay.

use super::*;

fn later(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

#[test]
fn the_oldest_of_those_who_say_nothing_goes_first() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (_, first) = table.enter(None, now);
    let (_, second) = table.enter(None, later(now, 1));
    assert_eq!(table.shed(Need::Place), 1);
    assert!(first.is_cancelled() && !second.is_cancelled());
    // One that is gone already makes no room twice.
    assert_eq!(table.shed(Need::Place), 1);
    assert!(second.is_cancelled());
    assert_eq!(table.shed(Need::Place), 0);
}

#[test]
fn the_slow_go_before_the_fast_even_if_they_are_younger() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (fast, fast_dropped) = table.enter(None, now);
    table.turn(fast, Stage::Body, now);
    let (slow, slow_dropped) = table.enter(None, later(now, 1));
    table.turn(slow, Stage::Body, later(now, 1));
    table.progress(fast, 1_000_000, later(now, 4));
    table.progress(slow, 1, later(now, 4));
    assert_eq!(table.shed(Need::Place), 1);
    assert!(slow_dropped.is_cancelled() && !fast_dropped.is_cancelled());
}

#[test]
fn a_hook_that_is_being_stored_is_never_dropped() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (number, dropped) = table.enter(None, now);
    *table.held(number).unwrap() = ConnectionResources { greeted: 0, served: 1, small_bytes: 10, large_bytes: 10 };
    table.turn(number, Stage::Handling, now);
    for need in [Need::Place, Need::Served, Need::Small(1), Need::Large(1)] {
        assert_eq!(table.shed(need), 0, "{need:?}");
    }
    assert!(!dropped.is_cancelled());
    table.turn(number, Stage::Answer, now);
    assert_eq!(table.shed(Need::Place), 1);
}

#[test]
fn a_body_has_to_come_at_the_rate_and_no_head_start_lasts_longer_than_the_patience() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (number, _) = table.enter(None, now);
    table.turn(number, Stage::Body, now);
    // Everything at once earns no more than the patience, however much it is.
    table.progress(number, 1_000_000, now);
    assert_eq!(table.patient_until(number), Some(later(now, 5)));
    // Half of the rate: every two seconds earn one.
    table.progress(number, 16 * 1024, later(now, 2));
    assert_eq!(table.patient_until(number), Some(later(now, 6)));
    table.progress(number, 16 * 1024, later(now, 4));
    assert_eq!(table.patient_until(number), Some(later(now, 7)));
    // At the rate, it stays.
    table.progress(number, 48 * 1024, later(now, 7));
    assert_eq!(table.patient_until(number), Some(later(now, 10)));
}

/// Connections that hold this much, the first being the oldest.
fn holding<const N: usize>(held: [(usize, usize); N]) -> (Table, [CancellationToken; N]) {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let tokens = held.map(|(small_bytes, large_bytes)| {
        let (number, dropped) = table.enter(None, later(now, table.next));
        *table.held(number).unwrap() =
            ConnectionResources { greeted: 0, served: usize::from(large_bytes > 0), small_bytes, large_bytes };
        dropped
    });
    (table, tokens)
}

#[test]
fn large_bodies_give_their_memory_before_small_ones_and_nobody_goes_without_need() {
    let (mut table, tokens) = holding([(10, 0), (0, 0), (32, 900), (32, 700), (32, 800)]);
    let mut shed = |need| (table.shed(need), tokens.each_ref().map(CancellationToken::is_cancelled));
    assert_eq!(shed(Need::Large(1000)), (2, [false, false, true, true, false]));
    assert_eq!(shed(Need::Small(32)), (1, [false, false, true, true, true]));
    assert_eq!(shed(Need::Large(1)), (0, [false, false, true, true, true]));
    assert_eq!(shed(Need::Small(11)), (1, [true, false, true, true, true]));
    assert_eq!(table.leave(3), ConnectionResources { greeted: 0, served: 1, small_bytes: 32, large_bytes: 700 });
}

#[test]
fn who_is_not_served_makes_no_room_for_whom_is_to_be() {
    let (mut table, tokens) = holding([(10, 0), (0, 0), (32, 900)]);
    assert_eq!((table.shed(Need::Served), table.shed(Need::Served)), (1, 0));
    assert_eq!(tokens.each_ref().map(CancellationToken::is_cancelled), [false, false, true]);
}

#[test]
fn only_a_client_that_is_waited_for_runs_out_of_patience() {
    let (mut table, now) = (Table::new(usize::MAX), Instant::now());
    let (number, _) = table.enter(None, now);
    for (stage, waits) in [
        (Stage::Head, true),
        (Stage::Body, true),
        (Stage::Handling, false),
        (Stage::Answer, false),
        (Stage::Rest, true),
    ] {
        table.turn(number, stage, now);
        assert_eq!(table.patient_until(number).is_some(), waits, "{stage:?}");
    }
}

#[test]
fn a_network_with_more_than_its_share_makes_room_first_however_fast_its_clients_are() {
    let (mut table, now) = (Table::new(2), Instant::now());
    let [many, few] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
    let (_, oldest) = table.enter(few, now);
    let (_, of_a_proxy) = table.enter(None, now);
    let flood = [1, 2, 3, 4].map(|seconds| {
        let (number, dropped) = table.enter(many, later(now, seconds));
        *table.held(number).unwrap() = ConnectionResources { greeted: 0, served: 1, small_bytes: 10, large_bytes: 0 };
        (number, dropped)
    });
    for need in [Need::Place, Need::Small(10)] {
        assert_eq!(table.shed(need), 1, "{need:?}");
    }
    assert_eq!(flood.each_ref().map(|(_, dropped)| dropped.is_cancelled()), [true, true, false, false]);
    for (number, _) in &flood[..2] {
        table.leave(*number);
    }
    // What is left of it is its share.
    assert_eq!(table.shed(Need::Place), 1);
    assert!(oldest.is_cancelled() && !of_a_proxy.is_cancelled());
    for (number, _) in &flood[2..] {
        table.leave(*number);
    }
    assert_eq!(table.networks.len(), 1, "who has left is not remembered");
}

#[test]
fn hooks_that_are_being_stored_take_nothing_of_their_networks_share() {
    let (mut table, now) = (Table::new(1), Instant::now());
    let [kommo, other] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
    let (_, oldest) = table.enter(other, now);
    let (stored, _) = table.enter(kommo, later(now, 1));
    let (_, next) = table.enter(kommo, later(now, 2));
    table.turn(stored, Stage::Handling, later(now, 2));
    assert_eq!(table.shed(Need::Place), 1);
    assert!(oldest.is_cancelled() && !next.is_cancelled(), "the network has not more than its share");
    // It counts again once it is answered, and whoever leaves meanwhile is not counted off twice.
    table.turn(stored, Stage::Answer, later(now, 3));
    assert_eq!(table.networks[&kommo.unwrap()], 2);
    table.turn(stored, Stage::Handling, later(now, 3));
    table.leave(stored);
    assert_eq!(table.networks[&kommo.unwrap()], 1);
}
