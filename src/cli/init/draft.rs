//! The configuration that is being made: a file whose other lines and comments stay as they are.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown, lchown},
    path::{Path, PathBuf},
};

use anyhow::Context;
use rustix::process::geteuid;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::{
    config::{Config, Environment},
    domain::address::SourceId,
    files::{people, text},
};

/// Only who writes it, and the service, may read it.
const MODE: u32 = 0o600;
/// The folder of a new configuration: its files are closed by themselves.
const FOLDER_MODE: u32 = 0o755;
/// The folder of the service's configuration. What an administrator writes there later belongs to its group, so that
/// the service can read it, and nobody else gets in.
const SHARED_MODE: u32 = 0o2750;
/// What stands in place of what is not answered yet, so that the rest can be tried.
const NOWHERE: &str = "https://telekommo.invalid";
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
const NO_SECRET: &str = "0000000000000000000000000000000000000000";
/// The bot that there is until one is answered.
const NO_BOT: (&str, &str) = ("none", "1:none");
/// How a new configuration begins.
const HEAD: &str = "# telekommo: configuration, made by `telekommo init`. `telekommo help configure` explains what is \
                    common to all\n# keys, and config.toml.example has all of them.\n";

/// A configuration and its file.
pub(super) struct Draft {
    path: PathBuf,
    document: DocumentMut,
}

