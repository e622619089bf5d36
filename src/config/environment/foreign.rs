//! Variables that begin with our prefix and set no key. Kubernetes gives containers variables named after each service,
//! and images set their own (`TELEKOMMO_VERSION`). They are no errors, but a misspelt key is found among them.

use crate::config::{
    environment::{PREFIX, SEPARATOR, variable},
    keys::{self, KEYS, TABLES},
};

/// Whether a variable with our prefix is not meant to set a key: variables of keys in a section have two underscores.
pub(super) fn is_foreign(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return true };
    !rest.contains(SEPARATOR) && keys::find(&[&rest.to_lowercase()]).is_none()
}

/// One warning for each that looks misspelt, and one for all others.
pub(super) fn warnings(names: Vec<String>) -> Vec<String> {
    let (mut warnings, mut others) = (Vec::new(), Vec::new());
    for name in names {
        match meant(&name) {
            Some(near) => warnings.push(format!("{name} sets nothing: did you mean {near}?")),
            None => others.push(name),
        }
    }
    if !others.is_empty() {
        warnings.push(format!(
            "{}: no key of telekommo has this name, so it sets nothing. Kubernetes sets such variables for services \
             (enableServiceLinks); otherwise write it as {PREFIX}KOMMO__TIMEOUT is written for the key kommo.timeout",
            others.join(", ")
        ));
    }
    warnings
}

/// The variable that was probably meant: one that differs in its underscores, or by a letter or two.
fn meant(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let variables = KEYS.iter().filter(|key| !keys::has_tables(key.section)).map(|key| variable(&key.path("")));
    let known: Vec<_> = variables.map(|variable| (bare(variable.trim_start_matches(PREFIX)), variable)).collect();
    let near = keys::nearest(&bare(rest), known.iter().map(|(bare, _)| bare.as_str()));
    let near = near.and_then(|near| known.iter().find(|(bare, _)| bare == near)).map(|(_, variable)| variable.clone());
    near.or_else(|| of_table(rest))
}

/// The variable of a key in a table of its own, such as that of a source: `SOURCES_SALES_TOKEN`.
fn of_table(rest: &str) -> Option<String> {
    let sections =
        TABLES.iter().filter_map(|(section, _)| Some((*section, rest.strip_prefix(&section.to_uppercase())?)));
    sections.into_iter().find_map(|(section, rest)| {
        let found = keys::of_section(section).filter_map(|key| {
            let table = rest.strip_suffix(&key.name.to_uppercase())?.trim_matches('_');
            (!table.is_empty()).then(|| (key.name.len(), variable(&[section, table, key.name])))
        });
        found.max_by_key(|(length, _)| *length).map(|(_, variable)| variable)
    })
}

fn bare(name: &str) -> String {
    name.replace('_', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_and_images_give_is_foreign() {
        for name in [
            "TELEKOMMO_PORT",
            "TELEKOMMO_SERVICE_HOST",
            "TELEKOMMO_PORT_8080_TCP_ADDR",
            "TELEKOMMO_VERSION",
            "TELEKOMMO_",
        ] {
            assert!(is_foreign(name) && meant(name).is_none(), "{name} {:?}", meant(name));
        }
        for name in ["TELEKOMMO_DATA_DIR", "TELEKOMMO_KOMMO__TIMEOUT", "TELEKOMMO_KOMMO__TIMEUOT"] {
            assert!(!is_foreign(name), "{name}");
        }
    }

    #[test]
    fn a_misspelt_variable_is_reported_with_the_one_that_was_meant() {
        for (name, want) in [
            ("TELEKOMMO_DATADIR", "TELEKOMMO_DATA_DIR"),
            ("TELEKOMMO_DATA_DRI", "TELEKOMMO_DATA_DIR"),
            ("TELEKOMMO_KOMMO_CHANNEL_ID", "TELEKOMMO_KOMMO__CHANNEL_ID"),
            ("TELEKOMMO_KOMMO_CHANNEL_SECRET_FILE", "TELEKOMMO_KOMMO__CHANNEL_SECRET_FILE"),
            ("TELEKOMMO_SERVER_LISTEN", "TELEKOMMO_SERVER__LISTEN"),
            ("TELEKOMMO_SOURCES_SALES_TOKEN", "TELEKOMMO_SOURCES__SALES__TOKEN"),
            ("TELEKOMMO_SOURCES_MY_BOT_TOKEN_FILE", "TELEKOMMO_SOURCES__MY_BOT__TOKEN_FILE"),
        ] {
            assert_eq!(meant(name).as_deref(), Some(want), "{name}");
        }
    }

    #[test]
    fn all_foreign_variables_are_in_one_warning() {
        let names = ["TELEKOMMO_PORT", "TELEKOMMO_DATADIR", "TELEKOMMO_VERSION"].map(str::to_owned).to_vec();
        let [slip, rest] = warnings(names).try_into().unwrap();
        assert_eq!(slip, "TELEKOMMO_DATADIR sets nothing: did you mean TELEKOMMO_DATA_DIR?");
        assert!(rest.starts_with("TELEKOMMO_PORT, TELEKOMMO_VERSION: no key"), "{rest}");
        assert_eq!(warnings(Vec::new()), Vec::<String>::new());
    }
}
