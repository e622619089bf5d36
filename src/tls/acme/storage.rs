//! The files in the data directory: the account, the certificate with its key, and the attempts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    config::{Acme, PairFiles},
    domain::time::UnixMillis,
    files::{denied, private},
    tls::pair::Pair,
};

/// The folder in the data directory.
const FOLDER: &str = "acme";
const ACCOUNT: &str = "account.json";

/// The folder for one ACME directory, so that a staging certificate is not taken for that of production.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    dir: PathBuf,
    directory: String,
    /// The attempts for the name.
    attempts: PathBuf,
    /// The certificate and its key, in one file, so that they always match.
    pair: PathBuf,
}

/// The failures since the last success, and the last attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Attempts {
    pub(super) failures: u32,
    #[serde(rename = "tried_at")]
    pub(super) last_at: Option<UnixMillis>,
    /// Why the last one failed.
    pub(super) why: Option<String>,
}

/// The stored account at one ACME directory. It contains a key.
#[derive(Serialize, Deserialize)]
struct StoredAccount<C> {
    directory: String,
    credentials: C,
}

impl Storage {
    /// The folder, whether or not it exists.
    pub(super) fn of(data_dir: &Path, acme: &Acme) -> Self {
        let dir = data_dir.join(FOLDER).join(folder_of(&acme.directory.to_string()));
        let of_host = |end: &str| dir.join(format!("{}.{end}", acme.host));
        Self { pair: of_host("pem"), attempts: of_host("tries.json"), dir, directory: acme.directory.to_string() }
    }

    /// Opens the folder, and creates it if needed.
    ///
    /// # Errors
    /// If it cannot be created; the sentence says why.
    pub(super) fn open(data_dir: &Path, acme: &Acme) -> Result<Self, String> {
        let this = Self::of(data_dir, acme);
        private::folder(&this.dir).map_err(|error| format!("{} cannot be created: {error}", this.dir.display()))?;
        Ok(this)
    }

    /// Loads the certificate, if there is one.
    ///
    /// # Errors
    /// If it cannot be read; the sentence says what to do.
    pub(super) fn pair(&self) -> Result<Option<Pair>, String> {
        match fs::metadata(&self.pair) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(denied::unread(&self.pair, &error)),
            Ok(_) => {}
        }
        let files = PairFiles { certificate: self.pair.clone(), key: self.pair.clone() };
        Pair::read(&files)
            .map(Some)
            .map_err(|why| format!("{why}. The file is telekommo's own: remove it to get another"))
    }

    /// Saves a certificate with its key. One that cannot be used does not replace the previous one.
    ///
    /// # Errors
    /// If they do not belong together, or the disk fails.
    pub(super) fn save_pair(&self, text: &str) -> Result<Pair, String> {
        let pair = Pair::from_pem(text.as_bytes());
        let pair = pair.map_err(|why| format!("the certificate from the authority cannot be used: {why}"))?;
        save(&self.pair, text.as_bytes())?;
        Ok(pair)
    }

    /// Loads the account, if there is one for this directory.
    ///
    /// # Errors
    /// If there is one that cannot be read: a new one would replace it.
    pub(super) fn account<C: for<'de> Deserialize<'de>>(&self) -> Result<Option<C>, String> {
        let path = self.dir.join(ACCOUNT);
        let text = match fs::read(&path).map(Zeroizing::new) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(denied::unread(&path, &error)),
        };
        // The text contains a key, so the parser's error is dropped.
        let stored: StoredAccount<C> = serde_json::from_slice(&text)
            .map_err(|_| format!("{} is not an account: remove it to get another", path.display()))?;
        Ok((stored.directory == self.directory).then_some(stored.credentials))
    }

    /// Removes the account, which the authority does not know.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn forget_account(&self) -> Result<(), String> {
        let path = self.dir.join(ACCOUNT);
        fs::remove_file(&path).map_err(|error| format!("{} cannot be removed: {error}", path.display()))
    }

    /// Saves the account.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn save_account<C: Serialize>(&self, credentials: &C) -> Result<(), String> {
        let account = StoredAccount { directory: self.directory.clone(), credentials };
        let text = serde_json::to_vec(&account).map(Zeroizing::new).map_err(|error| error.to_string())?;
        save(&self.dir.join(ACCOUNT), &text)
    }

    /// Loads the attempts; none if they cannot be read.
    pub(super) fn attempts(&self) -> Attempts {
        fs::read(&self.attempts).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Saves the attempts.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn save_attempts(&self, attempts: &Attempts) -> Result<(), String> {
        let text = serde_json::to_vec(attempts).map_err(|error| error.to_string())?;
        save(&self.attempts, &text)
    }
}

/// The name of the folder for an ACME directory.
fn folder_of(directory: &str) -> String {
    let address = directory.split_once("://").map_or(directory, |(_, address)| address);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    let name: String = address.chars().map(|char| if plain(char) { char } else { '_' }).collect();
    name.trim_matches(['.', '_']).to_owned()
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), String> {
    private::replace(path, bytes).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
