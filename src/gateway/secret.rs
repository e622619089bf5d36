//! Finds the program of a secret.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::gateway::Program;

type Tag = [u8; 20];

/// The programs by secret. It keeps digests under a random key in place of the secrets, so the time that a comparison
/// takes reveals nothing of them.
pub(super) struct Secrets {
    key: Hmac<Sha1>,
    programs: Vec<(Tag, Arc<Program>)>,
}

impl Secrets {
    pub(super) fn new(programs: Vec<(String, Arc<Program>)>) -> Self {
        let mut key = [0; 32];
        fastrand::fill(&mut key);
        let key = Hmac::new_from_slice(&key).expect("HMAC takes a key of any length");
        let programs = programs.into_iter().map(|(secret, program)| (tag(&key, &secret), program)).collect();
        Self { key, programs }
    }

    /// The program with this secret. It always compares all, in constant time.
    pub(super) fn program(&self, secret: &str) -> Option<Arc<Program>> {
        let wanted = tag(&self.key, secret);
        let matching = |found, (tag, program)| if is_same(tag, &wanted) { Some(program) } else { found };
        self.programs.iter().map(|(tag, program)| (tag, program)).fold(None, matching).cloned()
    }
}

fn tag(key: &Hmac<Sha1>, secret: &str) -> Tag {
    key.clone().chain_update(secret).finalize().into_bytes().into()
}

fn is_same(one: &Tag, other: &Tag) -> bool {
    one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}
