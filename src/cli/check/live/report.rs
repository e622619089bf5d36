//! The report that can be sent away: no secrets, no names, no ids.

use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::{
    cli::check::live::outcome::{Answered, ProbeOutcome},
    clock,
    config::Config,
    store::data_dir,
};

/// The file in the data directory. The next one takes its place.
const FILE: &str = "live.json";
/// Whose servers may be named: everybody has them.
const PUBLIC: [&str; 3] = ["kommo.com", "amocrm.ru", "amocrm.com"];

/// What became of the test messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cleaned {
    /// How many Kommo has.
    pub(super) messages: usize,
    /// How many of them were shortened to a note that they were a test.
    pub(super) shortened: usize,
}

impl fmt::Display for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, shortened } = self;
        write!(
            f,
            "{messages} test messages stay in the conversation, because Kommo has no way to delete them; {shortened} \
             were shortened to a note that they were a test."
        )
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    version: &'static str,
    at: String,
    /// The host of the Chats API, if it is one of everybody's.
    chats_api: &'a str,
    ok: bool,
    questions: &'a [ProbeOutcome],
    cleaned: &'a Cleaned,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Path>,
}

/// All of it, for programs. The names do not change.
///
/// # Errors
/// If the path of the file is no text.
pub(super) fn json(
    config: &Config,
    questions: &[ProbeOutcome],
    cleaned: &Cleaned,
    report: Option<&Path>,
) -> anyhow::Result<String> {
    let at: DateTime<Utc> = DateTime::from_timestamp(clock::now().seconds(), 0).unwrap_or_default();
    let ok = questions.iter().all(|outcome| outcome.state != Answered::Open);
    Ok(serde_json::to_string_pretty(&Whole {
        version: env!("CARGO_PKG_VERSION"),
        at: at.to_rfc3339_opts(SecondsFormat::Secs, true),
        chats_api: host(config),
        ok,
        questions,
        cleaned,
        report,
    })?)
}

fn host(config: &Config) -> &str {
    let host = config.kommo.chats_url.url().host_str().unwrap_or_default();
    let is_public = PUBLIC.iter().any(|of| host.strip_suffix(of).is_some_and(|before| before.ends_with('.')));
    if is_public { host } else { "another" }
}

/// Writes it into a file that nobody else may read, and says where that is.
pub(super) fn write(config: &Config, questions: &[ProbeOutcome], cleaned: &Cleaned) -> anyhow::Result<PathBuf> {
    let file = config.data_dir.join(FILE);
    let text = json(config, questions, cleaned, None)? + "\n";
    put(&config.data_dir, &file, &text)
        .with_context(|| format!("the report cannot be written to {}", file.display()))?;
    Ok(file)
}

fn put(dir: &Path, file: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // A new file follows no link that somebody has put in its place.
    let mut to = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    to.write_all(text.as_bytes())?;
    data_dir::chown_like(dir, file)
}
