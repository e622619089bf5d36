//! The table of all keys.

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its section, dotted if nested; empty at the top level. Keys under one of [`TABLES`] belong to every table in it.
    pub(super) section: &'static str,
    /// Its name in the section.
    pub(super) name: &'static str,
    /// The default text.
    pub(super) default: Option<&'static str>,
    /// Whether its value must never be shown.
    pub(super) secret: bool,
    /// Whether its value is a list.
    pub(super) list: bool,
    /// Whether only a start reads it: a changed value needs a restart.
    pub(super) at_start: bool,
}

/// The section that has a table per source.
pub(super) const SOURCES: &str = "sources";

/// The section that has a table per program of the owner's.
pub(super) const PROGRAMS: &str = "programs";

/// The section that has a table per campaign.
pub(super) const CAMPAIGNS: &str = "campaigns";

/// The section that has a table per language.
pub(super) const PHONE_TEXTS: &str = "phone_texts";

/// The section that has a table per target of alerts.
pub(super) const ALERT_TARGETS: &str = "alert_targets";

/// The section within that of the public listener.
pub(super) const TLS: &str = "server.tls";

/// The sections that have a table per item, and what each table is.
pub(super) const TABLES: [(&str, &str); 5] = [
    (SOURCES, "bot, such as [sources.sales]"),
    (PROGRAMS, "program, such as [programs.shop]"),
    (CAMPAIGNS, "campaign, such as [campaigns.summer]"),
    (PHONE_TEXTS, "language, such as [phone_texts.en]"),
    (ALERT_TARGETS, "target, such as [alert_targets.owner]"),
];

/// Whether a section has a table per item.
pub(super) fn has_tables(section: &str) -> bool {
    TABLES.iter().any(|(name, _)| *name == section)
}

/// The suffix of a key that names the file of a secret.
pub(super) const FILE: &str = "_file";

