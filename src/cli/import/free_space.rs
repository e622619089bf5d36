//! The disk space that an import needs, and what it leaves to the bridge.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::bail;

use crate::{cli::import::survey::Survey, config::Config, media::imported, store};

/// What a disk gives away at a time.
const BLOCK_BYTES: u64 = 4096;

/// The disk that files are copied to.
#[derive(Clone, Debug)]
pub(super) struct FreeSpace {
    data_dir: PathBuf,
    reserve_bytes: u64,
    /// How much all imported files may take together.
    most_bytes: u64,
    free_bytes: fn(&Path) -> io::Result<u64>,
}

impl FreeSpace {
    /// The disk of the data directory, with the reserve as configured.
    pub(super) fn new(config: &Config) -> Self {
        let (data_dir, reserve_bytes) = (config.data_dir.clone(), config.store.reserve_bytes);
        Self { data_dir, reserve_bytes, most_bytes: config.retention.imports_bytes, free_bytes: store::free_bytes }
    }

    /// Refuses what would take the reserve, or more than imports may have.
    ///
    /// # Errors
    /// If so many bytes more do not leave it free.
    pub(super) fn refuse_if_short_of(&self, needed_bytes: u64) -> anyhow::Result<()> {
        let there = taken(&imported::dir(&self.data_dir));
        if needed_bytes > 0 && there.saturating_add(needed_bytes) > self.most_bytes {
            bail!(
                "the files need {}, imported files have {} already, and may have {} (retention.imports_mb): raise it, \
                 or import fewer chats (--chat) or smaller files (--max-file-mb)",
                size(needed_bytes),
                size(there),
                size(self.most_bytes)
            );
        }
        let Some(free_bytes) = self.short_of(needed_bytes) else { return Ok(()) };
        bail!(
            "the files need {} in {}, where {} are free and {} stay free for the bridge (store.reserve_mb): free some \
             space, or import fewer chats (--chat) or smaller files (--max-file-mb)",
            size(needed_bytes),
            self.data_dir.display(),
            size(free_bytes),
            size(self.reserve_bytes)
        );
    }

    /// The same while files are copied.
    ///
    /// # Errors
    /// If so many bytes more do not leave the reserve free.
    pub(super) fn watch(&self, more_bytes: u64) -> io::Result<()> {
        let Some(free_bytes) = self.short_of(more_bytes) else { return Ok(()) };
        let why = format!(
            "{} more are needed in {}, where {} are free and {} stay free for the bridge (store.reserve_mb): free some \
             space",
            size(more_bytes),
            self.data_dir.display(),
            size(free_bytes),
            size(self.reserve_bytes)
        );
        Err(io::Error::new(io::ErrorKind::StorageFull, why))
    }

    /// How much is free, if that is too little for something. What cannot be learnt is enough: a write will tell.
    fn short_of(&self, more_bytes: u64) -> Option<u64> {
        if more_bytes == 0 {
            return None;
        }
        let free_bytes = (self.free_bytes)(&self.data_dir).ok()?;
        (free_bytes < self.reserve_bytes.saturating_add(on_disk(more_bytes))).then_some(free_bytes)
    }
}

/// How many bytes the files below a folder take.
fn taken(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(there) if there.is_dir() => taken(&entry.path()),
        Ok(there) => on_disk(there.len()),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// How many bytes the copies take that are still to be made: not those in the folder `kept`, nor those of messages that
/// are `done`.
pub(super) fn needed_bytes(survey: &Survey, kept: &Path, done: &HashSet<(i64, i64)>) -> u64 {
    let of_chat = |chat: i64, files: &[(i64, u64)]| -> u64 {
        let there = copies(&kept.join(chat.to_string()));
        let is_missing = |(message, size_bytes): &&(i64, u64)| {
            !done.contains(&(chat, *message)) && there.get(message) != Some(size_bytes)
        };
        files.iter().filter(is_missing).map(|(_, size_bytes)| on_disk(*size_bytes)).sum()
    };
    survey.chats.iter().map(|counted| of_chat(counted.chat.id, &counted.files)).sum()
}

/// The sizes of the copies in the folder of a chat, by their messages.
fn copies(folder: &Path) -> HashMap<i64, u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let copy = |entry: fs::DirEntry| {
        let message = entry.path().file_stem()?.to_str()?.parse().ok()?;
        Some((message, entry.metadata().ok()?.len()))
    };
    entries.filter_map(copy).collect()
}

