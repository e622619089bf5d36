//! What people and disks do to the bridge's files while it is stopped.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{bridge::Bridge, disk::Disk, folder::copy};

/// Which dump is restored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dump {
    Oldest,
    /// None is named.
    Newest,
    /// As the version before would have written the newest: it kept the same rows under another number.
    OfFormat1,
    /// The newest backup.
    Backup,
}

impl Bridge {
    fn copy(&self) -> PathBuf {
        self.data.with_file_name("copy")
    }

    /// Makes a copy of everything, as a backup would.
    pub(crate) fn back_up(&self) {
        drop(fs::remove_dir_all(self.copy()));
        copy(&self.data, &self.copy());
    }

    /// Puts the copy in the place of what has become of it; false if there is none.
    pub(crate) fn put_back(&mut self) -> bool {
        if !self.copy().exists() {
            return false;
        }
        fs::remove_dir_all(&self.data).unwrap();
        fs::rename(self.copy(), &self.data).unwrap();
        self.disk = Disk::of(&self.data);
        true
    }

    /// The dumps that are there, oldest first.
    pub(crate) fn dumps(&self) -> Vec<PathBuf> {
        let dumps = telekommo::store::dumps::all(&telekommo::store::dumps::dir(&self.data)).unwrap();
        dumps.into_iter().map(|(_, dump)| dump).collect()
    }

    /// Restores the store as an operator does; false if there is no dump, or no backup.
    pub(crate) fn restore(&mut self, which: Dump) -> bool {
        let backup = self.backup();
        if matches!(which, Dump::Backup) && !backup.exists() {
            return false;
        }
        let dumps = self.dumps();
        let [Some(oldest), Some(newest)] = [dumps.first(), dumps.last()] else { return false };
        let mut restore = Command::new(env!("CARGO_BIN_EXE_telekommo"));
        restore.env_clear().arg("restore").arg(&self.data);
        match which {
            Dump::Oldest => {
                restore.arg(oldest);
            }
            Dump::Newest => {}
            Dump::Backup => {
                restore.arg(&backup);
            }
            Dump::OfFormat1 => {
                let former = self.data.with_file_name("former.jsonl");
                fs::write(&former, of_format_1(&fs::read_to_string(newest).unwrap())).unwrap();
                restore.arg(former);
            }
        }
        let output = restore.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.disk = Disk::of(&self.data);
        true
    }

    /// Another version has had the store last, as far as the next one knows.
    pub(crate) fn pretend_another_version(&mut self) {
        fs::write(self.data.join("store.version"), "0.0.1").unwrap();
        self.disk = Disk::of(&self.data);
    }

    /// The dumps that were written before another version had the store, oldest first.
    pub(crate) fn dumps_before_upgrades(&self) -> Vec<PathBuf> {
        let dumps = telekommo::store::dumps::dir(&self.data);
        telekommo::store::dumps::before_upgrades(&dumps).unwrap().into_iter().map(|(_, dump)| dump).collect()
    }

    /// The dump that the newest backup ends with.
    pub(crate) fn dump_in_backup(&self) -> Option<PathBuf> {
        let (backup, dump) = (fs::read_to_string(self.backup()).ok()?, self.backup().with_extension("dump"));
        let (_, rows) = backup.split_once("{\"format\":\"telekommo-dump\"")?;
        fs::write(&dump, format!("{{\"format\":\"telekommo-dump\"{rows}")).ok()?;
        Some(dump)
    }

    /// What is wrong with a dump that is to lead back: it must restore to a store that knows as much as an earlier one.
    pub(crate) fn dump_is_bad(dump: &Path, earlier: &Path) -> Option<String> {
        let chats = |dump: &Path| {
            let home = tempfile::tempdir().unwrap();
            telekommo::store::Store::restore(home.path(), dump).map(|summary| summary.chats)
        };
        let known = chats(earlier).unwrap();
        match chats(dump) {
            Ok(chats) if chats >= known => None,
            Ok(chats) => Some(format!("the dump before an upgrade has {chats} chats of {known}")),
            Err(error) => Some(format!("the dump before an upgrade cannot be restored: {error}")),
        }
    }

    /// A bit of the store's files is another than it was. It is none of what is only kept free there.
    pub(crate) fn flip(&mut self, chance: &mut fastrand::Rng) {
        let mut files = Vec::new();
        list(&self.data.join("store"), &mut files);
        files.sort();
        loop {
            let file = &files[chance.usize(..files.len())];
            let mut bytes = fs::read(file).unwrap();
            let set: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            if set.is_empty() {
                continue;
            }
            bytes[set[chance.usize(..set.len())]] ^= 1 << chance.u8(..8);
            fs::write(file, bytes).unwrap();
            break;
        }
        self.is_flipped = true;
        self.disk = Disk::of(&self.data);
    }
}

/// A dump as a version of format 1 would have written it: each row that expires has a note of its own.
fn of_format_1(dump: &str) -> String {
    let mut rows: Vec<(String, Value)> = Vec::new();
    for line in dump.lines().filter(|line| line.starts_with("{\"k\":")) {
        let row: Value = serde_json::from_str(line).unwrap();
        let key = row["k"].as_str().unwrap().to_owned();
        match key.strip_prefix("65").and_then(|noted| noted.split_at_checked(16)) {
            Some((at, behind)) if behind.starts_with("00") => {
                let at = u64::from_str_radix(at, 16).unwrap();
                let packed: Vec<(String, u64)> = serde_json::from_str(row["v"].as_str().unwrap()).unwrap();
                for (expires, later) in packed {
                    let key = format!("65{:016x}{}", at + later, hex(&expires));
                    rows.push((key.clone(), json!({ "k": key, "v": "null" })));
                }
            }
            _ if key == hex("mschema") => {
                assert_eq!(row["v"], "3", "there is another format now");
                rows.push((key.clone(), json!({ "k": key, "v": "1" })));
            }
            _ => rows.push((key, row)),
        }
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let mut text = json!({ "format": "telekommo-dump", "schema": 1 }).to_string();
    for (_, row) in &rows {
        write!(text, "\n{row}").unwrap();
    }
    writeln!(text, "\n{}", json!({ "rows": rows.len() })).unwrap();
    text
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}
