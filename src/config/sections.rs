//! Parses merged texts into the typed [`Config`], section by section.

use std::collections::BTreeMap;

use crate::{
    config::{
        AccountId, Admin, BaseUrl, BotToken, ButtonPlace, ChannelBotId, ChannelId, ChannelSecret, Config, Kommo, Log,
        LogFilter, LogFormat, Media, Reconcile, Retry, Secret, Server, Source, Store, Telegram, Trace, alerts,
        error::{ConfigError, Problems, Reported, Wrong},
        keys::{CAMPAIGNS, SOURCES},
        layers::Layers,
        load::Place,
        parse, phone_texts, programs, retention,
        section::Section,
        server,
    },
    domain::{address::SourceId, crm::Campaign, retry::Schedule},
};

mod assumed;
mod fit;

/// Parses the configuration.
///
/// # Errors
/// [`ConfigError`] with everything that is wrong.
pub(super) fn read(layers: &Layers) -> Result<Config, ConfigError> {
    let problems = Problems::default();
    let config = Reading { layers, problems: &problems }.config();
    problems.unless_any(config)
}

pub(super) struct Reading<'a> {
    layers: &'a Layers,
    problems: &'a Problems,
}

/// Every function reads all keys before it gives up on one, so that all problems are reported.
impl<'a> Reading<'a> {
    fn config(&self) -> Result<Config, Reported> {
        let data_dir = self.section(&[]).required("data_dir", parse::folder);
        let (server, admin) = (self.server(), self.admin());
        let (telegram, kommo, sources) = (self.telegram(), self.kommo(), self.sources());
        let (log, store, trace) = (self.log(), self.store(), self.trace());
        let retention = retention::read(self);
        let (media, reconcile, retry) = (self.media(), self.reconcile(), self.retry());
        let (programs, gateway) = (programs::read(self), programs::gateway(self));
        let (campaigns, phone_texts, alerts) = (self.campaigns(), phone_texts::read(self), alerts::read(self));
        let config = Config {
            data_dir: data_dir?,
            server: server?,
            admin: admin?,
            telegram: telegram?,
            kommo: kommo?,
            sources: sources?,
            programs: programs?,
            gateway: gateway?,
            campaigns: campaigns?,
            phone_texts: phone_texts?,
            alerts: alerts?,
            log: log?,
            store: store?,
            trace: trace?,
            retention: retention?,
            media: media?,
            reconcile: reconcile?,
            retry: retry?,
            warnings: [self.layers.warnings().to_vec(), self.problems.take_warnings()].concat(),
            written: self.layers.taken(),
            place: Place::default(),
        };
        self.one_listener_per_port(&config)?;
        self.one_source_per_bot(&config)?;
        self.one_default_source(&config)?;
        self.secrets_of_programs(&config)?;
        self.give_up_after_second_attempt(&config)?;
        self.hooks_outlive_comparison(&config)?;
        Ok(config)
    }

