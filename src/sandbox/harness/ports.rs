//! Unused addresses, for tests that have to know an address before something listens there.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// The range is below Linux's ephemeral ports (from 32,768), so that no listener or connection of a parallel test takes
/// the port meanwhile.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// How many addresses this process has returned.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A local address at which nobody listens. Each call returns another one.
///
/// # Panics
/// If every port is in use.
#[must_use]
pub fn unused_address() -> SocketAddr {
    // Parallel processes have consecutive ids, so this makes them start far apart.
    let begin = process::id().wrapping_mul(7_919);
    for _ in 0..COUNT {
        let port = FIRST + begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap_or_default()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    unreachable!("each of {COUNT} ports is in use")
}
