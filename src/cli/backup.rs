//! `telekommo backup`: all that another machine needs to go on, but the secrets, in one file of JSON lines.
//!
//! First what the file is, then the configuration, then imported files in pieces, and at the end a dump of the store as
//! it is. Whoever has the store writes the dump, beside everything else that goes on.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write},
    path::{Path, PathBuf},
    process,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    cli::{bar::Bar, bridge, terminal},
    clock,
    config::Config,
    domain::{amount::counted, time::UnixMillis},
    media::imported,
    store::{data_dir, durable, free_bytes},
};

mod unpack;

pub use unpack::{Unpacked, unpack};

/// What stands in the first line.
const FORMAT: &str = "telekommo-backup";
/// How much of a file stands in a line, in bytes.
const PIECE_BYTES: u64 = 48 * 1024;
/// How long the first line is at most, in bytes.
const HEAD_BYTES: u64 = 1024;
/// How often the store is dumped at most.
const DUMPED_AT_MOST: u32 = 3;
/// What the bar counts, in bytes.
const STEP_BYTES: u64 = 1 << 20;

/// A line before the dump.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// The first.
    Head { format: String, version: String, at: UnixMillis },
    /// The configuration, without secrets.
    Config { config: String },
    /// A piece of an imported file, behind the one before: where it is in the folder of imports, and bytes.
    File { file: String, piece: String },
}

/// Backs up the bridge of a configuration, and says what is in the backup.
///
/// # Errors
/// If whoever has the store cannot write a dump, or the file cannot be written; one that is there stays as it is.
pub async fn run(config: &Config, file: &Path) -> anyhow::Result<()> {
    let target = Target::new(file)?;
    if terminal::is_interactive() {
        terminal::note("The store is dumped first. A large one takes a while.");
    }
    let missing = "this bridge makes no backups: it is of an older version, so restart it";
    let rows = dumped(config, missing).await?;
    let imports = imported::dir(&config.data_dir);
    let files = files_below(&imports).with_context(|| format!("looking through {}", imports.display()))?;
    let needed = needed_bytes(&rows, &files).with_context(|| format!("looking through {}", imports.display()))?;
    leave_room(config, target.folder(), needed)?;
    let bytes =
        target.fill(config, rows, &files, needed).with_context(|| format!("{} is not written", file.display()))?;
    let (size, files) = (size(bytes), counted(files.len(), "imported file"));
    terminal::say(&format!(
        "{} has {size}: the store, {files} and the configuration. Secrets are not in it: keep their files apart.\n",
        file.display(),
    ));
    Ok(())
}

/// A new dump of the store. A scheduled one may take its place before it is opened, where only one is kept.
async fn dumped(config: &Config, missing: &str) -> anyhow::Result<File> {
    let mut tries = DUMPED_AT_MOST;
    loop {
        let dump = bridge::with(config, async |bridge| bridge.change("/dump", missing).await).await?;
        let dump = PathBuf::from(String::from_utf8_lossy(&dump).into_owned());
        tries -= 1;
        match File::open(&dump) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries > 0 => {}
            opened => return opened.with_context(|| format!("reading {}", dump.display())),
        }
    }
}

/// A size for people.
fn size(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} KB", bytes.div_ceil(1 << 10)) } else { format!("{} MB", bytes >> 20) }
}

/// A file that is written beside first, so that an older backup stays until this one is whole.
struct Target<'a> {
    file: &'a Path,
    unfinished: PathBuf,
    made: File,
    is_whole: bool,
}

impl<'a> Target<'a> {
    /// Begins a file. Only an older backup may be replaced by it.
    fn new(file: &'a Path) -> anyhow::Result<Self> {
        let is_free = matches!(fs::symlink_metadata(file), Err(error) if error.kind() == io::ErrorKind::NotFound);
        let shown = file.display();
        anyhow::ensure!(is_free || is_one(file), "{shown} is there already, and is no backup: name another file");
        let mut unfinished = file.as_os_str().to_owned();
        // Two at once must not write into the same file.
        unfinished.push(format!(".unfinished-{}", process::id()));
        let unfinished = PathBuf::from(unfinished);
        let made = data_dir::create_private(&unfinished).with_context(|| format!("{shown} cannot be written"))?;
        Ok(Self { file, unfinished, made, is_whole: false })
    }

