//! The configuration: defaults, then the file, then the environment, then files with secrets. [`Config::load`] is the
//! only entry, and its result is typed and checked: no other module parses a setting again. `config.toml.example`
//! documents every key, and is a test input.
//!
//! | Step | Module | Refuses |
//! |---|---|---|
//! | find and parse the file | `file`, `syntax`, `shape` | no file, bad syntax, unknown keys, tables for values |
//! | read the variables | `environment` | variables that name no key |
//! | merge, later over earlier | `layers` | |
//! | read secret files | `secret_file` | files that cannot be read, or hold no secret |
//! | make typed values | `sections`, `parse` | everything else |
//! Errors are sentences for the operator: which file or variable, which key, what is wrong and what to write. All
//! problems of one step are reported at once. Values are quoted in one place alone (`section`), and secrets never.

mod alerts;
mod buttons;
mod environment;
mod error;
mod file;
mod ids;
mod keys;
mod layers;
mod load;
mod log;
mod parse;
mod phone_texts;
mod programs;
mod retention;
mod secret;
mod secret_file;
mod section;
mod sections;
mod server;
mod shape;
mod syntax;
mod url;
mod written;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

pub use self::{
    alerts::{AlertBot, AlertTarget, Alerts, EmailTarget, Heartbeat, MailTls, SecretUrl, WebTarget},
    buttons::ButtonPlace,
    environment::Environment,
    error::{ConfigError, Wrong},
    ids::{AccountId, ChannelBotId, ChannelId},
    log::{LogFilter, LogFormat},
    parse::duration,
    programs::{Gateway, Program},
    retention::{Retention, Trace},
    secret::{BotToken, ChannelSecret, Secret},
    server::{Acme, PairFiles, Server, ServerTls},
    url::BaseUrl,
    written::{Changes, Written},
};
pub(crate) use keys::nearest;

use crate::{
    domain::{
        address::SourceId,
        assumed::Assumed,
        crm::{Campaign, PhoneTexts},
        phone::Country,
        retry::Schedule,
    },
    net::{Egress, Proxy},
    words::Language,
};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the store and its dumps. A relative path starts at the working directory.
    pub data_dir: PathBuf,
    pub server: Server,
    pub admin: Admin,
    pub telegram: Telegram,
    pub kommo: Kommo,
    /// The bots: at least one, and no bot twice.
    pub sources: BTreeMap<SourceId, Source>,
    /// The owner's programs that share a bot with Kommo, by name.
    pub programs: BTreeMap<String, Program>,
    /// The listener for programs.
    pub gateway: Gateway,
    /// The campaigns, by the names that their links carry.
    pub campaigns: BTreeMap<String, Campaign>,
    /// The texts that ask customers for their phone number, by language.
    pub phone_texts: PhoneTexts,
    /// Who is alerted, and when.
    pub alerts: Alerts,
    pub log: Log,
    pub store: Store,
    pub trace: Trace,
    pub retention: Retention,
    pub media: Media,
    pub reconcile: Reconcile,
    pub retry: Retry,
    /// Warnings, as sentences: who else can read secrets, variables that set no key.
    pub warnings: Vec<String>,
    /// The texts that all values were parsed from.
    pub written: Written,
    place: load::Place,
}

/// The local listener: `/live`, `/ready`, `/metrics` and the status page.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The address to bind. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
}

/// What to do with an answer that may or may not have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUncertain {
    /// Report that to the manager, who decides.
    Report,
    /// Send it again, once: better twice than never.
    Repeat,
}

/// Settings of Telegram.
#[derive(Clone, Debug)]
pub struct Telegram {
    /// Telegram's Bot API, or the operator's own Bot API server.
    pub api_url: BaseUrl,
    /// Calls per second and bot, all chats together.
    pub requests_per_second: NonZeroU32,
    /// Messages per second to one chat, after a burst.
    pub chat_requests_per_second: NonZeroU32,
    /// How many messages to one chat may follow each other at once.
    pub chat_burst: NonZeroU32,
    /// Messages per minute to one group.
    pub group_requests_per_minute: NonZeroU32,
    /// What to do with an answer that may or may not have been sent.
    pub when_uncertain: WhenUncertain,
    /// How long one call that sends may take.
    pub send_timeout: Duration,
    /// The long-poll timeout of `getUpdates`: 1 to 50 whole seconds.
    pub poll_timeout: Duration,
    /// Where buttons are shown.
    pub buttons: ButtonPlace,
    /// Whether buttons stay after one was pressed.
    pub keep_buttons: bool,
    /// What to do with messages in groups and channels.
    pub groups: Groups,
    /// Whether an answer in an own chat marks the customer's message as read.
    pub mark_read: bool,
    /// Whether the Bot API server is the operator's own, run with `--local`.
    pub local: bool,
    /// Where that server keeps files, on this machine.
    pub local_dir: Option<PathBuf>,
    /// Whether customers are asked for their phone number when they start the bot.
    pub ask_phone: AskPhone,
    /// How long their `/start` waits for the number.
    pub phone_wait: Duration,
    /// The country of phone numbers without a country code; `None` for that of the account.
    pub phone_region: Option<Country>,
    /// The proxy to Telegram.
    pub proxy: Proxy,
}

