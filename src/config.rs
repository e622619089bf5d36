//! What the operator decides: defaults, then the file, then the environment, then the files that hold secrets.
//!
//! [`Config::load`] is the only way in, and what it returns is typed and checked: no other module parses a text of the
//! operator again. `config.toml.example` is the manual of every key, and a test input.
//!
//! | Step | Module | Refuses |
//! |---|---|---|
//! | find and parse the file | `file`, `syntax`, `shape` | no file, bad syntax, unknown keys, tables for values |
//! | read the variables | `environment` | variables that name no key |
//! | merge, later over earlier | `layers` | |
//! | read secret files | `secret_file` | files that cannot be read, or hold no secret |
//! | make typed values | `sections`, `parse` | everything else |
//!
//! The errors are sentences for the operator: which file or variable, which key, what is wrong and what to write. All
//! problems of one step are reported at once. A value is quoted in one place alone (`section`), and never that of a
//! secret.

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

/// Everything the operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the store and its dumps. A relative one belongs to the working directory.
    pub data_dir: PathBuf,
    pub server: Server,
    pub admin: Admin,
    /// How Telegram is talked to.
    pub telegram: Telegram,
    /// How Kommo is talked to, and as whom.
    pub kommo: Kommo,
    /// The bots: at least one, and no bot twice.
    pub sources: BTreeMap<SourceId, Source>,
    /// The owner's programs that share a bot with Kommo, by name.
    pub programs: BTreeMap<String, Program>,
    /// How they are served.
    pub gateway: Gateway,
    /// The campaigns, by the names that their links carry.
    pub campaigns: BTreeMap<String, Campaign>,
    /// The texts that ask customers for their phone number, by language.
    pub phone_texts: PhoneTexts,
    /// Who is told when something is wrong.
    pub alerts: Alerts,
    /// What is logged, and how.
    pub log: Log,
    /// How long things are kept, and how much room they may take.
    pub store: Store,
    /// How much is kept of what became of each message.
    pub trace: Trace,
    /// How long files stay that nothing needs any more, and how much room others may take.
    pub retention: Retention,
    /// How long files can be fetched.
    pub media: Media,
    /// How managers' messages that did not arrive are found.
    pub reconcile: Reconcile,
    /// When a failed call is tried again.
    pub retry: Retry,
    /// What looks wrong though it stops nothing: who else can read secrets, variables that set no key. Sentences.
    pub warnings: Vec<String>,
    /// What all of this was made of.
    pub written: Written,
    place: load::Place,
}

/// The listener for the machine itself: `/live`, `/ready`, `/metrics` and the status page.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The address to bind. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
}

/// What becomes of an answer that may or may not have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUncertain {
    /// It is reported as such, and a person decides.
    Report,
    /// It is sent again, once: better twice than never.
    Repeat,
}

/// How Telegram is talked to.
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
    /// What becomes of an answer that may or may not have been sent.
    pub when_uncertain: WhenUncertain,
    /// How long one call that sends may take.
    pub send_timeout: Duration,
    /// How long Telegram holds an empty answer to `getUpdates`: 1 to 50 whole seconds.
    pub poll_timeout: Duration,
    /// Where buttons are shown.
    pub buttons: ButtonPlace,
    /// Whether buttons stay after one was pressed.
    pub keep_buttons: bool,
    /// What becomes of messages in groups and channels.
    pub groups: Groups,
    /// Whether an answer in a person's own chat marks what it answers as read.
    pub mark_read: bool,
    /// Whether the Bot API server is the operator's own, run with `--local`.
    pub local: bool,
    /// Where that server keeps files, on this machine.
    pub local_dir: Option<PathBuf>,
    /// Whether customers are asked for their phone number when they start the bot.
    pub ask_phone: AskPhone,
    /// How long their `/start` waits for it.
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

/// What becomes of messages in groups and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Nothing.
    Ignore,
    /// Each group is one conversation.
    Relay,
}

/// How Kommo is talked to, and as whom.
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
    /// The account, by its Chats-API id (`amojo_id`). If it is not written, the account is asked for it, which needs
    /// its address and a token.
    pub account_id: Option<AccountId>,
    /// The channel's bot, from the support's answer.
    pub bot_id: Option<ChannelBotId>,
    /// Whether a start connects the channel to the account.
    pub connect_on_start: bool,
    /// What the channel is to be called in the account; `None` leaves that to Kommo.
    pub channel_title: Option<String>,
    /// Whether the channel's time window holds: managers may write only for so long after the customer.
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
    /// Through what Kommo is reached, files of managers included.
    pub proxy: Proxy,
}

impl Telegram {
    /// The way to Telegram.
    #[must_use]
    pub fn egress(&self) -> Egress {
        Egress::new(self.proxy.clone())
    }
}

impl Kommo {
    /// The way to Kommo.
    #[must_use]
    pub fn egress(&self) -> Egress {
        Egress::new(self.proxy.clone())
    }

    /// The channel connected to the account `id`, as it stands in the paths of the Chats API and of its hooks.
    #[must_use]
    pub fn scope_id(&self, id: &AccountId) -> String {
        format!("{}_{id}", self.channel_id)
    }
}

/// One bot, and what managers call it in Kommo.
#[derive(Clone, Debug)]
pub struct Source {
    /// The token by `@BotFather`.
    pub token: BotToken,
    pub name: String,
    /// The pipeline that new leads of this source go into.
    pub pipeline_id: Option<u64>,
    /// Whether leads of no known source count as this one's; at most one source is it. `None` leaves that to Kommo.
    pub default: Option<bool>,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// Which lines are written.
    pub level: LogFilter,
    /// What a line looks like.
    pub format: LogFormat,
}

/// How long things are kept, and how much room they may take.
#[derive(Clone, Debug)]
pub struct Store {
    /// How often the store is written out as a dump.
    pub dump_every: Duration,
    /// How many dumps are kept.
    pub dump_keep: NonZeroU32,
    /// How long the ids of what was seen are remembered, so that it is not taken twice.
    pub dedupe_for: Duration,
    /// How long it is remembered which message here is which one there.
    pub links_for: Duration,
    /// How long an answer stays parked after its author has read that it failed.
    pub parked_for: Duration,
    /// The store's cache in memory.
    pub cache_bytes: u64,
    /// The free disk space below which bots stop polling.
    pub reserve_bytes: u64,
}

/// The links by which Kommo fetches customers' files.
#[derive(Clone, Debug)]
pub struct Media {
    /// How long a link is good.
    pub links_for: Duration,
}

/// What is done about managers' messages that did not come.
#[derive(Clone, Debug)]
pub struct Reconcile {
    /// Whether a start looks for them.
    pub on_start: bool,
    /// How old one may be to be sent; less than the time for which hooks are recognised.
    pub max_age: Duration,
    /// Chats that were silent for longer are compared less often.
    pub chats_within: Duration,
    /// How long after one comparison the next one follows.
    pub every: Duration,
}

/// When a failed call is tried again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The waits between the tries of a call to Kommo. The last one repeats for set-up and comparisons, which never
    /// give up.
    pub kommo: Schedule,
    /// The waits between the tries of a call to Telegram. How many tries a message has is not up to the schedule.
    pub telegram: Schedule,
    /// The longest time between two tries while a person has to act.
    pub probe_every: Duration,
    /// How old an answer may grow before it is reported as failed instead of sent.
    pub give_up_after: Duration,
}
