//! Limits of connections and memory.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most connections of the public listener.
const CONNECTIONS: usize = 4096;
/// How many of them may be in the TLS handshake or the head that follows. Each needs up to 64 KiB.
const HANDSHAKING: usize = 1024;
/// How many requests are served at the same time, from their complete head on. Each needs some 20 KiB beside its body,
/// other connections about 2.
const SERVED: usize = 1024;
/// Memory for heads and bodies that are being read. The first [`SMALL_BYTES`] of each count against one budget and the
/// rest against another, so that large bodies never take the memory of small ones. Kommo's hooks are small.
const SMALL_BODIES_BYTES: usize = 12 * 1024 * 1024;
const LARGE_BODIES_BYTES: usize = 8 * 1024 * 1024;
/// How much of each request counts as small. A text of Telegram's greatest length needs less in any encoding.
pub(super) const SMALL_BYTES: usize = 32 * 1024;
/// The share of one network is one connection in so many. Above it, its connections are dropped first.
const SHARE: usize = 8;
/// The most connections of the admin listener, which only this machine reaches.
const ADMIN_CONNECTIONS: usize = 128;
/// The most connections of the gateway.
const PROGRAM_CONNECTIONS: usize = 1024;
/// Open files for everything but the public listener: the store, calls to Kommo and Telegram, files that pass through,
/// the admin listener. If the limit is low, half of it.
const OTHER_FILES: u64 = 512;

/// Limits of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections.
    pub connections: usize,
    /// Above how many connections of one network these are dropped first. None is refused for it: all of Kommo's hooks
    /// may come from one network.
    pub share: usize,
    /// The most connections in the TLS handshake or the head that follows.
    pub handshaking: usize,
    /// The most requests that are served at the same time.
    pub served: usize,
    /// Memory for heads, small bodies and the beginnings of large ones.
    pub small_bodies_bytes: usize,
    /// Memory for the rest of large bodies.
    pub large_bodies_bytes: usize,
    /// Whether bodies are streamed on: they are not kept, and the client's clock stops while the receiver is busy.
    pub is_streaming: bool,
}

impl Limits {
    /// For the public listener. Fewer connections if the process may not open enough files.
    #[must_use]
    pub fn public() -> Self {
        let open_files = getrlimit(Resource::Nofile).current;
        let connections = connections(open_files);
        if connections < CONNECTIONS {
            tracing::warn!(
                connections,
                open_files,
                "the limit of open files allows fewer connections than {CONNECTIONS}: raise it (LimitNOFILE= of \
                 systemd, ulimit -n)"
            );
        }
        Self::of(connections)
    }

    /// For the admin listener.
    #[must_use]
    pub const fn admin() -> Self {
        Self::of(ADMIN_CONNECTIONS)
    }

    /// For the gateway.
    #[must_use]
    pub const fn programs() -> Self {
        Self { is_streaming: true, ..Self::of(PROGRAM_CONNECTIONS) }
    }

    const fn of(connections: usize) -> Self {
        Self {
            connections,
            share: connections.div_ceil(SHARE),
            handshaking: HANDSHAKING,
            served: SERVED,
            small_bodies_bytes: SMALL_BODIES_BYTES,
            large_bodies_bytes: LARGE_BODIES_BYTES,
            is_streaming: false,
        }
    }
}

/// Raises the limit of open files as far as the system allows. Each connection is a file.
pub fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

fn connections(open_files: Option<u64>) -> usize {
    let room = open_files.map(|files| files - OTHER_FILES.min(files / 2));
    room.and_then(|room| usize::try_from(room).ok()).unwrap_or(CONNECTIONS).clamp(1, CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_connections_as_open_files_allow() {
        for (open_files, expected) in [
            (None, 4096),
            (Some(1 << 20), 4096),
            (Some(4608), 4096),
            (Some(4607), 4095),
            (Some(1024), 512),
            (Some(256), 128),
        ] {
            assert_eq!(connections(open_files), expected, "{open_files:?}");
        }
    }
}
