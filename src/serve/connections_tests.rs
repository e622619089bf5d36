//! Allocation of slots and memory.

use std::time::Duration;

use tokio::time::timeout;

use super::*;

fn connections(connections: usize, small_bodies_bytes: usize, large_bodies_bytes: usize) -> Arc<Connections> {
    let (share, is_streaming) = (connections, false);
    let limits =
        Limits { connections, share, handshaking: 1, served: 1, small_bodies_bytes, large_bodies_bytes, is_streaming };
    Arc::new(Connections::new(limits, UnparsedRequests::default()))
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_has_five_seconds() {
    let connection = connections(1, 0, 0).enter(Peer::of_tests()).await;
    let started = Instant::now();
    connection.evicted().await;
    assert_eq!(started.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_new_client_of_a_full_listener_replaces_the_slowest() {
    let connections = connections(1, 0, 0);
    let first = connections.enter(Peer::of_tests()).await;
    let leaves = async {
        first.evicted().await;
        drop(first);
    };
    let started = Instant::now();
    tokio::join!(leaves, connections.enter(Peer::of_tests()));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_is_being_stored_keeps_its_slot() {
    let connections = connections(1, 0, 0);
    let first = connections.enter(Peer::of_tests()).await;
    first.start_body();
    first.start_handling();
    assert!(timeout(Duration::from_mins(1), connections.enter(Peer::of_tests())).await.is_err());
    assert!(timeout(Duration::from_mins(1), first.evicted()).await.is_err());
    drop(first);
    connections.enter(Peer::of_tests()).await;
}

#[tokio::test(start_paused = true)]
async fn memory_is_free_once_its_connection_ends() {
    let connections = connections(3, 1000, 0);
    let (first, second, third) = (
        connections.enter(Peer::of_tests()).await,
        connections.enter(Peer::of_tests()).await,
        connections.enter(Peer::of_tests()).await,
    );
    first.hold(600).await.unwrap();
    second.hold(400).await.unwrap();
    second.start_handling();
    let leaves = async {
        first.evicted().await;
        drop(first);
    };
    let (held, ()) = tokio::join!(third.hold(500), leaves);
    held.unwrap();
    third.start_handling();
    // No connection is left that could be dropped.
    assert!(timeout(Duration::from_mins(1), third.hold(200)).await.is_err());
    second.start_response();
    third.hold(200).await.unwrap();
    drop((second, third));
    assert_eq!(connections.small.available_permits(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_too_slowly_makes_room_for_the_next() {
    let connections = connections(2, 0, 0);
    let (first, second) = (connections.enter(Peer::of_tests()).await, connections.enter(Peer::of_tests()).await);
    first.start_serving().await.unwrap();
    first.start_handling();
    assert!(timeout(Duration::from_mins(1), second.start_serving()).await.is_err());
    first.start_response();
    let leaves = async {
        first.evicted().await;
        drop(first);
    };
    let (served, ()) = tokio::join!(second.start_serving(), leaves);
    served.unwrap();
    drop(second);
    assert_eq!(connections.served.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_leave_the_memory_of_small_ones_alone() {
    let connections = connections(2, SMALL_BYTES + 5000, 100_000);
    let (large, small) = (connections.enter(Peer::of_tests()).await, connections.enter(Peer::of_tests()).await);
    large.hold(SMALL_BYTES + 100_000).await.unwrap();
    assert!(timeout(Duration::from_secs(1), large.hold(1)).await.is_err());
    small.hold(5000).await.unwrap();
    drop((large, small));
    let free = (connections.small.available_permits(), connections.large.available_permits());
    assert_eq!(free, (SMALL_BYTES + 5000, 100_000));
}

#[tokio::test(start_paused = true)]
async fn nobody_holds_more_than_any_hook_needs() {
    let connection = connections(1, SMALL_BYTES, MAX_HELD_BYTES).enter(Peer::of_tests()).await;
    connection.hold(MAX_HELD_BYTES).await.unwrap();
    assert!(connection.hold(1).await.is_err());
}
