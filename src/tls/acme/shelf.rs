//! What is kept in the data directory: the account, the certificate with its key, and the tries.

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

/// The folder of one directory, so that a certificate of a staging one is not taken for that of production.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    dir: PathBuf,
    directory: String,
    /// The tries for the name.
    tries: PathBuf,
    /// The certificate and its key, in one file, so that neither is ever without the other.
    pair: PathBuf,
}

/// How often it was tried since the last success, and when last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tries {
    pub(super) failures: u32,
    pub(super) tried_at: Option<UnixMillis>,
    /// Why the last one failed.
    pub(super) why: Option<String>,
}

/// The account at one directory, as it is kept. It holds a key.
#[derive(Serialize, Deserialize)]
struct Kept<C> {
    directory: String,
    credentials: C,
}

impl Shelf {
    /// The folder, whether it is there or not.
    pub(super) fn of(data_dir: &Path, acme: &Acme) -> Self {
        let dir = data_dir.join(FOLDER).join(folder_of(&acme.directory.to_string()));
        let of_host = |end: &str| dir.join(format!("{}.{end}", acme.host));
        Self { pair: of_host("pem"), tries: of_host("tries.json"), dir, directory: acme.directory.to_string() }
    }

    /// The folder, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made; the sentence says why.
    pub(super) fn open(data_dir: &Path, acme: &Acme) -> Result<Self, String> {
        let this = Self::of(data_dir, acme);
        private::folder(&this.dir).map_err(|error| format!("{} cannot be made: {error}", this.dir.display()))?;
        Ok(this)
    }

    /// The certificate, if there is one.
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
        Pair::read(&files).map(Some).map_err(|why| format!("{why}. It is telekommo's own: remove it to get another"))
    }

    /// Keeps a certificate with its key. One that is of no use does not take the place of the former one.
    ///
    /// # Errors
    /// If they do not belong together, or the disk fails.
    pub(super) fn keep_pair(&self, text: &str) -> Result<Pair, String> {
        let pair = Pair::from_pem(text.as_bytes());
        let pair = pair.map_err(|why| format!("the certificate that came cannot be used: {why}"))?;
        keep(&self.pair, text.as_bytes())?;
        Ok(pair)
    }

    /// The account, if there is one at this directory.
    ///
    /// # Errors
    /// If there is one that cannot be read: another one would take its place.
    pub(super) fn account<C: for<'de> Deserialize<'de>>(&self) -> Result<Option<C>, String> {
        let path = self.dir.join(ACCOUNT);
        let text = match fs::read(&path).map(Zeroizing::new) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(denied::unread(&path, &error)),
        };
        // The text holds a key, so the error of the parser stays here.
        let kept: Kept<C> = serde_json::from_slice(&text)
            .map_err(|_| format!("{} is no account: remove it to get another", path.display()))?;
        Ok((kept.directory == self.directory).then_some(kept.credentials))
    }

    /// Forgets the account: the authority does not know it.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn forget_account(&self) -> Result<(), String> {
        let path = self.dir.join(ACCOUNT);
        fs::remove_file(&path).map_err(|error| format!("{} cannot be removed: {error}", path.display()))
    }

    /// Keeps the account.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn keep_account<C: Serialize>(&self, credentials: &C) -> Result<(), String> {
        let kept = Kept { directory: self.directory.clone(), credentials };
        let text = serde_json::to_vec(&kept).map(Zeroizing::new).map_err(|error| error.to_string())?;
        keep(&self.dir.join(ACCOUNT), &text)
    }

    /// What was tried. What cannot be read counts as nothing.
    pub(super) fn tries(&self) -> Tries {
        fs::read(&self.tries).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Keeps what was tried.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn keep_tries(&self, tries: &Tries) -> Result<(), String> {
        let text = serde_json::to_vec(tries).map_err(|error| error.to_string())?;
        keep(&self.tries, &text)
    }
}

/// The name of the folder of the directory at this address.
fn folder_of(directory: &str) -> String {
    let address = directory.split_once("://").map_or(directory, |(_, address)| address);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    let name: String = address.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    name.trim_matches(['.', '_']).to_owned()
}

fn keep(path: &Path, bytes: &[u8]) -> Result<(), String> {
    private::replace(path, bytes).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
