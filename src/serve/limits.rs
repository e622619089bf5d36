//! How many connections and how much memory the machine allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many connections the public listener serves at the same time.
const CONNECTIONS: usize = 4096;
/// How many of them speak TLS and have not said yet what they want, where TLS is spoken. Each takes up to 64 KiB.
const GREETED: usize = 1024;
/// How many of them are served, which begins once it is known what the client wants. Each takes some 20 KiB beside its
/// body, the others about 2.
const SERVED: usize = 1024;
/// What heads and bodies take that are being read. The first [`SMALL_BYTES`] of each come from one account and the rest
/// from another, so that large bodies never take the memory that small ones need. Kommo's hooks are small.
const SMALL_BODIES_BYTES: usize = 12 * 1024 * 1024;
const LARGE_BODIES_BYTES: usize = 8 * 1024 * 1024;
/// How much of a body is small. A text of Telegram's greatest length takes less, however it is written.
pub(super) const SMALL_BYTES: usize = 32 * 1024;
/// Of all connections, which part those of one network have before theirs make room for others first: one in so many.
const SHARE: usize = 8;
/// The same of the operator's listener, which only this machine reaches.
const ADMIN_CONNECTIONS: usize = 128;
/// The same of the listener for programs.
const PROGRAM_CONNECTIONS: usize = 1024;
/// Open files that are no connections to the public listener: the store, calls to Kommo and Telegram, files that pass
/// through, and the operator's listener. Where there are few, it is half of them.
const OTHER_FILES: u64 = 512;

/// What the connections of one listener may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many there may be.
    pub connections: usize,
    /// From how many connections of one network on it is these that make room first. Nobody is turned away for it: all
    /// of Kommo's hooks may come from one.
    pub share: usize,
    /// How many may set up TLS at the same time, until it is known what they want.
    pub greeted: usize,
    /// How many of them may be served at the same time.
    pub served: usize,
    /// How much memory the heads, the small bodies, and the beginnings of large ones, may take together.
    pub small_bodies_bytes: usize,
    /// How much memory the rest of the large bodies may take together.
    pub large_bodies_bytes: usize,
    /// Whether bodies flow through: no piece is kept, and none is waited for while nobody asks for it.
    pub is_flowing: bool,
}

impl Limits {
    /// For the listener that the internet reaches. Fewer connections where the process may not have enough open files.
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

    /// For the operator's listener.
    #[must_use]
    pub const fn admin() -> Self {
        Self::of(ADMIN_CONNECTIONS)
    }

    /// For the listener for the owner's programs.
    #[must_use]
    pub const fn programs() -> Self {
        Self { is_flowing: true, ..Self::of(PROGRAM_CONNECTIONS) }
    }

    const fn of(connections: usize) -> Self {
        Self {
            connections,
            share: connections.div_ceil(SHARE),
            greeted: GREETED,
            served: SERVED,
            small_bodies_bytes: SMALL_BODIES_BYTES,
            large_bodies_bytes: LARGE_BODIES_BYTES,
            is_flowing: false,
        }
    }
}

/// Lets this process open as many files as the system allows it to. Each connection is one.
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
