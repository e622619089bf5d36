//! Detects secrets that a client sends to a server that must not receive them.
//!
//! It searches every received byte: request lines, headers, bodies, and files in forms.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::json;

use crate::sandbox::record::Record;

/// How much of the previous bytes is kept, to find a secret that arrives in two chunks, and the text before it.
const CONTEXT_BYTES: usize = 512;
/// How much of the text before a secret is shown.
const MAX_SHOWN_CHARS: usize = 60;

/// A secret, and where it is allowed.
#[derive(Clone)]
pub(crate) struct Guarded {
    /// Its name in reports.
    pub(crate) name: String,
    /// The secret part.
    pub(crate) text: String,
    /// The texts directly before it where it is allowed, in lower case.
    pub(crate) only_after: Vec<String>,
}

/// The guarded secrets of a server, and those that were found.
#[derive(Default)]
pub(crate) struct Leaks {
    remote: &'static str,
    record: Record,
    guarded: Mutex<Vec<Guarded>>,
    found: Mutex<BTreeSet<String>>,
}

impl Leaks {
    /// The leaks of a remote, which are written to its record.
    pub(crate) fn of(remote: &'static str, record: Record) -> Self {
        Self { remote, record, ..Self::default() }
    }

    /// Searches for these secrets from now on.
    pub(crate) fn guard(&self, secrets: &[Guarded]) {
        locked(&self.guarded).extend_from_slice(secrets);
    }

    /// The leaks so far, without the secrets themselves.
    pub(crate) fn found(&self) -> Vec<String> {
        locked(&self.found).iter().cloned().collect()
    }

    /// Searches a text whose first `searched` bytes were searched before.
    fn search(&self, text: &str, searched: usize) {
        for Guarded { name, text: secret, only_after } in &*locked(&self.guarded) {
            let ends_later = |(at, secret): &(usize, &str)| at + secret.len() > searched;
            for (at, _) in text.match_indices(secret.as_str()).filter(ends_later) {
                let line = text[..at].rsplit('\n').next().unwrap_or_default();
                let before = line.to_ascii_lowercase();
                if !only_after.iter().any(|allowed| before.ends_with(allowed)) {
                    let begin = line.char_indices().rev().nth(MAX_SHOWN_CHARS).map_or(0, |(at, _)| at);
                    self.add(&format!("{} has received {name} after {:?}", self.remote, &line[begin..]));
                }
            }
        }
    }

    fn add(&self, leak: &str) {
        if locked(&self.found).insert(leak.to_owned()) {
            tracing::error!("{leak}");
            self.record.add(|| json!({ "remote": self.remote, "leak": leak }));
        }
    }
}

/// Searches the bytes of one connection.
pub(super) struct Inspector {
    leaks: Arc<Leaks>,
    kept: Vec<u8>,
}

impl Inspector {
    pub(super) const fn new(leaks: Arc<Leaks>) -> Self {
        Self { leaks, kept: Vec::new() }
    }

    /// Searches the bytes that have just arrived.
    pub(super) fn inspect(&mut self, bytes: &[u8]) {
        // Secrets are ASCII, so replacing invalid UTF-8 hides none.
        let searched = String::from_utf8_lossy(&self.kept).len();
        self.kept.extend_from_slice(bytes);
        self.leaks.search(&String::from_utf8_lossy(&self.kept), searched);
        self.kept.drain(..self.kept.len().saturating_sub(CONTEXT_BYTES));
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks_of(pieces: &[&[u8]]) -> Vec<String> {
        let leaks = Arc::new(Leaks::of("Telegram", Record::default()));
        let only_after = vec!["post /bot1:".to_owned()];
        let token = Guarded { name: "a token".to_owned(), text: "AAHdqTcvCH".to_owned(), only_after };
        let key = Guarded { name: "the key".to_owned(), text: "f2d7f8704e".to_owned(), only_after: Vec::new() };
        leaks.guard(&[token, key]);
        let mut inspector = Inspector::new(Arc::clone(&leaks));
        for piece in pieces {
            inspector.inspect(piece);
        }
        leaks.found()
    }

    #[test]
    fn a_secret_is_found_everywhere_except_where_it_is_allowed() {
        let fine = b"POST /bot1:AAHdqTcvCH/sendMessage HTTP/1.1\r\nhost: x\r\n\r\n{\"text\":\"hi\"}";
        assert_eq!(leaks_of(&[fine]), [""; 0]);
        let leak = |line: &str, name: &str| vec![format!("Telegram has received {name} after {line:?}")];
        let header = b"POST /x HTTP/1.1\r\nreferer: /bot1:AAHdqTcvCH\r\n\r\n";
        assert_eq!(leaks_of(&[header]), leak("referer: /bot1:", "a token"));
        let body: &[u8] = b"POST /x HTTP/1.1\r\n\r\n\xff\xfe{\"text\":\"AAHdqTcvCH\"}";
        assert_eq!(leaks_of(&[body]), leak("\u{fffd}\u{fffd}{\"text\":\"", "a token"));
        assert_eq!(leaks_of(&[b"GET /?key=f2d7f8704e HTTP/1.1\r\n"]), leak("GET /?key=", "the key"));
    }

    #[test]
    fn a_secret_is_found_in_chunks_and_after_many_bytes() {
        assert_eq!(leaks_of(&[b"x: f2d7f", b"8704e\r\n"]), ["Telegram has received the key after \"x: \""]);
        assert_eq!(leaks_of(&[b"POST /bot1:AAHd", b"qTcvCH/getMe HTTP/1.1\r\n"]), [""; 0]);
        let much = vec![b'\n'; 3 * CONTEXT_BYTES];
        assert_eq!(leaks_of(&[&much, b"f2d7f8", b"704e"]).len(), 1);
        // An allowed secret is not searched again after the text before it was dropped.
        let body = vec![b' '; CONTEXT_BYTES - 30];
        assert_eq!(leaks_of(&[b"POST /bot1:AAHdqTcvCH/getMe HTTP/1.1\r\n", &body, b"more"]), [""; 0]);
    }
}