impl Draft {
    /// Reads the file at `path`, or begins a new one.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub(super) fn open(path: PathBuf) -> anyhow::Result<Self> {
        let shown = path.display();
        let written = match text::read(&path) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
            Err(error) => return Err(error).with_context(|| format!("{shown} cannot be read")),
        };
        // The error itself shows lines of the file, which may hold a secret.
        let document = written.parse::<DocumentMut>();
        let document = document.map_err(|error| anyhow::anyhow!("{shown}: {}", error.message()))?;
        Ok(Self { path, document })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the file, in which the secrets are.
    pub(super) fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// The text of a key, if it has one.
    pub(super) fn get(&self, section: &[&str], key: &str) -> Option<&str> {
        self.table(section)?.get(key)?.as_str()
    }

    /// Whether there is a secret, here or in a file of its own.
    pub(super) fn has_secret(&self, section: &[&str], key: &str) -> bool {
        self.get(section, key).is_some() || self.get(section, &format!("{key}_file")).is_some()
    }

    /// The names of the sections within one.
    pub(super) fn names(&self, section: &str) -> Vec<String> {
        let table = self.table(&[section]).into_iter();
        table
            .flat_map(|table| table.iter().filter(|(_, item)| item.is_table_like()).map(|(name, _)| name.to_owned()))
            .collect()
    }

    fn table(&self, section: &[&str]) -> Option<&dyn toml_edit::TableLike> {
        let mut table: &dyn toml_edit::TableLike = self.document.as_table();
        for part in section {
            table = table.get(part)?.as_table_like()?;
        }
        Some(table)
    }

    /// Writes a key down.
    ///
    /// # Errors
    /// If the file cannot be written, or the key's section is none.
    pub(super) fn set(&mut self, section: &[&str], key: &str, text: &str) -> anyhow::Result<()> {
        put(&mut self.document, section, key, Some(text))?;
        self.save()
    }

    /// Writes a secret into a file of its own, `name`, beside the configuration.
    pub(super) fn set_secret(&mut self, section: &[&str], key: &str, name: &str, secret: &str) -> anyhow::Result<()> {
        self.make_folder()?;
        write(&self.folder().join(name), &format!("{secret}\n"))?;
        put(&mut self.document, section, key, None)?;
        self.set(section, &format!("{key}_file"), name)
    }

    fn make_folder(&self) -> anyhow::Result<()> {
        let folder = self.folder();
        if folder.is_dir() {
            return Ok(());
        }
        let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        let shared = made.and_then(|()| self.share_folder());
        shared.with_context(|| format!("the folder {} cannot be made: run this with sudo", folder.display()))
    }

    /// Whether the service reads this configuration.
    pub(super) fn is_of_service(&self) -> bool {
        self.folder() == Path::new(SERVICE_FOLDER)
    }

    /// Lets the service read what an administrator will write beside its configuration, if it has a user by now. A
    /// folder that has a group of its own stays as it is.
    ///
    /// # Errors
    /// If the folder cannot be changed.
    pub(super) fn share_folder(&self) -> io::Result<()> {
        match people::ids_of(SERVICE) {
            Some((_, group)) if self.is_of_service() && geteuid().is_root() => share(self.folder(), group),
            Some(_) | None => Ok(()),
        }
    }

    fn save(&self) -> anyhow::Result<()> {
        self.make_folder()?;
        write(&self.path, &self.document.to_string())
    }

    /// The configuration as far as it is answered; what is missing means nobody and nothing.
    ///
    /// # Errors
    /// If what is there is wrong.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let mut document = self.document.clone();
        let has = |section: &[&str], key: &str| self.has_secret(section, key);
        let knows_account = has(&["kommo"], "account_url") && has(&["kommo"], "access_token");
        let missing = [
            ("server", "public_url", NOWHERE, has(&["server"], "public_url")),
            ("kommo", "channel_id", NOTHING, has(&["kommo"], "channel_id")),
            ("kommo", "channel_secret", NO_SECRET, has(&["kommo"], "channel_secret")),
            ("kommo", "account_id", NOTHING, has(&["kommo"], "account_id") || knows_account),
        ];
        for (section, key, text, _) in missing.iter().filter(|(_, _, _, is_there)| !is_there) {
            put(&mut document, &[section], key, Some(text))?;
        }
        if self.names("sources").is_empty() {
            put(&mut document, &["sources", NO_BOT.0], "token", Some(NO_BOT.1))?;
            put(&mut document, &["sources", NO_BOT.0], "name", Some(NO_BOT.0))?;
        }
        self.make_folder()?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let tried = self.folder().join(format!(".{name}.tried"));
        write(&tried, &document.to_string())?;
        let config = Config::load(Some(&tried), &Environment::of_process());
        fs::remove_file(&tried).ok();
        let shown = |path: &Path| path.display().to_string();
        config.map_err(|error| anyhow::anyhow!(error.to_string().replace(&shown(&tried), &shown(&self.path))))
    }

    /// The sources that are there.
    pub(super) fn sources(&self) -> Vec<SourceId> {
        self.names("sources").iter().filter_map(|name| SourceId::parse(name).ok()).collect()
    }
}

fn put(document: &mut DocumentMut, section: &[&str], key: &str, text: Option<&str>) -> anyhow::Result<()> {
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for (at, part) in section.iter().enumerate() {
        let is_last = at + 1 == section.len();
        let fresh = || {
            let mut fresh = Table::new();
            fresh.set_implicit(!is_last);
            Item::Table(fresh)
        };
        let item = table.entry(part).or_insert_with(fresh);
        table = item.as_table_like_mut().with_context(|| format!("{part} is no section"))?;
    }
    match text {
        Some(text) => drop(table.insert(key, value(text))),
        None => drop(table.remove(key)),
    }
    Ok(())
}

/// Writes a whole file anew. It is closed to others, and the service can read it.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let written = || {
        fs::remove_file(&part).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        give_to_service(&part)?;
        fs::rename(&part, path)
    };
    written().with_context(|| format!("{shown} cannot be written"))
}

/// Gives what root has written to the user of the service, if there is one.
pub(super) fn give_to_service(path: &Path) -> io::Result<()> {
    match people::ids_of(SERVICE) {
        Some((uid, gid)) if geteuid().is_root() => lchown(path, Some(uid), Some(gid)),
        Some(_) | None => Ok(()),
    }
}

