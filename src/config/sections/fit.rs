//! Checks of several keys together, once each key by itself is sound.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    config::{Config, Source, error::Reported, keys::SOURCES, section::Section, sections::Reading},
    domain::address::SourceId,
};

impl Reading<'_> {
    /// The second of two listeners on one port would not start.
    pub(super) fn two_listeners(&self, config: &Config) -> Result<(), Reported> {
        let (server, admin) = (config.server.listen, config.admin.listen);
        if !clash(server, admin) {
            return Ok(());
        }
        let what =
            format!("\"{server}\" is in the way of admin.listen, which is \"{admin}\": give them different ports");
        Err(self.section(&["server"]).report("listen", &what))
    }

    /// An answer that is given up before its bot is tried a second time has had no chance.
    pub(super) fn patience(&self, config: &Config) -> Result<(), Reported> {
        if config.retry.give_up_after > config.retry.probe_every {
            return Ok(());
        }
        let given = humantime::format_duration(config.retry.give_up_after);
        let what = format!(
            "\"{given}\" is not longer than retry.probe_every: an answer would be given up before its bot is tried \
             again"
        );
        Err(self.section(&["retry"]).report("give_up_after", &what))
    }

    /// A message whose hook is forgotten would look as if it had never come, and be sent again.
    pub(super) fn recognition(&self, config: &Config) -> Result<(), Reported> {
        if config.reconcile.max_age < config.store.dedupe_for {
            return Ok(());
        }
        let [age, known] = [config.reconcile.max_age, config.store.dedupe_for].map(humantime::format_duration);
        let what = format!(
            "\"{age}\" is not shorter than store.dedupe_for, which is \"{known}\": answers would be sent twice"
        );
        Err(self.section(&["reconcile"]).report("max_age", &what))
    }

    /// Two pollers of one bot would take each other's updates.
    pub(super) fn one_source_per_bot(&self, config: &Config) -> Result<(), Reported> {
        let mut seen = BTreeMap::new();
        for (id, source) in &config.sources {
            if let Some(first) = seen.insert(source.token.bot_id(), id) {
                return Err(self.same_bot(first, id, source));
            }
        }
        Ok(())
    }

    /// Kommo has one default source at most.
    pub(super) fn one_default_source(&self, config: &Config) -> Result<(), Reported> {
        let mut defaults = config.sources.iter().filter(|(_, source)| source.default == Some(true)).map(|(id, _)| id);
        let (Some(first), Some(second)) = (defaults.next(), defaults.next()) else { return Ok(()) };
        let what = format!("source {:?} is the default already, and there can be one", first.as_str());
        Err(Section::new(self.layers, self.problems, &[SOURCES, second.as_str()]).report("default", &what))
    }

    fn same_bot(&self, first: &SourceId, second: &SourceId, source: &Source) -> Reported {
        let bot = source.token.bot_id();
        let what = format!("the same bot ({bot}) as source {:?}: give each source its own", first.as_str());
        Section::new(self.layers, self.problems, &[SOURCES, second.as_str()]).report("token", &what)
    }
}

/// Whether one of two listeners would be refused. The system chooses a free port for 0.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let same_ip = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_ip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_clash_on_one_port_of_one_address() {
        for (one, other, want) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "[::]:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            assert_eq!(clash(one.parse().unwrap(), other.parse().unwrap()), want, "{one} {other}");
        }
    }
}
