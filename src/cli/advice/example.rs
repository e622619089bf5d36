//! Keys that still have the example's placeholders.

use crate::config::Config;

/// Placeholders of `config.toml.example`.
const CHANNEL_ID: &str = "344a5002-f8ca-454d-af3d-396180102ac7";
const CHANNEL_SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
const ORIGIN_CODE: &str = "amo.ext.12345";
const ACCOUNT_ID: &str = "52e591f7-c98f-4255-8495-827210138c81";
const BOT_ID: &str = "76fc2bea-902f-425c-9a3d-dcdac4766090";
const ACCOUNT_HOST: &str = "example.kommo.com";
const ACCESS_TOKEN: &str = "a-long-lived-token";
const TOKEN: &str = "123456:ABC-replace-me";

/// One sentence about all placeholders that are left; `None` if there are none.
pub(super) fn left(config: &Config) -> Option<String> {
    let keys = keys(config);
    let (are, ones) = if keys.len() == 1 { ("is", "that") } else { ("are", "those") };
    (!keys.is_empty()).then(|| format!("{} {are} {ones} of config.toml.example: set your own", keys.join(", ")))
}

fn keys(config: &Config) -> Vec<String> {
    let kommo = &config.kommo;
    let account_host = kommo.account_url.as_ref().and_then(|url| url.url().host_str());
    let fixed = [
        ("kommo.channel_id", kommo.channel_id.to_string() == CHANNEL_ID),
        ("kommo.channel_secret", kommo.channel_secret.expose() == CHANNEL_SECRET),
        ("kommo.origin_code", kommo.origin_code.as_deref() == Some(ORIGIN_CODE)),
        ("kommo.account_id", kommo.account_id.as_ref().is_some_and(|id| id.as_str() == ACCOUNT_ID)),
        ("kommo.bot_id", kommo.bot_id.as_ref().is_some_and(|id| id.to_string() == BOT_ID)),
        ("kommo.account_url", account_host == Some(ACCOUNT_HOST)),
        ("kommo.access_token", has_example_token(config)),
    ];
    let fixed = fixed.into_iter().filter(|(_, is_left)| *is_left).map(|(key, _)| key.to_owned());
    let bots = config.sources.iter().filter(|(_, source)| source.token.expose() == TOKEN);
    fixed.chain(bots.map(|(id, _)| format!("sources.{id}.token"))).collect()
}

/// Whether the account's token is that of the example.
pub(super) fn has_example_token(config: &Config) -> bool {
    config.kommo.access_token.as_ref().is_some_and(|token| token.expose() == ACCESS_TOKEN)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Environment;

    const EXAMPLE: &str = include_str!("../../../config.toml.example");

    fn left_in(text: &str) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        keys(&Config::load(Some(file.path()), &Environment::default()).unwrap_or_else(|error| panic!("{error}")))
    }

    #[test]
    fn every_placeholder_of_the_example_is_found() {
        assert_eq!(
            left_in(EXAMPLE),
            ["kommo.channel_id", "kommo.channel_secret", "kommo.account_id", "sources.sales.token"]
        );
        let mut shown = EXAMPLE.to_owned();
        for key in ["origin_code", "bot_id", "account_url", "access_token"] {
            let line = format!("\n#{key} = ");
            assert!(shown.contains(&line), "{key}");
            shown = shown.replace(&line, &format!("\n{key} = "));
        }
        let all = left_in(&shown);
        for key in ["kommo.origin_code", "kommo.bot_id", "kommo.account_url", "kommo.access_token"] {
            assert!(all.contains(&key.to_owned()), "{key}: {all:?}");
        }
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn replaced_values_are_not_found() {
        let own = EXAMPLE
            .replace(CHANNEL_ID, "344a5002-f8ca-454d-af3d-396180102ac8")
            .replace(CHANNEL_SECRET, "1123456789abcdef0123456789abcdef01234567")
            .replace(ACCOUNT_ID, "52e591f7-c98f-4255-8495-827210138c82")
            .replace(TOKEN, "123456:ABC-mine");
        assert_eq!(left_in(&own), [""; 0]);
    }
}
