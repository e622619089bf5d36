//! Who runs the server, and what changes with it.

use std::path::PathBuf;

use crate::sandbox::telegram::FakeTelegram;

/// Who runs the Bot API server (README of `tdlib/telegram-bot-api`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosting {
    /// Telegram, at `api.telegram.org`: 50 MB up, 20 MB down, files are served under `/file`.
    #[default]
    Cloud,
    /// The bot's owner, without `--local`: the limits of the cloud. The published server answers nothing but `/bot`:
    /// whoever runs it has to serve the files by other means.
    Own,
    /// The bot's owner, with `--local`: 2,000 MB up and no limit down. `getFile` gives an absolute path below this
    /// directory, and the file is there.
    Local(PathBuf),
}

impl Hosting {
    /// The most bytes that a request may upload.
    pub(super) const fn largest_upload(&self) -> usize {
        match self {
            Self::Cloud | Self::Own => 50 << 20,
            Self::Local(_) => 2000 << 20,
        }
    }

    /// The largest file that `getFile` gives (server source).
    pub(super) const fn largest_download(&self) -> usize {
        match self {
            Self::Cloud | Self::Own => 20 << 20,
            Self::Local(_) => usize::MAX,
        }
    }
}

impl FakeTelegram {
    /// Somebody else runs the server from now on. Starts as [`Hosting::Cloud`].
    pub fn host(&self, hosting: Hosting) {
        self.core.world.change(|world| world.hosting = hosting);
    }
}