    pub(super) fn section(&self, path: &[&'a str]) -> Section<'a> {
        Section::new(self.layers, self.problems, path)
    }

    fn server(&self) -> Result<Server, Reported> {
        let section = self.section(&["server"]);
        let listen = section.required("listen", parse::socket_address);
        let public_url = section.required("public_url", BaseUrl::parse);
        let trusted_proxies = section.required("trusted_proxies", parse::networks);
        let tls = server::read_tls(self);
        Ok(Server { listen: listen?, public_url: public_url?, trusted_proxies: trusted_proxies?, tls: tls? })
    }

    fn admin(&self) -> Result<Admin, Reported> {
        let listen = self.section(&["admin"]).required("listen", parse::socket_address);
        Ok(Admin { listen: listen? })
    }

    fn telegram(&self) -> Result<Telegram, Reported> {
        let section = self.section(&["telegram"]);
        let api_url = section.required("api_url", BaseUrl::parse);
        let requests_per_second = section.required("requests_per_second", parse::count);
        let chat_requests_per_second = section.required("chat_requests_per_second", parse::count);
        let chat_burst = section.required("chat_burst", parse::count);
        let group_requests_per_minute = section.required("group_requests_per_minute", parse::count);
        let when_uncertain = section.required("when_uncertain", parse::when_uncertain);
        let send_timeout = section.required("send_timeout", parse::duration);
        let poll_timeout = section.required("poll_timeout", parse::poll_timeout);
        let buttons = section.required("buttons", ButtonPlace::parse);
        let keep_buttons = section.required("keep_buttons", parse::flag);
        let groups = section.required("groups", parse::groups);
        let mark_read = section.required("mark_read", parse::flag);
        let local = section.required("local", parse::flag);
        let local_dir = match local {
            Ok(true) => section.required("local_dir", parse::folder).map(Some),
            Ok(false) | Err(_) => section.optional("local_dir", parse::folder),
        };
        let ask_phone = section.required("ask_phone", parse::ask_phone);
        let phone_wait = section.required("phone_wait", parse::wait);
        let phone_region = section.optional("phone_region", parse::country);
        let proxy = section.optional_secret("proxy", parse::proxy);
        Ok(Telegram {
            api_url: api_url?,
            requests_per_second: requests_per_second?,
            chat_requests_per_second: chat_requests_per_second?,
            chat_burst: chat_burst?,
            group_requests_per_minute: group_requests_per_minute?,
            when_uncertain: when_uncertain?,
            send_timeout: send_timeout?,
            poll_timeout: poll_timeout?,
            buttons: buttons?,
            keep_buttons: keep_buttons?,
            groups: groups?,
            mark_read: mark_read?,
            local: local?,
            local_dir: local_dir?,
            ask_phone: ask_phone?,
            phone_wait: phone_wait?,
            phone_region: phone_region?,
            proxy: proxy?.unwrap_or_default(),
        })
    }

    fn kommo(&self) -> Result<Kommo, Reported> {
        let section = self.section(&["kommo"]);
        let chats_url = section.required("chats_url", BaseUrl::parse);
        let account_url = section.optional("account_url", BaseUrl::parse);
        let media_hosts = section.optional("media_hosts", parse::hosts);
        let access_token = section.optional_secret("access_token", Secret::parse);
        let channel_id = section.required("channel_id", ChannelId::parse);
        let channel_secret = section.required_secret("channel_secret", ChannelSecret::parse);
        let origin_code = section.optional("origin_code", parse::origin_code);
        let account_id = section.optional("account_id", AccountId::parse);
        let bot_id = section.optional("bot_id", ChannelBotId::parse);
        let connect_on_start = section.required("connect_on_start", parse::flag);
        let channel_title = section.optional("channel_title", parse::line);
        let time_window = section.required("time_window", parse::switch);
        let language = section.optional("language", parse::language);
        let infer_read = section.required("infer_read", parse::flag);
        let timeout = section.required("timeout", parse::duration);
        let requests_per_second = section.required("requests_per_second", parse::count);
        let assumed = assumed::read(&section);
        let username_field = section.optional("username_field", parse::line);
        let contact_tags = section.optional("contact_tags", parse::names);
        let proxy = section.optional_secret("proxy", parse::proxy);
        Ok(Kommo {
            chats_url: chats_url?,
            account_id: require_account_id(
                &section,
                account_id?,
                account_url.as_ref().ok(),
                access_token.as_ref().ok(),
            )?,
            account_url: account_url?,
            media_hosts: media_hosts?.unwrap_or_default(),
            access_token: access_token?,
            channel_id: channel_id?,
            channel_secret: channel_secret?,
            origin_code: origin_code?,
            bot_id: bot_id?,
            connect_on_start: connect_on_start?,
            channel_title: channel_title?,
            time_window: time_window?,
            language: language?,
            infer_read: infer_read?,
            timeout: timeout?,
            requests_per_second: requests_per_second?,
            assumed: assumed?,
            username_field: username_field?,
            contact_tags: contact_tags?.unwrap_or_default(),
            proxy: proxy?.unwrap_or_default(),
        })
    }

    fn sources(&self) -> Result<BTreeMap<SourceId, Source>, Reported> {
        let sources = self.section(&[SOURCES]);
        let read: Vec<_> = sources.names().map(|name| self.source(&sources, name)).collect();
        if read.is_empty() {
            return Err(sources.empty("write a section per bot, such as [sources.sales]"));
        }
        read.into_iter().collect()
    }

    fn source(&self, sources: &Section<'a>, name: &'a str) -> Result<(SourceId, Source), Reported> {
        let id = SourceId::parse(name).map_err(|error| sources.report(name, &format!("{error}: rename the section")));
        let section = self.section(&[SOURCES, name]);
        let token = section.required_secret("token", BotToken::parse);
        let line = section.required("name", parse::line);
        let pipeline_id = section.optional("pipeline_id", parse::pipeline);
        let default = section.optional("default", parse::flag);
        Ok((id?, Source { token: token?, name: line?, pipeline_id: pipeline_id?, default: default? }))
    }

    fn campaigns(&self) -> Result<BTreeMap<String, Campaign>, Reported> {
        let campaigns = self.section(&[CAMPAIGNS]);
        let read: Vec<_> = campaigns.names().map(|name| self.campaign(&campaigns, name)).collect();
        read.into_iter().collect()
    }

    fn campaign(&self, campaigns: &Section<'a>, name: &'a str) -> Result<(String, Campaign), Reported> {
        let id = parse::campaign(name).map_err(|wrong| campaigns.report(name, &wrong.to_string()));
        let section = self.section(&[CAMPAIGNS, name]);
        let tags = section.optional("tags", parse::names);
        let source = section.optional("source", |text| {
            let known = self.section(&[SOURCES]).names().find(|known| *known == text);
            let source = known.and_then(|known| SourceId::parse(known).ok());
            source.ok_or_else(|| Wrong::new("is none of the sources: write the name of one"))
        });
        let ends = ["source", "medium", "campaign", "content", "term"];
        let utm = ends.map(|end| Ok(section.optional(&format!("utm_{end}"), parse::line)?.map(|text| (end, text))));
        let utm: Result<Vec<_>, Reported> = utm.into_iter().collect();
        let utm = utm.map(|utm| utm.into_iter().flatten().collect());
        Ok((id?, Campaign { tags: tags?.unwrap_or_default(), utm: utm?, source: source? }))
    }

    fn log(&self) -> Result<Log, Reported> {
        let section = self.section(&["log"]);
        let level = section.required("level", LogFilter::parse);
        let format = section.required("format", LogFormat::parse);
        Ok(Log { level: level?, format: format? })
    }

    fn store(&self) -> Result<Store, Reported> {
        let section = self.section(&["store"]);
        let [dump_every, dedupe_for, links_for, parked_for] =
            ["dump_every", "dedupe_for", "links_for", "parked_for"].map(|key| section.required(key, parse::duration));
        let dump_keep = section.required("dump_keep", parse::count);
        let cache_bytes = section.required("cache_mb", parse::mebibytes);
        let reserve_bytes = section.required("reserve_mb", parse::mebibytes);
        Ok(Store {
            dump_every: dump_every?,
            dump_keep: dump_keep?,
            dedupe_for: dedupe_for?,
            links_for: links_for?,
            parked_for: parked_for?,
            cache_bytes: cache_bytes?,
            reserve_bytes: reserve_bytes?,
        })
    }

    fn trace(&self) -> Result<Trace, Reported> {
        let section = self.section(&["trace"]);
        let (keep, max_bytes) = (section.required("keep", parse::keep), section.required("max_mb", parse::mebibytes));
        Ok(Trace { keep: keep?, max_bytes: max_bytes? })
    }

    fn media(&self) -> Result<Media, Reported> {
        let links_for = self.section(&["media"]).required("links_for", parse::duration);
        Ok(Media { links_for: links_for? })
    }

    fn reconcile(&self) -> Result<Reconcile, Reported> {
        let section = self.section(&["reconcile"]);
        let on_start = section.required("on_start", parse::flag);
        let max_age = section.required("max_age", parse::duration);
        let chats_within = section.required("chats_within", parse::duration);
        let every = section.required("every", parse::duration);
        Ok(Reconcile { on_start: on_start?, max_age: max_age?, chats_within: chats_within?, every: every? })
    }

    fn retry(&self) -> Result<Retry, Reported> {
        let section = self.section(&["retry"]);
        let kommo = section.required("kommo", parse::waits).map(Schedule::endless);
        let telegram = section.required("telegram", parse::waits).map(Schedule::ending);
        let give_up_after = section.required("give_up_after", parse::duration);
        let probe_every = section.required("probe_every", parse::wait);
        Ok(Retry { kommo: kommo?, telegram: telegram?, give_up_after: give_up_after?, probe_every: probe_every? })
    }
}

/// The account's id is required unless the account can be asked for it.
fn require_account_id(
    section: &Section<'_>,
    id: Option<AccountId>,
    url: Option<&Option<BaseUrl>>,
    token: Option<&Option<Secret>>,
) -> Result<Option<AccountId>, Reported> {
    let [has_url, has_token] = [url.is_none_or(Option::is_some), token.is_none_or(Option::is_some)];
    if id.is_some() || has_url && has_token {
        return Ok(id);
    }
    match (has_url, has_token) {
        (false, true) => Err(section.report(
            "access_token",
            "access_token needs account_url, the account's address, such as \"https://example.kommo.com\": write it, \
             or account_id",
        )),
        (true, false) => Err(section.report(
            "account_url",
            "account_url needs access_token, so that the account can be asked for its id: write it, or account_id",
        )),
        (false, false) | (true, true) => section.required("account_id", AccountId::parse).map(Some),
    }
}
