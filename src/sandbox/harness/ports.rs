//! Addresses at which nobody listens, for a test that has to name one before something listens there.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the ports that Linux gives away by itself (32,768 on), so that no other listener and no connection of a test
/// beside this one takes the port meanwhile.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// How many were given away by this process.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A local address at which nobody listens. Each call of a process names another one.
///
/// # Panics
/// If every port is in use.
#[must_use]
pub fn unused_address() -> SocketAddr {
    // Processes that run at once begin at places far apart: their numbers follow each other.
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
