//! Checks between keys, once each key by itself is valid.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    config::{
        Config, Source,
        error::Reported,
        keys::{PROGRAMS, SOURCES},
        section::Section,
        sections::Reading,
    },
    domain::address::SourceId,
};

impl Reading<'_> {
    /// Two listeners on one port: the second would not start.
    pub(super) fn one_listener_per_port(&self, config: &Config) -> Result<(), Reported> {
        let gateway = (!config.programs.is_empty()).then_some(("gateway", config.gateway.listen));
        let always = [("server", config.server.listen), ("admin", config.admin.listen)];
        let listeners: Vec<_> = gateway.into_iter().chain(always).collect();
        for (at, (section, one)) in listeners.iter().enumerate() {
            if let Some((other, other_at)) = listeners[at + 1..].iter().find(|(_, other)| clash(*one, *other)) {
                let what = format!(
                    "\"{one}\" conflicts with {other}.listen, which is \"{other_at}\": give them different ports"
                );
                return Err(self.section(&[*section]).report("listen", &what));
            }
        }
        Ok(())
    }

    /// Secrets of programs must be unique: they alone distinguish a program from others, and from the bot's owner.
    pub(super) fn secrets_of_programs(&self, config: &Config) -> Result<(), Reported> {
        let mut seen = BTreeMap::new();
        for (name, program) in &config.programs {
            let section = self.section(&[PROGRAMS, name]);
            let bot = config.sources.get(&program.source).map(|source| source.token.bot_id());
            if let Some(bot) = bot.filter(|bot| *bot != program.secret.bot_id()) {
                let source = program.source.as_str();
                let what = format!("begins with another number than the bot of source {source:?}: write {bot}:…");
                return Err(section.report("secret", &what));
            }
            let mut tokens = config.sources.values().map(|source| source.token.expose());
            if tokens.any(|token| token == program.secret.expose()) {
                let what = "is the token of a bot: write other letters, or the program could go past telekommo";
                return Err(section.report("secret", what));
            }
            if let Some(first) = seen.insert(program.secret.expose(), name) {
                return Err(section.report("secret", &format!("program {first:?} has the same: give each its own")));
            }
        }
        Ok(())
    }

    /// An answer must not be given up before its bot is tried a second time.
    pub(super) fn give_up_after_second_attempt(&self, config: &Config) -> Result<(), Reported> {
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

    /// A message whose hook is forgotten already would look missed, and be sent again.
    pub(super) fn hooks_outlive_comparison(&self, config: &Config) -> Result<(), Reported> {
        if config.reconcile.max_age < config.store.dedupe_for {
            return Ok(());
        }
        let [age, known] = [config.reconcile.max_age, config.store.dedupe_for].map(humantime::format_duration);
        let what = format!(
            "\"{age}\" is not shorter than store.dedupe_for, which is \"{known}\": answers would be sent twice"
        );
        Err(self.section(&["reconcile"]).report("max_age", &what))
    }

    /// Two pollers of one bot would take updates from each other.
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

/// Whether two listeners would conflict. The system chooses a free port for 0.
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
