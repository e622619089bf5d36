//! State that outlives a restart: sent alerts, unsent messages, and the daily totals. It is a small file in the data
//! directory, not part of the store: it can be written when the store cannot, and restoring a dump brings no old alerts
//! back.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    alerts::{daily::Day, outbox::Outbox, state::State},
    files::private,
};

/// The name of the file in the data directory.
const FILE: &str = "alerts.json";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    pub state: State,
    /// By the names of the targets.
    pub outboxes: BTreeMap<String, Outbox>,
    pub day: Day,
}

impl Memory {
    /// Loads the state from a data directory. A file that cannot be read counts as empty: then alerts may be repeated.
    #[must_use]
    pub fn load(data_dir: &Path) -> Self {
        let file = data_dir.join(FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => return empty(&file, &error.to_string()),
        };
        serde_json::from_str(&text).unwrap_or_else(|error| empty(&file, &error.to_string()))
    }

    /// Saves the state. A crash leaves either the old or the new one.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn save(&self, data_dir: &Path) -> io::Result<()> {
        private::replace(&data_dir.join(FILE), &serde_json::to_vec(self)?)
    }
}

fn empty(file: &Path, why: &str) -> Memory {
    tracing::warn!(file = %file.display(), why, "the state of alerts cannot be read: some may be repeated");
    Memory::default()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, time::Duration};

    use super::*;
    use crate::{
        alerts::state::{Key, Level, Now, Reading, Rules, Wrong},
        domain::time::UnixMillis,
    };

    #[test]
    fn saved_state_is_loaded_again_and_private() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Memory::load(home.path()), Memory::default());
        let mut memory = Memory::default();
        let level = Level::Bad(Wrong { text: "401".to_owned(), since: UnixMillis(5) });
        let reading = Reading { key: Key::new("bot_revoked", Some("sales")), level };
        let rules = Rules { after: Duration::ZERO, remind_after: Duration::from_hours(1) };
        let events = memory.state.step(&[reading], Now { steady: UnixMillis(10), wall: UnixMillis(10) }, &rules);
        memory.outboxes.entry("owner".to_owned()).or_default().add(events[0].clone());
        memory.day.line((0, 0), chrono::NaiveDate::default(), UnixMillis(10));
        memory.save(home.path()).unwrap();
        assert_eq!(Memory::load(home.path()), memory);
        let mode = fs::metadata(home.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!home.path().join("alerts.json.new").exists());
    }

    #[test]
    fn an_unreadable_file_counts_as_empty() {
        let home = tempfile::tempdir().unwrap();
        for broken in ["", "{", "[]", r#"{"state":{"kommo":{"phase":"later"}}}"#] {
            fs::write(home.path().join(FILE), broken).unwrap();
            assert_eq!(Memory::load(home.path()), Memory::default(), "{broken}");
        }
        // Fields of a newer version are ignored.
        fs::write(home.path().join(FILE), r#"{"state":{},"more":1}"#).unwrap();
        assert_eq!(Memory::load(home.path()), Memory::default());
    }
}
