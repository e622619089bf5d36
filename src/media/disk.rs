//! Files that the operator's own Bot API server has stored on the disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use axum::{
    body::Body,
    http::{HeaderValue, Response},
};
use tokio::fs::File;

use crate::media::{exact_length::LengthMismatch, imported};

/// The directory in which a Bot API server with `--local` keeps files. Nothing outside of it is ever read.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Canonical.
    directory: PathBuf,
}

/// Why a file cannot be read. No text of it contains the path, because that contains the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// It does not exist.
    #[error("the Bot API server has no such file any more")]
    Gone,
    /// The server's path is not in its directory, or is no absolute path.
    #[error(
        "the Bot API server's file is not in `telegram.local_dir`: let that be the server's directory, and run the \
         server with --local"
    )]
    Outside,
    #[error("the Bot API server's file cannot be read: let telekommo's user read what is in `telegram.local_dir`")]
    Unreadable,
    /// Its size differs from the one that the server has declared.
    #[error("the Bot API server's file has another size than the server has declared: is its disk full?")]
    OtherSize,
}

impl From<io::Error> for DiskError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Gone } else { Self::Unreadable }
    }
}

impl Disk {
    /// The files in `directory`.
    ///
    /// # Errors
    /// If it is no directory, or cannot be read.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::read_dir(directory)?;
        Ok(Self { directory: fs::canonicalize(directory)? })
    }

    /// Opens a file by the server's path. A path that leads out of the directory, by dots or by a link, is refused.
    async fn file(&self, path: &str) -> Result<(File, u64), DiskError> {
        if !Path::new(path).is_absolute() {
            return Err(DiskError::Outside);
        }
        let path = tokio::fs::canonicalize(path).await?;
        if !path.starts_with(&self.directory) {
            return Err(DiskError::Outside);
        }
        // Opening anything else, such as a pipe, could block forever.
        if !tokio::fs::metadata(&path).await?.is_file() {
            return Err(DiskError::Unreadable);
        }
        let file = File::open(&path).await?;
        let length = file.metadata().await?.len();
        Ok((file, length))
    }

    /// A response with the file at `path`, or a `range` of it; without a body if it `is_head`. Calls `on_end` with the
    /// result of reading it.
    pub(super) async fn serve(
        &self,
        (path, expected_bytes): (&str, Option<u64>),
        range: Option<&HeaderValue>,
        is_head: bool,
        on_end: impl FnOnce(Result<(), LengthMismatch>) + Send + 'static,
    ) -> Result<Response<Body>, DiskError> {
        let (file, length) = self.file(path).await?;
        if expected_bytes.is_some_and(|expected| expected != length) {
            return Err(DiskError::OtherSize);
        }
        Ok(imported::answer((file, length), range, is_head, on_end).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    async fn outcome(disk: &Disk, path: &Path) -> Result<u64, DiskError> {
        disk.file(path.to_str().unwrap()).await.map(|(_, length)| length)
    }

    #[tokio::test]
    async fn only_files_of_the_directory_are_read() {
        let home = tempfile::tempdir().unwrap();
        let inside = home.path().join("server");
        fs::create_dir_all(inside.join("token/documents")).unwrap();
        fs::create_dir_all(home.path().join("server-2")).unwrap();
        let (file, secret) = (inside.join("token/documents/a.pdf"), home.path().join("secret"));
        fs::write(&file, "12345").unwrap();
        fs::write(&secret, "secret").unwrap();
        fs::write(home.path().join("server-2/a"), "secret").unwrap();
        symlink(&secret, inside.join("link")).unwrap();
        symlink(home.path(), inside.join("way-out")).unwrap();
        // The directory itself may be a link.
        let alias = home.path().join("alias");
        symlink(&inside, &alias).unwrap();
        let disk = Disk::open(&alias).unwrap();
        for (path, want) in [
            (file, Ok(5)),
            (alias.join("token/documents/a.pdf"), Ok(5)),
            (inside.join("token/../token/documents/a.pdf"), Ok(5)),
            (inside.join("token/b.pdf"), Err(DiskError::Gone)),
            (secret, Err(DiskError::Outside)),
            (inside.join("../secret"), Err(DiskError::Outside)),
            (inside.join("link"), Err(DiskError::Outside)),
            (inside.join("way-out/secret"), Err(DiskError::Outside)),
            (home.path().join("server-2/a"), Err(DiskError::Outside)),
            (PathBuf::from("documents/a.pdf"), Err(DiskError::Outside)),
            (inside.join("token"), Err(DiskError::Unreadable)),
        ] {
            assert_eq!(outcome(&disk, &path).await, want, "{}", path.display());
        }
    }

    #[test]
    fn a_directory_has_to_exist() {
        let home = tempfile::tempdir().unwrap();
        assert!(Disk::open(&home.path().join("nothing")).is_err());
        fs::write(home.path().join("file"), "").unwrap();
        assert!(Disk::open(&home.path().join("file")).is_err());
    }
}
