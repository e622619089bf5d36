//! Tests of whole files: their values, or their error messages.

mod alerts;
mod changed;
mod errors;
mod example;
mod hidden_secrets;
mod merged;
mod mistake;
mod secret_files;
mod tls;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::TempDir;

use super::{keys::KEYS, *};

/// The least that a file must say.
const LEAST: &str = r#"
[server]
public_url = "https://bridge.example.com"

[kommo]
channel_id = "344a5002-f8ca-454d-af3d-396180102ac7"
channel_secret = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e"
account_id = "52e591f7-c98f-4255-8495-827210138c81"

[sources.sales]
token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
name = "Sales bot"
"#;

const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
const SECRET: &str = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e";

/// [`LEAST`] with one line replaced.
fn least_with(line: &str, replacement: &str) -> String {
    assert!(LEAST.contains(line), "{line}");
    LEAST.replace(line, replacement)
}

/// A folder with a `config.toml` in it.
struct Folder(TempDir);

impl Folder {
    fn new(config: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        // As /etc is: others get as far as the files.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        folder.write("config.toml", config, 0o644);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>, mode: u32) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(Some(&self.path().join("config.toml")), &variables.iter().copied().collect())
    }

    /// The warnings, with names of files as seen from the folder.
    fn warnings(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let config = self.load(variables).unwrap_or_else(|error| panic!("{error}"));
        let short = |text: String| text.replace(&format!("{}/", self.path().display()), "");
        config.warnings.into_iter().map(short).collect()
    }

    /// The message, with names of files as seen from the folder.
    fn message(&self, variables: &[(&str, &str)]) -> String {
        let error = self.load(variables).expect_err("a configuration with a mistake");
        error.to_string().replace(&format!("{}/", self.path().display()), "")
    }
}

fn load(config: &str, variables: &[(&str, &str)]) -> Config {
    Folder::new(config).load(variables).unwrap_or_else(|error| panic!("{error}"))
}
