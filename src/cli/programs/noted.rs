//! The webhook that a bot had before telekommo took it over: a file in the data directory, until it is put back. Its
//! address may hold a secret, so nobody else may read it.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    domain::address::BotId,
    store::{
        data_dir::{chown_like, create_private},
        durable::sync_folder,
    },
    telegram::webhook::WebhookInfo,
};

/// Where the webhook of a bot is noted.
pub(super) fn path(dir: &Path, bot: BotId) -> PathBuf {
    dir.join(format!("webhook-{bot}.json"))
}

/// What is noted of a bot, if something is.
pub(super) fn read(dir: &Path, bot: BotId) -> anyhow::Result<Option<WebhookInfo>> {
    let path = path(dir, bot);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.with_context(|| path.display().to_string())?,
    };
    let noted = serde_json::from_slice(&bytes);
    noted.map(Some).with_context(|| format!("{} is not what telekommo has written", path.display()))
}

/// Notes a webhook. When this returns, it is on the disk.
pub(super) fn write(dir: &Path, bot: BotId, webhook: &WebhookInfo) -> anyhow::Result<()> {
    let path = path(dir, bot);
    put(dir, &path, &serde_json::to_vec(webhook)?).with_context(|| path.display().to_string())
}

fn put(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = create_private(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    chown_like(dir, &unfinished)?;
    fs::rename(&unfinished, path)?;
    sync_folder(dir)
}

/// The webhook is put back.
pub(super) fn remove(dir: &Path, bot: BotId) -> anyhow::Result<()> {
    let path = path(dir, bot);
    fs::remove_file(&path).and_then(|()| sync_folder(dir)).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_webhook_is_noted_for_us_alone_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, bot) = (folder.path(), BotId(7));
        assert_eq!(read(dir, bot).unwrap(), None);
        for url in ["https://one.example.com/a-long-secret", "https://two.example.com/"] {
            let webhook = WebhookInfo { url: url.to_owned(), max_connections: Some(40), ..WebhookInfo::default() };
            write(dir, bot, &webhook).unwrap();
            assert_eq!(read(dir, bot).unwrap(), Some(webhook));
        }
        let mode = fs::metadata(path(dir, bot)).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, fs::read_dir(dir).unwrap().count()), (0o600, 1));
        fs::write(path(dir, bot), "{").unwrap();
        assert!(read(dir, bot).unwrap_err().to_string().contains("is not what telekommo has written"));
        remove(dir, bot).unwrap();
        assert_eq!(read(dir, bot).unwrap(), None);
    }
}
