//! The systemd service: where it keeps its data, its unit, and who can read the secrets.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context;
use rustix::process::geteuid;

use crate::{
    cli::init::{
        draft::{Draft, SERVICE, give_to_service},
        prompt::Prompt,
    },
    files::people,
};

const UNIT: &str = include_str!("../../../systemd/telekommo.service");
const USER: &str = include_str!("../../../systemd/telekommo.sysusers");
/// Where units are that an administrator and a package have put there.
const UNITS: [&str; 3] = [
    "/etc/systemd/system/telekommo.service",
    "/usr/lib/systemd/system/telekommo.service",
    "/lib/systemd/system/telekommo.service",
];
/// Where the user of the service is described.
const SYSUSERS: &str = "/etc/sysusers.d/telekommo.conf";
/// The folder of the service's data, which the unit names, too.
const DATA: &str = "/var/lib/telekommo";
/// What is to be done if the service has no user at the end.
const NO_USER: &str = "The user telekommo does not exist yet, so the service cannot read the configuration and the \
    secrets. Run sudo systemd-sysusers, and then sudo telekommo init again, which gives them to this user.";

/// Says where the data is, so that commands and the service use the same folder.
pub(super) fn folder(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<()> {
    if draft.get(&[], "data_dir").is_some() {
        return Ok(());
    }
    let of_service = draft.is_of_service().then(|| DATA.to_owned());
    match prompt.answers().and_then(|answers| answers.data_dir.clone()).or(of_service) {
        Some(folder) => draft.set(&[], "data_dir", &folder),
        None => Ok(()),
    }
}

/// Offers the unit, and says how the service is started.
pub(super) fn set_up(draft: &Draft, prompt: &Prompt) -> anyhow::Result<()> {
    prompt.begin("5. The service", "systemd starts telekommo with the machine, and again if it ends.");
    let unit = match prompt.answers() {
        Some(answers) => answers.unit.clone(),
        None => wanted(draft, prompt)?,
    };
    if let Some(unit) = unit {
        put(&unit, UNIT)?;
        prompt.note(&format!("{} is written.", unit.display()));
        if unit == Path::new(UNITS[0]) && people::ids_of(SERVICE).is_none() {
            put(Path::new(SYSUSERS), USER)?;
            prompt.note(&format!("{SYSUSERS} is written, too: the service runs as the user {SERVICE}."));
            prompt
                .wait("In another terminal: sudo systemd-sysusers && sudo systemctl daemon-reload. Then press Enter")?;
        }
    }
    // The user may have come only now.
    draft.share_folder().with_context(|| format!("{} cannot be given to {SERVICE}", draft.folder().display()))?;
    for name in fs::read_dir(draft.folder())?.filter_map(|entry| Some(entry.ok()?.path())) {
        if is_ours(draft, &name) {
            give_to_service(&name).with_context(|| format!("{} cannot be given to {SERVICE}", name.display()))?;
        }
    }
    if draft.is_of_service() && people::ids_of(SERVICE).is_none() {
        prompt.note(NO_USER);
    }
    Ok(())
}

/// Where to write the unit, if it is wanted and can be.
fn wanted(draft: &Draft, prompt: &Prompt) -> anyhow::Result<Option<PathBuf>> {
    if !geteuid().is_root() || !draft.is_of_service() {
        prompt.note(
            "A service reads /etc/telekommo/config.toml, which only root can write. To run it as a service, run `sudo \
             telekommo init` in a folder without a config.toml.",
        );
        return Ok(None);
    }
    if let Some(there) = UNITS.iter().find(|unit| Path::new(unit).exists()) {
        prompt.note(&format!("The unit is there: {there}."));
        return Ok(None);
    }
    let wants = prompt.agrees(&format!("Write the unit to {}?", UNITS[0]), true, None)?;
    Ok(wants.then(|| PathBuf::from(UNITS[0])))
}

/// Writes a file, unless one is there: somebody may have changed it.
fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        match File::create_new(path) {
            Ok(mut file) => file.write_all(text.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    };
    written().with_context(|| format!("{} cannot be written", path.display()))
}

/// Whether it is a file that this command writes.
fn is_ours(draft: &Draft, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_secret = name.starts_with("token-") || ["channel-secret", "access-token"].contains(&name.as_ref());
    // What a link leads to is none of ours to give away.
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    is_file && (is_secret || path.file_name() == draft.path().file_name())
}