    fn folder(&self) -> &'a Path {
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// Writes everything, and returns how many bytes that is.
    fn fill(mut self, config: &Config, rows: File, imported: &[(String, PathBuf)], bytes: u64) -> io::Result<u64> {
        pack(&self.made, config, rows, imported, bytes)?;
        self.made.sync_all()?;
        fs::rename(&self.unfinished, self.file)?;
        self.is_whole = true;
        durable::sync_folder(self.folder())?;
        Ok(self.made.metadata()?.len())
    }
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            // Why it failed is told; half a backup is of no use.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// How large a backup will be, about.
fn needed_bytes(rows: &File, imported: &[(String, PathBuf)]) -> io::Result<u64> {
    let mut bytes = rows.metadata()?.len();
    for (_, path) in imported {
        // In Base64, three bytes become four.
        bytes += fs::metadata(path)?.len() / 3 * 4;
    }
    Ok(bytes)
}

/// Refuses a backup that would leave the bridge without room, in case it is on the same disk.
fn leave_room(config: &Config, folder: &Path, needed: u64) -> anyhow::Result<()> {
    let Ok(free) = free_bytes(folder) else { return Ok(()) };
    anyhow::ensure!(
        free >= needed.saturating_add(config.store.reserve_bytes),
        "the backup needs {} in {}, where {} are free and {} stay free (store.reserve_mb): free some space, or name \
         another disk",
        size(needed),
        folder.display(),
        size(free),
        size(config.store.reserve_bytes)
    );
    Ok(())
}

fn pack(to: &File, config: &Config, rows: File, imported: &[(String, PathBuf)], bytes: u64) -> io::Result<()> {
    let mut out = Shown::new(BufWriter::new(to), bytes);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    line(&mut out, &Line::Head { format: FORMAT.to_owned(), version, at: clock::now() })?;
    line(&mut out, &Line::Config { config: config.written.text() })?;
    for (name, path) in imported {
        let (mut file, mut is_first) = (File::open(path)?, true);
        loop {
            let mut piece = Vec::new();
            let read = (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
            if read == 0 && !is_first {
                break;
            }
            line(&mut out, &Line::File { file: name.clone(), piece: STANDARD.encode(&piece) })?;
            is_first = false;
        }
    }
    io::copy(&mut BufReader::new(rows), &mut out)?;
    out.flush()?;
    out.bar.end();
    Ok(())
}

fn line(out: &mut impl Write, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Shows how much has been written.
struct Shown<W> {
    out: W,
    bar: Bar,
    /// What the bar has not counted yet, in bytes.
    uncounted: u64,
}

impl<W> Shown<W> {
    fn new(out: W, bytes: u64) -> Self {
        Self { out, bar: Bar::new(usize::try_from(bytes / STEP_BYTES).unwrap_or(usize::MAX)), uncounted: 0 }
    }
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.uncounted += u64::try_from(written).unwrap_or(u64::MAX);
        while self.uncounted >= STEP_BYTES {
            self.uncounted -= STEP_BYTES;
            self.bar.step();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The files below a folder by their names there, in order; none if there is no folder. Links are left out, and so is
/// what an import has not finished.
fn files_below(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && path.extension().is_none_or(|ending| ending != "part")
                && let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str)
            {
                found.push((name.to_owned(), path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file begins as a backup does.
#[must_use]
pub fn is_one(file: &Path) -> bool {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(file).is_ok_and(|there| there.is_file()) {
        return false;
    }
    let Ok(opened) = File::open(file) else { return false };
    let mut first = String::new();
    // A file that is something else may have no end of a line.
    let read = BufReader::new(opened.take(HEAD_BYTES)).read_line(&mut first);
    read.is_ok() && matches!(serde_json::from_str(&first), Ok(Line::Head { format, .. }) if format == FORMAT)
}
