//! Takes a backup apart: the store from its dump, imported files that are not there, and the configuration to look at.

use std::{
    fmt,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Line;
use crate::{
    domain::amount::counted,
    media::imported,
    store::{RestoreSummary, Store, data_dir, durable},
};

/// Where the configuration is put. Nothing reads it there.
const CONFIG: &str = "config.from-backup.toml";
/// What an imported file is called until it is whole. No file that is served begins with a dot.
const UNFINISHED: &str = ".unfinished";

/// What has come out of a backup.
#[derive(Debug)]
pub struct Unpacked {
    pub(in crate::cli) summary: RestoreSummary,
    /// How many imported files were not there before.
    files: usize,
    config: PathBuf,
}

impl fmt::Display for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let added = if self.files == 1 { "was added" } else { "were added" };
        writeln!(f, "{} {added}", counted(self.files, "imported file"))?;
        write!(f, "the configuration is in {}: ", self.config.display())?;
        f.write_str("look at it, add the secrets, and put it in its place")
    }
}

/// Restores the store in the data directory `dir` from the backup `file`, and puts the rest beside it. The store comes
/// last: whatever fails before, the one that is there stays in its place.
///
/// # Errors
/// If the backup is not whole, the store is in use, or something cannot be written; then nothing has changed.
pub fn unpack(dir: &Path, file: &Path) -> anyhow::Result<Unpacked> {
    let nothing = || format!("nothing is restored from {}", file.display());
    let dump_at = checked(file).with_context(nothing)?;
    let (mut files, mut config) = (0, PathBuf::new());
    let summary = Store::restore_from(dir, (file, dump_at), || {
        (files, config) =
            rest(dir, file).context("what goes with the store cannot be written").with_context(nothing)?;
        anyhow::Ok(())
    })?;
    Ok(Unpacked { summary, files, config })
}

/// Sees that all before the dump can be read, and tells at which byte that begins.
fn checked(file: &Path) -> anyhow::Result<u64> {
    parts(file, |part| match part {
        Line::Head { .. } | Line::Config { .. } => Ok(()),
        Line::File { file, piece } => {
            place(Path::new(""), &file)?;
            STANDARD.decode(piece).context("a piece of a file is broken")?;
            Ok(())
        }
    })
}

/// Writes imported files that are missing, and the configuration. Returns how many files and where.
fn rest(dir: &Path, file: &Path) -> anyhow::Result<(usize, PathBuf)> {
    let (mut files, mut config) = (Missing::new(dir), String::new());
    parts(file, |part| match part {
        Line::Head { .. } => Ok(()),
        Line::Config { config: text } => {
            config = text;
            Ok(())
        }
        Line::File { file, piece } => files.add(&file, &piece),
    })?;
    files.finish()?;
    let at = dir.join(CONFIG);
    write_for(dir, &at)?.write_all(config.as_bytes())?;
    durable::sync_folder(dir)?;
    Ok((files.keep(), at))
}

/// Goes through the lines before the dump, and tells at which byte that begins.
fn parts(file: &Path, mut take: impl FnMut(Line) -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let (mut lines, mut line, mut at) = (BufReader::new(File::open(file)?), String::new(), 0);
    loop {
        line.clear();
        let read = lines.read_line(&mut line)?;
        ensure!(read > 0, "the backup ends before the store");
        match serde_json::from_str(&line) {
            Ok(part) => take(part)?,
            // The dump says itself whether it is one.
            Err(_) => return Ok(at),
        }
        at += u64::try_from(read)?;
    }
}

/// Imported files that are not there yet. Unless all are wanted in the end, none is left.
struct Missing<'a> {
    dir: &'a Path,
    imports: PathBuf,
    /// The one whose pieces come.
    current: Option<Current>,
    made: Vec<PathBuf>,
}

struct Current {
    name: String,
    /// What is written and what it becomes, unless that is there already.
    made: Option<(File, PathBuf, PathBuf)>,
}

impl<'a> Missing<'a> {
    fn new(dir: &'a Path) -> Self {
        Self { dir, imports: imported::dir(dir), current: None, made: Vec::new() }
    }

    fn add(&mut self, name: &str, piece: &str) -> anyhow::Result<()> {
        if self.current.as_ref().is_none_or(|current| current.name != name) {
            self.finish()?;
            let path = place(&self.imports, name)?;
            let made = if path.try_exists()? { None } else { Some(self.begin(path)?) };
            self.current = Some(Current { name: name.to_owned(), made });
        }
        if let Some(Current { made: Some((file, ..)), .. }) = &mut self.current {
            file.write_all(&STANDARD.decode(piece)?)?;
        }
        Ok(())
    }

    fn begin(&self, path: PathBuf) -> anyhow::Result<(File, PathBuf, PathBuf)> {
        let folder = path.parent().unwrap_or(&self.imports);
        data_dir::create_within(self.dir, folder)?;
        let unfinished = folder.join(UNFINISHED);
        Ok((write_for(self.dir, &unfinished)?, unfinished, path))
    }

    /// Ends the one whose pieces have come.
    fn finish(&mut self) -> io::Result<()> {
        if let Some(Current { made: Some((file, unfinished, path)), .. }) = self.current.take() {
            file.sync_all()?;
            fs::rename(unfinished, &path)?;
            path.parent().map_or(Ok(()), durable::sync_folder)?;
            self.made.push(path);
        }
        Ok(())
    }

    /// Leaves them where they are, and tells how many that is.
    fn keep(mut self) -> usize {
        std::mem::take(&mut self.made).len()
    }
}

impl Drop for Missing<'_> {
    fn drop(&mut self) {
        let unfinished = self.current.take().and_then(|current| current.made).map(|(_, unfinished, _)| unfinished);
        for file in unfinished.iter().chain(&self.made) {
            // What went wrong is told. What stays is served to nobody, or is what the next restore would write.
            let _ = fs::remove_file(file);
        }
    }
}

/// Where a file of a backup belongs. Somebody may have written one that leads elsewhere.
fn place(imports: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !is_plain {
        bail!("{name:?} is no name of an imported file");
    }
    Ok(imports.join(name))
}

/// A new file for whoever owns the data directory `dir`.
fn write_for(dir: &Path, path: &Path) -> io::Result<File> {
    let made = data_dir::create_private(path)?;
    data_dir::chown_like(dir, path)?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_leads_elsewhere() {
        for name in ["", "/etc/passwd", "../x", "a/../../x", "a/.."] {
            assert!(place(Path::new("imports"), name).is_err(), "{name}");
        }
        assert_eq!(place(Path::new("imports"), "a/b/c").unwrap(), Path::new("imports/a/b/c"));
    }
}