/// Whether customers are asked for their phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskPhone {
    Never,
    /// When they start the bot.
    OnStart,
}

/// What to do with messages in groups and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Ignore them.
    Ignore,
    /// Each group is one conversation.
    Relay,
}

/// Settings of Kommo.
#[derive(Clone, Debug)]
pub struct Kommo {
    pub chats_url: BaseUrl,
    /// The REST API of the account, if it is known.
    pub account_url: Option<BaseUrl>,
    /// Hosts that managers' files are fetched from, besides Kommo's own.
    pub media_hosts: Vec<String>,
    /// A long-lived token for the REST API.
    pub access_token: Option<Secret>,
    /// The channel, from the support's answer.
    pub channel_id: ChannelId,
    /// The key that signs our calls and Kommo's hooks.
    pub channel_secret: ChannelSecret,
    /// The channel's code, from the support's answer. Managers write first through sources that have it.
    pub origin_code: Option<String>,
    /// The account, by its Chats-API id (`amojo_id`). If it is not set, the account is asked for it, which needs its
    /// URL and a token.
    pub account_id: Option<AccountId>,
    /// The channel's bot, from the support's answer.
    pub bot_id: Option<ChannelBotId>,
    /// Whether a start connects the channel to the account.
    pub connect_on_start: bool,
    /// The channel's title in the account; `None` leaves it to Kommo.
    pub channel_title: Option<String>,
    /// Whether the channel's time window applies: managers may write only for some time after the customer.
    pub time_window: bool,
    /// The language of managers; `None` is that of the account.
    pub language: Option<Language>,
    /// Whether answers count as read once the customer writes, presses a button or reacts.
    pub infer_read: bool,
    /// How long one call may take.
    pub timeout: Duration,
    /// Calls per second, all conversations together.
    pub requests_per_second: NonZeroU32,
    /// What telekommo assumes about the account.
    pub assumed: Assumed,
    /// The contacts' field for the public name in Telegram, by its number or name.
    pub username_field: Option<String>,
    /// The tags that contacts get.
    pub contact_tags: Vec<String>,
    /// The proxy to Kommo, also for managers' files.
    pub proxy: Proxy,
}

impl Telegram {
    #[must_use]
    pub fn egress(&self) -> Egress {
        Egress::new(self.proxy.clone())
    }
}

impl Kommo {
    #[must_use]
    pub fn egress(&self) -> Egress {
        Egress::new(self.proxy.clone())
    }

    /// The scope of the channel and the account `id`, as in the paths of the Chats API and of its hooks.
    #[must_use]
    pub fn scope_id(&self, id: &AccountId) -> String {
        format!("{}_{id}", self.channel_id)
    }
}

/// One bot, and its name for managers in Kommo.
#[derive(Clone, Debug)]
pub struct Source {
    /// The token by `@BotFather`.
    pub token: BotToken,
    pub name: String,
    /// The pipeline that new leads of this source go into.
    pub pipeline_id: Option<u64>,
    /// Whether this is the default source, which gets leads of no known source; at most one is. `None` leaves that to
    /// Kommo.
    pub default: Option<bool>,
}

/// Settings of the log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Which lines are written.
    pub level: LogFilter,
    /// The format of lines.
    pub format: LogFormat,
}

/// Settings of the store.
#[derive(Clone, Debug)]
pub struct Store {
    /// How often the store is written out as a dump.
    pub dump_every: Duration,
    /// How many dumps are kept.
    pub dump_keep: NonZeroU32,
    /// How long ids of updates and hooks are remembered, so that repetitions are recognised.
    pub dedupe_for: Duration,
    /// How long links between the ids of both sides are kept.
    pub links_for: Duration,
    /// How long an answer stays parked once its author has been informed.
    pub parked_for: Duration,
    /// The store's cache in memory.
    pub cache_bytes: u64,
    /// The free disk space below which bots stop polling.
    pub reserve_bytes: u64,
}

/// The links by which Kommo fetches customers' files.
#[derive(Clone, Debug)]
pub struct Media {
    /// How long a link is valid.
    pub links_for: Duration,
}

/// Settings of the comparison with Kommo's history, which finds missed answers.
#[derive(Clone, Debug)]
pub struct Reconcile {
    /// Whether a start compares.
    pub on_start: bool,
    /// The greatest age of a missed answer that is still sent; less than the time for which hooks are recognised.
    pub max_age: Duration,
    /// Chats that were silent for longer are compared less often.
    pub chats_within: Duration,
    /// The time between comparisons.
    pub every: Duration,
}

/// Settings of retries.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The waits between attempts of a call to Kommo. The last one repeats for set-up and comparisons, which never give
    /// up.
    pub kommo: Schedule,
    /// The waits between attempts of a call to Telegram. The schedule does not limit the number of attempts.
    pub telegram: Schedule,
    /// The longest time between two attempts while a person has to act.
    pub probe_every: Duration,
    /// The age at which an answer is reported as failed instead of sent.
    pub give_up_after: Duration,
}