/// Every key, section by section.
pub(super) const KEYS: &[Key] = &[
    key("", "data_dir").or("data").at_start(),
    key("server", "listen").or("127.0.0.1:8080").at_start(),
    key("server", "public_url"),
    key("server", "trusted_proxies").or("127.0.0.1, ::1").list().at_start(),
    key(TLS, "certificate").at_start(),
    key(TLS, "key").at_start(),
    key(TLS, "acme").at_start(),
    key(TLS, "acme_email").at_start(),
    key(TLS, "acme_directory").or("https://acme-v02.api.letsencrypt.org/directory").at_start(),
    key("admin", "listen").or("127.0.0.1:9090").at_start(),
    key("telegram", "api_url").or("https://api.telegram.org"),
    key("telegram", "requests_per_second").or("25"),
    key("telegram", "chat_requests_per_second").or("1"),
    key("telegram", "chat_burst").or("5"),
    key("telegram", "group_requests_per_minute").or("20"),
    key("telegram", "when_uncertain").or("report"),
    key("telegram", "send_timeout").or("60s"),
    key("telegram", "poll_timeout").or("25s"),
    key("telegram", "buttons").or("inline"),
    key("telegram", "keep_buttons").or("false"),
    key("telegram", "groups").or("ignore"),
    key("telegram", "mark_read").or("false"),
    key("telegram", "local").or("false"),
    key("telegram", "local_dir"),
    key("telegram", "ask_phone").or("never"),
    key("telegram", "phone_wait").or("10m"),
    key("telegram", "phone_region"),
    key("telegram", "proxy").secret(),
    key("telegram", "proxy_file"),
    key("kommo", "chats_url").or("https://amojo.kommo.com").at_start(),
    key("kommo", "account_url").at_start(),
    key("kommo", "media_hosts").list(),
    key("kommo", "access_token").secret(),
    key("kommo", "access_token_file"),
    key("kommo", "channel_id").at_start(),
    key("kommo", "channel_secret").secret().at_start(),
    key("kommo", "channel_secret_file").at_start(),
    key("kommo", "origin_code"),
    key("kommo", "account_id").at_start(),
    key("kommo", "bot_id"),
    key("kommo", "connect_on_start").or("true"),
    key("kommo", "channel_title"),
    key("kommo", "time_window").or("off"),
    key("kommo", "language"),
    key("kommo", "infer_read").or("false"),
    key("kommo", "timeout").or("20s"),
    key("kommo", "requests_per_second").or("7"),
    key("kommo", "status_names"),
    key("kommo", "status_in_messages"),
    key("kommo", "customer_edits"),
    key("kommo", "username_field"),
    key("kommo", "contact_tags").list(),
    key("kommo", "proxy").secret(),
    key("kommo", "proxy_file"),
    key(SOURCES, "token").secret(),
    key(SOURCES, "token_file"),
    key(SOURCES, "name"),
    key(SOURCES, "pipeline_id"),
    key(SOURCES, "default"),
    key(PROGRAMS, "source"),
    key(PROGRAMS, "secret").secret(),
    key(PROGRAMS, "secret_file"),
    key(PROGRAMS, "name"),
    key(PROGRAMS, "leads"),
    key(PROGRAMS, "hide").list(),
    key(PROGRAMS, "sees"),
    key(PROGRAMS, "quiet_while_manager"),
    key("gateway", "listen").or("127.0.0.1:8083").at_start(),
    key("gateway", "keep").or("24h").at_start(),
    key("gateway", "max_mb").or("64").at_start(),
    key("gateway", "allow_private").or("false").at_start(),
    key(CAMPAIGNS, "tags").list(),
    key(CAMPAIGNS, "utm_source"),
    key(CAMPAIGNS, "utm_medium"),
    key(CAMPAIGNS, "utm_campaign"),
    key(CAMPAIGNS, "utm_content"),
    key(CAMPAIGNS, "utm_term"),
    key(CAMPAIGNS, "source"),
    key(PHONE_TEXTS, "ask"),
    key(PHONE_TEXTS, "button"),
    key(PHONE_TEXTS, "thanks"),
    key("alerts", "every").or("5s"),
    key("alerts", "ask_every").or("30s"),
    key("alerts", "after").or("15s"),
    key("alerts", "remind_after").or("1h"),
    key("alerts", "backlog_after").or("5m"),
    key("alerts", "failed_percent").or("20"),
    key("alerts", "disk_mb").or("512"),
    key("alerts", "expires_within").or("14d"),
    key("alerts", "daily_at").or("09:00"),
    key("alerts", "heartbeat_url").secret(),
    key("alerts", "heartbeat_url_file"),
    key("alerts", "heartbeat_every").or("1m"),
    key(ALERT_TARGETS, "kind"),
    key(ALERT_TARGETS, "chat"),
    key(ALERT_TARGETS, "source"),
    key(ALERT_TARGETS, "token").secret(),
    key(ALERT_TARGETS, "token_file"),
    key(ALERT_TARGETS, "url").secret(),
    key(ALERT_TARGETS, "url_file"),
    key(ALERT_TARGETS, "host"),
    key(ALERT_TARGETS, "port"),
    key(ALERT_TARGETS, "tls"),
    key(ALERT_TARGETS, "user"),
    key(ALERT_TARGETS, "password").secret(),
    key(ALERT_TARGETS, "password_file"),
    key(ALERT_TARGETS, "from"),
    key(ALERT_TARGETS, "to").list(),
    key("log", "level").or("info"),
    key("log", "format").or("text").at_start(),
    key("store", "dump_every").or("1h"),
    key("store", "dump_keep").or("3"),
    key("store", "dedupe_for").or("7d").at_start(),
    key("store", "links_for").or("90d").at_start(),
    key("store", "parked_for").or("7d").at_start(),
    key("store", "cache_mb").or("32").at_start(),
    key("store", "reserve_mb").or("64").at_start(),
    key("trace", "keep").or("7d").at_start(),
    key("trace", "max_mb").or("64").at_start(),
    key("retention", "moved_aside").or("30d"),
    key("retention", "imports").or("365d"),
    key("retention", "dumps_mb").or("10240"),
    key("retention", "imports_mb").or("51200"),
    key("media", "links_for").or("365d"),
    key("reconcile", "on_start").or("true"),
    key("reconcile", "every").or("1h"),
    key("reconcile", "max_age").or("24h"),
    key("reconcile", "chats_within").or("30d"),
    key("retry", "kommo").or("1s, 5s, 15s, 1m, 5m, 10m").list(),
    key("retry", "telegram").or("1s, 5s, 30s, 2m, 10m, 30m").list(),
    key("retry", "give_up_after").or("1h"),
    key("retry", "probe_every").or("1m"),
];

