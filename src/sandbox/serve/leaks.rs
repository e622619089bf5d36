//! Whether a client tells a server a secret that is not for it.
//!
//! Every byte is looked at as it comes, whatever it is a part of: the request line, a header, a body, the file in a
//! form.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::json;

use crate::sandbox::record::Record;

/// How much of what came before is kept, so that a secret is found that comes in two pieces, and what stands before it.
const KEPT_BYTES: usize = 512;
/// How much of what stands before a secret is shown.
const SHOWN_CHARS: usize = 60;

/// A secret, and the only places where it may stand.
#[derive(Clone)]
pub(crate) struct Guarded {
    /// What it is, for whoever reads of the leak.
    pub(crate) name: String,
    /// The secret, or as much of it as is secret.
    pub(crate) text: String,
    /// What stands directly before it where it may be, in lower case.
    pub(crate) only_after: Vec<String>,
}

/// What a server must not be told, and what it was told all the same.
#[derive(Default)]
pub(crate) struct Leaks {
    remote: &'static str,
    record: Record,
    guarded: Mutex<Vec<Guarded>>,
    found: Mutex<BTreeSet<String>>,
}

impl Leaks {
    /// Those of a remote, which are written down in its record.
    pub(crate) fn of(remote: &'static str, record: Record) -> Self {
        Self { remote, record, ..Self::default() }
    }

    /// From now on, these are looked for.
    pub(crate) fn guard(&self, secrets: &[Guarded]) {
        locked(&self.guarded).extend_from_slice(secrets);
    }

    /// What was found so far. The secrets themselves are not in it.
    pub(crate) fn found(&self) -> Vec<String> {
        locked(&self.found).iter().cloned().collect()
    }

    /// Looks at a text whose first `seen` bytes were looked at before.
    fn look(&self, text: &str, seen: usize) {
        for Guarded { name, text: secret, only_after } in &*locked(&self.guarded) {
            let ends_later = |(at, secret): &(usize, &str)| at + secret.len() > seen;
            for (at, _) in text.match_indices(secret.as_str()).filter(ends_later) {
                let line = text[..at].rsplit('\n').next().unwrap_or_default();
                let before = line.to_ascii_lowercase();
                if !only_after.iter().any(|allowed| before.ends_with(allowed)) {
                    let begin = line.char_indices().rev().nth(SHOWN_CHARS).map_or(0, |(at, _)| at);
                    self.add(&format!("{} was told {name} after {:?}", self.remote, &line[begin..]));
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

/// What has come on one connection.
pub(super) struct Ear {
    leaks: Arc<Leaks>,
    kept: Vec<u8>,
}

impl Ear {
    pub(super) const fn new(leaks: Arc<Leaks>) -> Self {
        Self { leaks, kept: Vec::new() }
    }

    /// Looks at what has just come.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        // Secrets are ASCII: what is no text becomes other characters, and hides none.
        let seen = String::from_utf8_lossy(&self.kept).len();
        self.kept.extend_from_slice(bytes);
        self.leaks.look(&String::from_utf8_lossy(&self.kept), seen);
        self.kept.drain(..self.kept.len().saturating_sub(KEPT_BYTES));
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pieces: &[&[u8]]) -> Vec<String> {
        let leaks = Arc::new(Leaks::of("Telegram", Record::default()));
        let only_after = vec!["post /bot1:".to_owned()];
        let token = Guarded { name: "a token".to_owned(), text: "AAHdqTcvCH".to_owned(), only_after };
        let key = Guarded { name: "the key".to_owned(), text: "f2d7f8704e".to_owned(), only_after: Vec::new() };
        leaks.guard(&[token, key]);
        let mut ear = Ear::new(Arc::clone(&leaks));
        for piece in pieces {
            ear.hear(piece);
        }
        leaks.found()
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands_but_where_it_belongs() {
        let fine = b"POST /bot1:AAHdqTcvCH/sendMessage HTTP/1.1\r\nhost: x\r\n\r\n{\"text\":\"hi\"}";
        assert_eq!(heard(&[fine]), [""; 0]);
        let told = |line: &str, name: &str| vec![format!("Telegram was told {name} after {line:?}")];
        let header = b"POST /x HTTP/1.1\r\nreferer: /bot1:AAHdqTcvCH\r\n\r\n";
        assert_eq!(heard(&[header]), told("referer: /bot1:", "a token"));
        let body: &[u8] = b"POST /x HTTP/1.1\r\n\r\n\xff\xfe{\"text\":\"AAHdqTcvCH\"}";
        assert_eq!(heard(&[body]), told("\u{fffd}\u{fffd}{\"text\":\"", "a token"));
        assert_eq!(heard(&[b"GET /?key=f2d7f8704e HTTP/1.1\r\n"]), told("GET /?key=", "the key"));
    }

    #[test]
    fn a_secret_is_found_that_comes_in_pieces_and_after_much_else() {
        assert_eq!(heard(&[b"x: f2d7f", b"8704e\r\n"]), ["Telegram was told the key after \"x: \""]);
        assert_eq!(heard(&[b"POST /bot1:AAHd", b"qTcvCH/getMe HTTP/1.1\r\n"]), [""; 0]);
        let much = vec![b'\n'; 3 * KEPT_BYTES];
        assert_eq!(heard(&[&much, b"f2d7f8", b"704e"]).len(), 1);
        // What was fine is not looked at again when what stood before it is gone.
        let body = vec![b' '; KEPT_BYTES - 30];
        assert_eq!(heard(&[b"POST /bot1:AAHdqTcvCH/getMe HTTP/1.1\r\n", &body, b"more"]), [""; 0]);
    }
}
