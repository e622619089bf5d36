//! No secret is anywhere but where it belongs: a bot's token in the path of requests to Telegram, the account's in one
//! header of requests to the account, and nothing else in any request or answer of the bridge, nor in the arguments of
//! its process.

use std::{
    fs,
    sync::{Arc, Mutex, PoisonError},
};

use telekommo::sandbox::harness::{Harness, LINES};

use super::{Scene, Verdict};
use crate::{
    people::programs::SECRETS,
    proxy::{Message, Watch},
};

/// What was seen so far.
#[derive(Clone, Default)]
pub(crate) struct Leaks(Arc<Mutex<Vec<String>>>);

/// What the bridge knows and must not tell.
pub(super) fn secrets(stage: &Harness) -> Vec<String> {
    let tokens = LINES.iter().filter_map(|line| line.token.split_once(':')).map(|(_, secret)| secret.to_owned());
    let programs = SECRETS.iter().filter_map(|secret| secret.split_once(':')).map(|(_, secret)| secret.to_owned());
    tokens.chain(programs).chain([stage.kommo.settings().channel_secret.clone(), stage.kommo.access_token()]).collect()
}

impl Leaks {
    /// Looks at requests to Telegram.
    pub(crate) fn to_telegram(&self, stage: &Harness) -> Watch {
        let (this, secrets) = (self.clone(), secrets(stage));
        Arc::new(move |request, _| {
            let after_path = request.bytes.iter().position(|byte| *byte == b'\r').unwrap_or_default();
            this.look(&secrets, request, &request.bytes[after_path..]);
        })
    }

    /// Looks at requests to Kommo.
    pub(crate) fn to_kommo(&self, stage: &Harness) -> Watch {
        let (this, secrets) = (self.clone(), secrets(stage));
        Arc::new(move |request, _| this.look(&secrets, request, &request.bytes))
    }

    /// Looks at requests to the account. Its token belongs into one header.
    pub(crate) fn to_account(&self, stage: &Harness) -> Watch {
        let (this, secrets) = (self.clone(), secrets(stage));
        Arc::new(move |request, _| {
            let is_other = |line: &&[u8]| !line.to_ascii_lowercase().starts_with(b"authorization: bearer ");
            let told = request.bytes.split(|byte| *byte == b'\n').filter(is_other).collect::<Vec<_>>().concat();
            this.look(&secrets, request, &told);
        })
    }

    /// Looks at what the bridge answers.
    pub(crate) fn of_bridge(&self, stage: &Harness) -> Watch {
        let (this, secrets) = (self.clone(), secrets(stage));
        Arc::new(move |request, answer| this.look(&secrets, request, &answer.bytes))
    }

    fn look(&self, secrets: &[String], request: &Message, told: &[u8]) {
        let told = String::from_utf8_lossy(told);
        let found = secrets.iter().position(|secret| told.contains(secret));
        // Which one it was is said by its place in the list: it must not stand in the output of the tests either.
        if let Some(number) = found {
            let method = request.path().rsplit('/').next().unwrap_or_default();
            let leak = format!("secret {number} is in a request, or in the answer to it: {method}");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(leak);
        }
    }
}

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    verdict.problems.extend(scene.leaks.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    let arguments = scene.process.and_then(|id| fs::read_to_string(format!("/proc/{id}/cmdline")).ok());
    match arguments {
        Some(arguments) if secrets(scene.stage).iter().any(|secret| arguments.contains(secret)) => {
            verdict.problem("a secret is in the arguments of the process");
        }
        Some(arguments) if arguments.contains("run") => {}
        Some(_) | None => verdict.problem("nobody knows the arguments of the process"),
    }
}