const fn on_disk(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES)
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    let megabytes = bytes / super::MEGABYTE;
    match megabytes {
        0 if bytes == 0 => "0 MB".to_owned(),
        0 => "less than 1 MB".to_owned(),
        1..10_000 => format!("{megabytes} MB"),
        _ => format!("{} GB", megabytes / 1024),
    }
}

#[cfg(test)]
impl FreeSpace {
    /// A disk that tells what it likes.
    pub(super) fn with_probe(data_dir: &Path, reserve_bytes: u64, free_bytes: fn(&Path) -> io::Result<u64>) -> Self {
        Self { data_dir: data_dir.to_owned(), reserve_bytes, most_bytes: u64::MAX, free_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::survey::Counted;

    #[test]
    fn the_reserve_is_left_alone_to_the_byte() {
        let room = FreeSpace::with_probe(Path::new("/data"), 64 << 20, |_| Ok(100 << 20));
        room.refuse_if_short_of(36 << 20).unwrap();
        let message = room.refuse_if_short_of((36 << 20) + 1).unwrap_err().to_string();
        for figure in ["need 36 MB in /data", "100 MB are free", "64 MB stay free", "store.reserve_mb", "--chat"] {
            assert!(message.contains(figure), "{figure}: {message}");
        }
        assert_eq!(room.watch((36 << 20) + 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
        FreeSpace::with_probe(Path::new("/data"), u64::MAX, |_| Err(io::ErrorKind::Unsupported.into()))
            .watch(1)
            .unwrap();
        assert!(FreeSpace::with_probe(Path::new("/data"), u64::MAX, |_| Ok(u64::MAX - 1)).watch(1).is_err());
    }

    #[test]
    fn imports_keep_to_their_room() {
        let home = tempfile::tempdir().unwrap();
        let folder = imported::dir(home.path()).join("1-2/7");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("1.jpg"), vec![0; 5000]).unwrap();
        let mut room = FreeSpace::with_probe(home.path(), 0, |_| Ok(u64::MAX));
        room.most_bytes = 8192 + 4096;
        room.refuse_if_short_of(4096).unwrap();
        let message = room.refuse_if_short_of(4097).unwrap_err().to_string();
        assert!(message.contains("retention.imports_mb"), "{message}");
        room.most_bytes = 1;
        room.refuse_if_short_of(0).unwrap();
    }

    #[test]
    fn what_is_there_or_done_needs_no_room() {
        let home = tempfile::tempdir().unwrap();
        let mut survey = Survey::default();
        survey.chats.push(Counted::default());
        survey.chats[0].chat.id = 7;
        survey.chats[0].files = vec![(1, 5000), (2, 5000), (3, 5000), (4, 1)];
        let needed = |done: &[(i64, i64)]| needed_bytes(&survey, home.path(), &done.iter().copied().collect());
        assert_eq!(needed(&[]), 3 * 8192 + 4096, "in blocks");
        assert_eq!(needed(&[(7, 2), (8, 1)]), 2 * 8192 + 4096);
        fs::create_dir(home.path().join("7")).unwrap();
        fs::write(home.path().join("7/1.jpg"), vec![0; 5000]).unwrap();
        fs::write(home.path().join("7/3.jpg"), "another length").unwrap();
        fs::write(home.path().join("7/4.jpg.part"), "x").unwrap();
        assert_eq!(needed(&[]), 2 * 8192 + 4096);
    }

    #[test]
    fn sizes_are_told_so_that_people_can_compare_them() {
        let texts = [0, 1, 64 << 20, 9_999 << 20, 60 << 30].map(size);
        assert_eq!(texts, ["0 MB", "less than 1 MB", "64 MB", "9999 MB", "60 GB"]);
    }
}
