//! What the bridge says, in all its lives. What was read once is not kept, so that a long run stays small.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// How many lines that name trouble are remembered.
const REMEMBERED: usize = 40;

/// The files of all lives: the first is number 1.
pub(crate) struct Log {
    folder: PathBuf,
    life: usize,
    /// How much of it has been read.
    read: u64,
    troubles: VecDeque<String>,
    /// Keeps all of it.
    kept: Option<File>,
}

impl Log {
    pub(crate) fn new(folder: &Path, kept: Option<File>) -> Self {
        Self { folder: folder.to_owned(), life: 1, read: 0, troubles: VecDeque::new(), kept }
    }

    /// Whether all of it is kept.
    pub(crate) const fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Where a life says what it does.
    pub(crate) fn file(&self, life: usize) -> PathBuf {
        self.folder.join(format!("log-{life}"))
    }

    /// The whole lines that nobody has read yet. `newest` is the life that goes on.
    pub(crate) fn news(&mut self, newest: usize) -> String {
        let mut news = String::new();
        while self.life < newest {
            news += &self.rest();
            // It may have ended within a line.
            news.push('\n');
            fs::remove_file(self.file(self.life)).unwrap();
            (self.life, self.read) = (self.life + 1, 0);
        }
        let rest = self.rest();
        let whole = rest.rfind('\n').map_or(0, |end| end + 1);
        news += &rest[..whole];
        self.read += u64::try_from(whole).unwrap();
        if let Some(kept) = &mut self.kept {
            kept.write_all(news.as_bytes()).unwrap();
        }
        let is_calm = |line: &str| ["\"INFO\"", "\"DEBUG\""].iter().any(|level| line.contains(level));
        let troubles = news.lines().filter(|line| !line.is_empty() && !is_calm(line));
        self.troubles.extend(troubles.map(str::to_owned));
        self.troubles.drain(..self.troubles.len().saturating_sub(REMEMBERED));
        news
    }

    /// The newest lines that name trouble.
    pub(crate) fn troubles(&mut self, newest: usize) -> String {
        self.news(newest);
        self.troubles.make_contiguous().join("\n")
    }

    fn rest(&self) -> String {
        let Ok(mut file) = File::open(self.file(self.life)) else { return String::new() };
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        // A write that was cut short may end within a character; the bytes before it are whole lines.
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

#[test]
fn each_line_is_read_once_and_whole() {
    let home = tempfile::tempdir().unwrap();
    let mut log = Log::new(home.path(), None);
    let say = |life, text| fs::write(home.path().join(format!("log-{life}")), text).unwrap();
    assert_eq!(log.news(1), "");
    say(1, "one\n\"INFO\"\ntw");
    assert_eq!(log.news(1), "one\n\"INFO\"\n");
    say(1, "one\n\"INFO\"\ntwo\nthr");
    say(2, "four\n");
    assert_eq!(log.news(3), "two\nthr\nfour\n\n");
    assert_eq!(log.news(3), "");
    assert_eq!(log.troubles(3), "one\ntwo\nthr\nfour");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "what was read is gone");
}