/// Gives a folder of root's group to another one, and so what is put there later.
fn share(folder: &Path, group: u32) -> io::Result<()> {
    if fs::metadata(folder)?.gid() == 0 {
        chown(folder, None, Some(group))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(SHARED_MODE))?;
    }
    Ok(())
}

/// The user that the service runs as, and the folder of its configuration.
pub(super) const SERVICE: &str = "telekommo";
pub(super) const SERVICE_FOLDER: &str = "/etc/telekommo";

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> (tempfile::TempDir, Draft) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        (folder, Draft::open(path).unwrap())
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let mine = "# mine\ndata_dir = \"d\" # here\n\n[kommo] # Kommo\n#timeout = \"1s\"\nchannel_secret = \"x\"\n";
        let (_folder, mut draft) = draft(mine);
        draft.set(&["kommo"], "channel_id", "c").unwrap();
        draft.set_secret(&["kommo"], "channel_secret", "channel-secret", "s").unwrap();
        draft.set(&["sources", "sales"], "name", "Sales").unwrap();
        let written = fs::read_to_string(draft.path()).unwrap();
        let want = "# mine\ndata_dir = \"d\" # here\n\n[kommo] # Kommo\nchannel_id = \"c\"\nchannel_secret_file = \
                    \"channel-secret\"\n\n[sources.sales]\nname = \"Sales\"\n";
        assert_eq!(written.replace("#timeout = \"1s\"\n", ""), want);
        for file in ["config.toml", "channel-secret"] {
            let mode = fs::metadata(draft.folder().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, MODE, "{file}");
        }
        let again = Draft::open(draft.path().to_owned()).unwrap();
        assert_eq!(again.get(&["kommo"], "channel_id"), Some("c"));
        assert!(again.has_secret(&["kommo"], "channel_secret") && again.names("sources") == ["sales"]);
    }

    #[test]
    fn what_is_put_beside_the_configuration_later_belongs_to_the_group_of_the_service() {
        if !geteuid().is_root() {
            // Only root can give a folder away.
            return;
        }
        let (folder, _draft) = draft("");
        let service = 61_234;
        share(folder.path(), service).unwrap();
        let shared = fs::metadata(folder.path()).unwrap();
        assert_eq!((shared.gid(), shared.permissions().mode() & 0o7777), (service, SHARED_MODE));
        let later = folder.path().join("token-support");
        fs::write(&later, "7:abc").unwrap();
        assert_eq!(fs::metadata(&later).unwrap().gid(), service);
        share(folder.path(), service + 1).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().gid(), service, "another group was chosen");
    }

    #[test]
    fn keys_with_dots_are_the_same_keys() {
        let (_folder, mut draft) = draft("kommo.chats_url = \"https://a\"\n[sources.sales]\nname = \"S\"\n");
        draft.set(&["kommo"], "channel_id", "c").unwrap();
        let written: toml::Table = fs::read_to_string(draft.path()).unwrap().parse().unwrap();
        assert_eq!(written["kommo"]["channel_id"].as_str(), Some("c"));
        assert_eq!(written["kommo"]["chats_url"].as_str(), Some("https://a"));
    }

    #[test]
    fn what_is_not_answered_yet_keeps_nothing_from_being_tried() {
        let (_folder, mut draft) = draft(HEAD);
        assert_eq!(draft.config().unwrap().sources.len(), 1);
        draft.set_secret(&["sources", "sales"], "token", "token-sales", "7:abc").unwrap();
        draft.set(&["sources", "sales"], "name", "Sales").unwrap();
        assert!(draft.config().unwrap().sources.contains_key(&SourceId::parse("sales").unwrap()));
        draft.set(&["kommo"], "timeout", "soon").unwrap();
        let error = draft.config().unwrap_err().to_string();
        assert!(error.contains("config.toml: kommo.timeout") && !error.contains("tried"), "{error}");
        assert_eq!(fs::read_dir(draft.folder()).unwrap().count(), 2, "nothing else is left there");
    }
}
