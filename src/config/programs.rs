//! Settings of the owner's programs that share a bot with Kommo, and of their gateway.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::{
    config::{
        BotToken,
        error::{Reported, Wrong},
        keys::{PROGRAMS, SOURCES},
        parse,
        section::Section,
        sections::Reading,
    },
    domain::{
        address::SourceId,
        program::{LONGEST_QUIET, Leads, Pattern, Sees},
    },
};

/// A program of the owner's, which shares a bot with Kommo.
#[derive(Clone, Debug)]
pub struct Program {
    /// The source whose bot it is.
    pub source: SourceId,
    /// The program's substitute for the bot's token. It begins with the bot's id as well.
    pub secret: BotToken,
    /// The author of its messages in Kommo; `None` for the channel's bot.
    pub name: Option<String>,
    /// Whether its messages create leads.
    pub leads: Leads,
    /// Updates that are for the program alone, and not relayed to Kommo.
    pub hide: Vec<Pattern>,
    /// Which updates it gets.
    pub sees: Sees,
    /// For how long after a manager's message the chat's updates are withheld from it; `None` for never.
    pub quiet: Option<Duration>,
}

/// Settings of the gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The address to bind, if there is a program. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// How long updates are kept that a program has not confirmed.
    pub keep: Duration,
    /// How many bytes all of them may take.
    pub max_bytes: u64,
    /// Whether webhooks of programs may be plain http, and in private networks.
    pub allow_private: bool,
}

/// The longest time that updates are kept, as at Telegram (Bot API, "Getting updates").
const MAX_KEEP: Duration = Duration::from_hours(24);
/// The fewest characters after the colon of a secret.
const MIN_SECRET_CHARS: usize = 20;

pub(super) fn read(reading: &Reading<'_>) -> Result<BTreeMap<String, Program>, Reported> {
    let read: Vec<_> = reading.section(&[PROGRAMS]).names().map(|name| program(reading, name)).collect();
    read.into_iter().collect()
}

fn program<'a>(reading: &Reading<'a>, name: &'a str) -> Result<(String, Program), Reported> {
    let section = reading.section(&[PROGRAMS, name]);
    let source_of = |text: &str| {
        let known = reading.section(&[SOURCES]).names().find(|known| *known == text);
        let source = known.and_then(|known| SourceId::parse(known).ok());
        source.ok_or_else(|| Wrong::new("is none of the sources: write the name of one"))
    };
    let (source, own) = (section.optional("source", source_of), section.optional_secret("secret", secret));
    let shown = section.optional("name", parse::line);
    let leads = section.optional("leads", leads);
    let hide = section.optional("hide", patterns);
    let sees = section.optional("sees", sees);
    let quiet = section.optional("quiet_while_manager", quiet);
    // Wrong values are reported before missing ones.
    let (source, own, shown, leads, hide, sees, quiet) = (source?, own?, shown?, leads?, hide?, sees?, quiet?);
    let (source, own) = (
        required(source, &section, "source", source_of),
        own.map_or_else(|| section.required_secret("secret", secret), Ok),
    );
    if !parse::is_word(name) {
        return Err(
            section.report("source", "the name of the section is no program's: write 1 to 32 of A-Z a-z 0-9 _ -")
        );
    }
    let program = Program {
        source: source?,
        secret: own?,
        name: shown,
        leads: leads.unwrap_or_default(),
        hide: hide.unwrap_or_default(),
        sees: sees.unwrap_or_default(),
        quiet,
    };
    Ok((name.to_owned(), program))
}

fn required<T>(
    written: Option<T>,
    section: &Section<'_>,
    key: &str,
    parse: impl Fn(&str) -> Result<T, Wrong>,
) -> Result<T, Reported> {
    written.map_or_else(|| section.required(key, parse), Ok)
}

pub(super) fn gateway(reading: &Reading<'_>) -> Result<Gateway, Reported> {
    let section = reading.section(&["gateway"]);
    let listen = section.required("listen", parse::socket_address);
    let keep = section.required("keep", keep);
    let max_bytes = section.required("max_mb", parse::mebibytes);
    let allow_private = section.required("allow_private", parse::flag);
    Ok(Gateway { listen: listen?, keep: keep?, max_bytes: max_bytes?, allow_private: allow_private? })
}

fn secret(text: &str) -> Result<BotToken, Wrong> {
    let letters = text.split_once(':').map_or(0, |(_, letters)| letters.len());
    BotToken::parse(text).ok().filter(|_| letters >= MIN_SECRET_CHARS).ok_or_else(|| {
        Wrong::new(
            "is no secret for a program: write the bot's number, a colon, and at least 20 of A-Z, a-z, 0-9, _ and - \
             that nobody guesses",
        )
    })
}

fn leads(text: &str) -> Result<Leads, Wrong> {
    match text {
        "never" => Ok(Leads::Never),
        "known" => Ok(Leads::Known),
        "always" => Ok(Leads::Always),
        _ => Err(Wrong::new("is none of \"never\", \"known\" and \"always\": write one of them")),
    }
}

fn sees(text: &str) -> Result<Sees, Wrong> {
    match text {
        "all" => Ok(Sees::All),
        "not-ours" => Ok(Sees::NotOurs),
        _ => Err(Wrong::new("is neither \"all\" nor \"not-ours\": write one of them")),
    }
}

fn quiet(text: &str) -> Result<Duration, Wrong> {
    let fits = |quiet: &Duration| quiet.subsec_nanos() == 0 && *quiet <= LONGEST_QUIET;
    parse::duration(text).ok().filter(fits).ok_or_else(|| {
        Wrong::new("is not a time for which a program is quiet: write whole seconds above 0 and up to \"24h\"")
    })
}

fn patterns(text: &str) -> Result<Vec<Pattern>, Wrong> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(Pattern::parse).collect::<Option<_>>().ok_or_else(|| {
        Wrong::new(
            "is not a list of what a program keeps for itself: write commands, such as \"/order\", and the data of \
             buttons, such as \"cb:cart:*\"",
        )
    })
}

fn keep(text: &str) -> Result<Duration, Wrong> {
    parse::duration(text).ok().filter(|keep| *keep <= MAX_KEEP).ok_or_else(|| {
        Wrong::new("is not a time for which updates are kept: write a duration above 0 and up to \"24h\"")
    })
}
