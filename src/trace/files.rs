//! The files of the trace: a line of JSON for each hop, a few files one after the other, the oldest deleted.
//!
//! Half a line that a crash or a full disk has left is skipped, and so is whatever else is no hop.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    domain::time::UnixMillis,
    store::data_dir::{chown_like, create_private, create_within},
    trace::{Closure, Event, FILES, Hop, Settings, Wanted},
};

/// How many hops are told of at most: the newest ones.
const MOST: usize = 10_000;
/// Nobody else may read them.
const MODE: u32 = 0o600;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub records: Vec<Hop>,
    /// When the oldest hop of all was.
    pub begins_at: Option<UnixMillis>,
    /// Whether older hops were left out.
    pub is_cut: bool,
}

/// The files, by their numbers, the oldest first; none if there is no such folder.
fn all(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let number = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".jsonl")?.parse().ok();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry?.path();
        all.extend(number(&path).map(|number| (number, path)));
    }
    all.sort();
    Ok(all)
}

/// Gives `take` every line of the file. One that was deleted meanwhile has none.
fn for_each_line(path: &Path, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => BufReader::new(file?),
    };
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        take(&line);
        line.clear();
    }
    Ok(())
}

fn for_each(dir: &Path, mut take: impl FnMut(Hop)) -> io::Result<()> {
    for (_, path) in all(dir)? {
        for_each_line(&path, |line| {
            if let Ok(record) = serde_json::from_slice(line) {
                take(record);
            }
        })?;
    }
    Ok(())
}

/// Gives `take` what belongs to what is wanted, as often as more of that is found, and says what belongs to it.
fn gather(dir: &Path, wanted: Wanted, mut take: impl FnMut(usize, Hop, bool)) -> io::Result<Closure> {
    let mut closure = Closure::new(wanted);
    for round in 0.. {
        let mut is_more = false;
        for_each(dir, |record| {
            let is_taken = closure.takes(&record);
            is_more |= is_taken && closure.learn(&record);
            take(round, record, is_taken);
        })?;
        if !is_more {
            break;
        }
    }
    Ok(closure)
}

/// The hops of what is wanted that are not older than `since`, in the order of their times.
pub(super) fn find(dir: &Path, since: UnixMillis, wanted: Wanted) -> io::Result<Found> {
    let (mut records, mut now, mut begins_at, mut is_cut) = (VecDeque::new(), 0, None, false);
    gather(dir, wanted, |round, record, is_taken| {
        if round > now {
            (now, is_cut) = (round, false);
            records.clear();
        }
        if record.at < since {
            return;
        }
        begins_at = Some(begins_at.map_or(record.at, |at: UnixMillis| at.min(record.at)));
        if is_taken || (record.event == Event::Missed && !records.is_empty()) {
            records.push_back(record);
        }
        if records.len() > MOST {
            records.pop_front();
            is_cut = true;
        }
    })?;
    let mut records = Vec::from(records);
    // What is missing behind the last of them is of no account.
    while records.pop_if(|last| last.event == Event::Missed).is_some() {}
    records.sort_by_key(Hop::order);
    Ok(Found { records, begins_at, is_cut })
}

/// The file that is written to.
struct Current {
    file: File,
    number: u64,
    bytes: u64,
    /// When its first hop was.
    began_at: UnixMillis,
}

/// What writes the files.
pub(super) struct Segments {
    data_dir: PathBuf,
    dir: PathBuf,
    keep: Duration,
    max_bytes: u64,
    current: Option<Current>,
}