const fn key(section: &'static str, name: &'static str) -> Key {
    Key { section, name, default: None, secret: false, list: false, at_start: false }
}

impl Key {
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn list(mut self) -> Self {
        self.list = true;
        self
    }

    const fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    /// The whole path of the key, with `table` as the name of the table, if it has one.
    pub(super) fn path<'a>(&self, table: &'a str) -> Vec<&'a str> {
        match self.section {
            "" => vec![self.name],
            section if has_tables(section) => vec![section, table, self.name],
            section => section.split('.').chain([self.name]).collect(),
        }
    }

    /// The header of the key's section.
    pub(super) fn header(&self) -> String {
        let name = if has_tables(self.section) { ".<name>" } else { "" };
        format!("[{}{name}]", self.section)
    }
}

/// The keys of one section.
pub(super) fn of_section(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

/// Whether there is a section at this path.
pub(super) fn is_section(path: &[&str]) -> bool {
    KEYS.iter().any(|key| key.section.split('.').eq(path.iter().copied()))
}

/// The names of all top-level sections.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<_> =
        KEYS.iter().map(|key| key.section).filter(|section| !section.is_empty() && !section.contains('.')).collect();
    names.dedup();
    names.into_iter()
}

/// The key at a whole path.
pub(super) fn find(path: &[&str]) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path(path.get(1).unwrap_or(&"")) == path)
}

/// The similarity above which a name counts as a misspelling of another: from 0 to 1.
const MIN_SIMILARITY: f64 = 0.7;

/// The one of `names` that was probably meant by `word`.
pub(crate) fn nearest<N: AsRef<str>>(word: &str, names: impl Iterator<Item = N>) -> Option<N> {
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(word, name.as_ref()), name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .map(|(_, name)| name)
}

/// A path as TOML writes it: `sources."my bot".token`.
pub(super) fn dotted<S: AsRef<str>>(path: &[S]) -> String {
    path.iter().map(|segment| segment_text(segment.as_ref())).collect::<Vec<_>>().join(".")
}

fn segment_text(segment: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !segment.is_empty() && segment.chars().all(bare) { segment.to_owned() } else { format!("{segment:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_by_its_own_path_and_by_no_other() {
        for key in KEYS {
            let found = find(&key.path("sales")).expect("a key of the table");
            assert_eq!((found.section, found.name), (key.section, key.name));
        }
        for foreign in [&["sources", "token"][..], &["server"], &["kommo", "sales", "timeout"], &[], &["listen"]] {
            assert!(find(foreign).is_none(), "{foreign:?}");
        }
    }

    #[test]
    fn every_secret_can_be_given_as_a_file_and_only_secrets_can() {
        let secrets: Vec<_> = KEYS.iter().filter(|key| key.secret).map(|key| format!("{}{FILE}", key.name)).collect();
        let files: Vec<_> = KEYS.iter().filter(|key| key.name.ends_with(FILE)).map(|key| key.name.to_owned()).collect();
        assert_eq!(secrets.len(), 10);
        assert_eq!(secrets, files);
    }

    #[test]
    fn nearest_finds_misspellings_only() {
        let names = || ["channel_id", "channel_secret", "account_id"].into_iter();
        assert_eq!(nearest("chanel_id", names()), Some("channel_id"));
        assert_eq!(nearest("weather", names()), None);
    }

    #[test]
    fn a_path_reads_as_toml_writes_it() {
        assert_eq!(dotted(&["sources", "my-bot", "token"]), "sources.my-bot.token");
        assert_eq!(dotted(&["sources", "my bot", "token"]), r#"sources."my bot".token"#);
        assert_eq!(dotted(&["sources", "a.b"]), r#"sources."a.b""#);
    }
}
