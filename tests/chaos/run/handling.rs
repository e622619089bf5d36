//! What is done to the bridge's files between two phases, and what must come of it.

use std::path::PathBuf;

use rustix::process::Signal;
use tokio::time::Instant;

use super::{LOOK_EVERY, Run};
use crate::{WITHIN, bridge::Bridge, checks, files::Dump, plan::Files};

impl Run {
    /// Stops the bridge, lets somebody handle its files, and starts it.
    pub(super) async fn handle(&mut self, files: Files) {
        let Some(name) = files.name() else { return };
        let deadline = Instant::now() + WITHIN;
        while self.bridge.dumps().is_empty() {
            assert!(Instant::now() < deadline, "no dump is made:\n{}", self.trouble());
            self.tend(LOOK_EVERY).await;
        }
        let changed = self.people.read(&self.stage.telegram, checks::changed);
        self.bridge.end(Signal::TERM).await;
        self.played.has_ended = true;
        let is_done = match files {
            Files::Left => false,
            Files::PutBack => self.bridge.put_back(),
            Files::Restored => self.bridge.restore(Dump::Oldest),
            Files::OlderFormat => self.bridge.restore(Dump::OfFormat1),
            Files::FlippedBit => {
                self.bridge.flip(&mut self.chance);
                true
            }
            Files::FromBackup => self.bridge.restore(Dump::Backup),
            Files::Upgraded => true,
        };
        let is_upgraded = is_done && [Files::FromBackup, Files::Upgraded].contains(&files);
        if is_upgraded {
            self.bridge.pretend_another_version();
        }
        if is_upgraded && files != Files::Upgraded {
            self.note(Files::Upgraded.name().unwrap_or_default());
        }
        if is_done {
            self.note(name);
        } else {
            self.note(format!("{name}: there was none"));
        }
        // As another version it reads the same store.
        if is_done && ![Files::FlippedBit, Files::Upgraded].contains(&files) {
            self.people.store_is_older();
            self.older_stores.push(changed.clone());
        }
        let (before, kept) = (self.bridge.dumps(), self.bridge.dumps_before_upgrades());
        self.start().await;
        if is_upgraded {
            self.must_have_dumped(files, &kept);
        }
        if files == Files::FlippedBit && !self.is_sound().await {
            self.note("flipped bit: refused and restored");
            self.bridge.end(Signal::KILL).await;
            assert!(self.bridge.restore(Dump::Newest), "there is no dump");
            self.people.store_is_older();
            self.older_stores.push(changed);
            self.start().await;
        }
        self.compare(&before).await;
    }

    /// Before another version opens a store, there is a way back. It is looked at while the bridge runs.
    fn must_have_dumped(&mut self, files: Files, before: &[PathBuf]) {
        let now = self.bridge.dumps_before_upgrades();
        let earlier = if files == Files::FromBackup { self.bridge.dump_in_backup() } else { self.bridge.dumps().pop() };
        let problem = match now.last() {
            Some(newest) if before.last() != Some(newest) => Bridge::dump_is_bad(newest, &earlier.unwrap()),
            _ => Some("another version has opened the store, and it was not dumped first".to_owned()),
        };
        self.bridge.bad_ends.extend(problem);
    }

    /// Waits until it is known what of the store is older than what remotes have. Until then answers may be taken that
    /// are set aside together with those that may have been delivered, and an operator has to look at them. A store
    /// that knows no chat says nothing of it.
    async fn compare(&mut self, dumps: &[PathBuf]) {
        let deadline = Instant::now() + WITHIN;
        loop {
            let (said, has_new_dump) = (self.bridge.last_words(), self.bridge.dumps().last() != dumps.last());
            let is_said = |words: &str| said.lines().any(|line| line.contains(&format!("\"message\":\"{words}")));
            let knows_no_chat = has_new_dump && !is_said("searching for missing managers' messages");
            if is_said("compared with Kommo's history: ") || knows_no_chat {
                break;
            }
            assert!(Instant::now() < deadline, "nothing is compared:\n{}", self.trouble());
            self.tend(LOOK_EVERY).await;
        }
    }

    /// Whether the bridge reads all of its store, which it does for a dump, and has no complaint. A store that is
    /// damaged must be called so.
    async fn is_sound(&mut self) -> bool {
        let (before, deadline) = (self.bridge.dumps(), Instant::now() + WITHIN);
        loop {
            let has_ended = self.bridge.has_ended_by(Instant::now() + LOOK_EVERY).await;
            let said = self.bridge.last_words();
            if has_ended || said.contains("could not be dumped") || said.contains("the dump did not end") {
                assert!(
                    said.contains("cannot be read") || said.contains("lost its contents"),
                    "not called damaged:\n{said}"
                );
                return false;
            }
            if self.bridge.dumps().last() != before.last() {
                return true;
            }
            assert!(Instant::now() < deadline, "no dump is made:\n{said}");
        }
    }
}