impl Segments {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { data_dir, keep, max_bytes } = settings.clone();
        Self { dir: settings.dir(), data_dir, keep, max_bytes, current: None }
    }

    fn most_of_one(&self) -> u64 {
        self.max_bytes / u64::from(FILES)
    }

    /// Writes whole lines.
    ///
    /// # Errors
    /// If that fails. Part of them may be written.
    pub(super) fn append(&mut self, lines: &[u8], now: UnixMillis) -> io::Result<()> {
        let size = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let mut current = match self.current.take() {
            // Somebody may have deleted it.
            Some(current) if current.file.metadata()?.nlink() > 0 => current,
            Some(_) | None => self.last(now)?,
        };
        let is_full = current.bytes > 0 && current.bytes + size > self.most_of_one();
        let is_old = current.began_at.until(now) > self.keep / FILES;
        if is_full || is_old {
            current = self.open(current.number + 1, now)?;
            self.prune(now)?;
        }
        current.file.write_all(lines)?;
        current.bytes += size;
        self.current = Some(current);
        Ok(())
    }

    /// The newest file, or the first one.
    fn last(&self, now: UnixMillis) -> io::Result<Current> {
        create_within(&self.data_dir, &self.dir)?;
        let number = all(&self.dir)?.last().map_or(1, |(number, _)| *number);
        self.open(number, now)
    }

    fn open(&self, number: u64, now: UnixMillis) -> io::Result<Current> {
        let path = self.dir.join(format!("{number:08}.jsonl"));
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(&path)?;
        chown_like(&self.data_dir, &path)?;
        let bytes = file.metadata()?.len();
        let mut first = None;
        if bytes > 0 {
            end_line(&mut file)?;
            for_each_line(&path, |line| {
                let at = || serde_json::from_slice(line).ok().map(|record: Hop| record.at);
                first = first.or_else(at);
            })?;
        }
        Ok(Current { file, number, bytes, began_at: first.unwrap_or(now) })
    }

    /// Deletes what is too old, and what is too much for another file to be filled.
    pub(super) fn prune(&self, now: UnixMillis) -> io::Result<()> {
        let mut left = self.max_bytes.saturating_sub(self.most_of_one());
        let oldest = now.minus(self.keep);
        let mut files = all(&self.dir)?;
        let newest = files.pop();
        for (_, path) in files.into_iter().rev() {
            let there = fs::metadata(&path)?;
            let is_old = there.modified().is_ok_and(|at| millis(at) < oldest);
            if is_old || there.len() > left {
                left = 0;
                fs::remove_file(&path)?;
            }
            left = left.saturating_sub(there.len());
        }
        // Nothing has been written for as long as a hop is kept.
        if let Some((_, path)) = newest
            && fs::metadata(&path)?.modified().is_ok_and(|at| millis(at) < oldest)
        {
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    /// Erases the hops of what is wanted. Says how many there were.
    ///
    /// # Errors
    /// If that fails. Each file is as it was, or without them.
    pub(super) fn erase(&mut self, wanted: Wanted) -> io::Result<u64> {
        self.current = None;
        let closure = gather(&self.dir, wanted, |_, _, _| ())?;
        let mut erased = 0;
        for (_, path) in all(&self.dir)? {
            let (mut kept, mut gone) = (Vec::new(), 0);
            for_each_line(&path, |line| {
                let record: Option<Hop> = serde_json::from_slice(line).ok();
                if record.is_some_and(|record| closure.takes(&record)) {
                    gone += 1;
                } else {
                    kept.extend_from_slice(line);
                }
            })?;
            if gone > 0 {
                self.replace(&path, &kept)?;
                erased += gone;
            }
        }
        Ok(erased)
    }

    /// Puts another text into a file, which is as old as before.
    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        let (written_at, new) = (fs::metadata(path)?.modified()?, path.with_extension("new"));
        // Root may do this in the folder of another user, who could have put a link there.
        let mut file = create_private(&new)?;
        chown_like(&self.data_dir, &new)?;
        file.write_all(text)?;
        file.set_modified(written_at)?;
        file.sync_all()?;
        fs::rename(&new, path)
    }
}

/// Ends the last line of a file, if a crash has left half of it.
fn end_line(file: &mut File) -> io::Result<()> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

fn millis(at: SystemTime) -> UnixMillis {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
