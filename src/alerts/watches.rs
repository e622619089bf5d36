//! The table of watches: maps problems to alerts. One fault shows in several places. A revoked token stops the bot's
//! polling and its sending; while Kommo does not answer, messages wait. So each watch names those that explain it:
//! while one of these has a problem, only that one fires.

use std::collections::BTreeMap;

use crate::{
    alerts::state::{Key, Level, Reading, State, Wrong},
    domain::{address::SourceId, job::Route, time::UnixMillis},
    metrics::{BotProblem, Cause, Problem},
};

/// A kind of problem that alerts report.
#[derive(Debug)]
pub struct Watch {
    /// Its name in messages for programs and in the saved state. It never changes.
    pub name: &'static str,
    /// The problem in a few words; `{}` stands for what it concerns.
    pub title: &'static str,
    /// The watches that explain it.
    explained_by: &'static [&'static str],
}

const BOTS: [&str; 5] = ["telegram", "bot_revoked", "bot_webhook", "bot_polled_elsewhere", "bot_not_served"];

/// Every watch.
pub const WATCHES: [Watch; 29] = [
    watch("telegram", "Telegram does not answer", &[]),
    watch("bot_revoked", "The token of bot {} is not accepted", &BOTS),
    watch("bot_webhook", "A webhook is set for bot {}", &BOTS),
    watch("bot_polled_elsewhere", "Another program polls bot {}", &BOTS),
    watch("bot_not_served", "The Bot API server does not serve bot {}", &BOTS),
    watch("bot_sending", "Bot {} cannot send", &BOTS),
    watch("kommo", "Kommo does not answer", &[]),
    watch("channel", "Kommo does not accept the channel", &["kommo", "clock"]),
    watch("account", "The account cannot be used", &["kommo", "clock", "token_ended"]),
    watch("other_route", "A route has paused", &[]),
    watch("disk", "The disk is nearly full", &[]),
    watch("data_rewound", "The data directory was rolled back to an older state", &[]),
    watch("dump", "The store cannot be dumped", &["disk"]),
    watch("clock", "This machine's clock is wrong", &[]),
    watch("token", "The token of the account ends soon", &[]),
    watch("token_ended", "The token of the account has ended", &[]),
    watch("certificate", "The certificate of the public address ends soon", &[]),
    watch("tls", "The certificate can be neither read nor renewed", &[]),
    watch("public_address", "The public address does not lead to telekommo", &[]),
    watch("sources", "Sources in Kommo differ from the configuration", &["kommo", "account", "token_ended"]),
    watch(
        "backlog",
        "Messages wait for too long",
        &[
            "telegram",
            "bot_revoked",
            "bot_not_served",
            "bot_sending",
            "kommo",
            "channel",
            "account",
            "token_ended",
            "clock",
            "other_route",
        ],
    ),
    watch("parked", "Messages are parked", &[]),
    watch("failures", "Too many messages fail", &[]),
    watch("files", "Kommo gets no files of the customers of bot {}", &BOTS),
    watch("hooks", "Kommo's hooks do not arrive", &["public_address"]),
    watch("history", "Kommo's history cannot be compared", &["kommo", "channel", "clock"]),
    watch("alert_target", "Alerts do not reach {}", &["telegram"]),
    watch("heartbeat", "The heartbeat reaches nobody", &[]),
    watch("program", "Program {} does not take its updates", &[]),
];

const fn watch(name: &'static str, title: &'static str, explained_by: &'static [&'static str]) -> Watch {
    Watch { name, title, explained_by }
}

/// The watch with this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Watch> {
    WATCHES.iter().find(|watch| watch.name == name)
}

/// The key of a cause; `None` if another cause reports it in any case.
fn key(cause: &Cause) -> Option<Key> {
    let of = cause.of();
    let of = of.as_deref();
    Some(match cause {
        // All bots use one connection.
        Cause::Bot(_, BotProblem::Unreachable) => Key::new("telegram", None),
        Cause::Bot(_, BotProblem::Revoked) => Key::new("bot_revoked", of),
        Cause::Bot(_, BotProblem::Webhook) => Key::new("bot_webhook", of),
        Cause::Bot(_, BotProblem::PolledElsewhere) => Key::new("bot_polled_elsewhere", of),
        Cause::Bot(_, BotProblem::NotServed) => Key::new("bot_not_served", of),
        Cause::Bot(_, BotProblem::Starting | BotProblem::NoRoom) => return None,
        Cause::Paused(Route::Outbound(source)) => Key::new("bot_sending", Some(source.as_str())),
        Cause::Paused(Route::Inbound | Route::Status) | Cause::Disconnected | Cause::Unconnected | Cause::Elsewhere => {
            Key::new("channel", None)
        }
        Cause::Paused(Route::Crm) => Key::new("account", None),
        Cause::Paused(Route::Undeliverable) => Key::new("other_route", None),
        Cause::Kommo | Cause::Unanswered => Key::new("kommo", None),
        Cause::Store | Cause::Disk => Key::new("disk", None),
        Cause::HistoryUnreadable => Key::new("history", None),
        Cause::RolledBack
        | Cause::Dump
        | Cause::Clock
        | Cause::Token
        | Cause::TokenEnded
        | Cause::Certificate
        | Cause::Tls
        | Cause::PublicAddress
        | Cause::Sources
        | Cause::Backlog
        | Cause::Parked
        | Cause::Failures
        | Cause::Files(_)
        | Cause::Hooks
        | Cause::AlertTarget(_)
        | Cause::Heartbeat
        | Cause::Program(_) => Key::new(cause.name(), of),
    })
}

/// Problems by key.
type Bad = BTreeMap<Key, Vec<Problem>>;

/// The readings of all problems and of all firing keys. Before the bridge `is_settled`, it cannot know that something
/// works: it has not tried yet.
#[must_use]
pub fn readings(troubles: &[Problem], state: &State, is_settled: bool) -> Vec<Reading> {
    let mut bad = Bad::new();
    for trouble in troubles {
        if let Some(key) = key(&trouble.cause) {
            bad.entry(key).or_default().push(trouble.clone());
        }
    }
    let wrong = bad.iter().map(|(key, troubles)| {
        let is_explained = !state.is_firing(key) && (is_explained(key, bad.keys()) || was_explained(key, state));
        let wrong = wrong(troubles);
        let level = if is_explained { Level::Explained(wrong) } else { Level::Bad(wrong) };
        Reading { key: key.clone(), level }
    });
    let firing = state.firing().filter(|key| !bad.contains_key(*key)).map(|key| {
        let is_unknown = !is_settled || is_starting(key, troubles) || is_explained(key, bad.keys());
        Reading { key: key.clone(), level: if is_unknown { Level::Unknown } else { Level::Good } }
    });
    wrong.chain(firing).collect()
}

/// Whether one of `others` explains a key.
fn is_explained<'k>(key: &Key, mut others: impl Iterator<Item = &'k Key>) -> bool {
    others.any(|other| other != key && explains(other, key))
}

/// Whether a firing key explains this one. Keys that explain each other do not count: they would wait for each other.
fn was_explained(key: &Key, state: &State) -> bool {
    is_explained(key, state.firing().filter(|other| !explains(key, other)))
}

fn explains(one: &Key, other: &Key) -> bool {
    let explained_by = named(other.watch()).map_or(&[][..], |watch| watch.explained_by);
    let is_about_it = one.of().is_none() || other.of().is_none() || one.of() == other.of();
    is_about_it && explained_by.contains(&one.watch())
}

/// Whether a bot that a key concerns has not been polled yet.
fn is_starting(key: &Key, troubles: &[Problem]) -> bool {
    let is_about = |source: &SourceId| key.of().is_none_or(|of| of == source.as_str());
    let mut starting = troubles.iter().filter_map(|trouble| match &trouble.cause {
        Cause::Bot(source, BotProblem::Starting) => Some(source),
        _ => None,
    });
    BOTS.contains(&key.watch()) && starting.any(is_about)
}

fn wrong(troubles: &[Problem]) -> Wrong {
    let mut lines: Vec<String> = Vec::new();
    for trouble in troubles {
        // The line names the bot: there may be several.
        let line = if matches!(trouble.cause, Cause::Bot(..)) { trouble.line() } else { trouble.text.clone() };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let since = troubles.iter().map(|trouble| trouble.since).min().unwrap_or(UnixMillis(0));
    Wrong { text: lines.join("\n"), since }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::alerts::state::{Now, Rules};

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn source(name: &str) -> SourceId {
        SourceId::parse(name).unwrap()
    }

    fn trouble(cause: Cause) -> Problem {
        Problem { text: format!("{} is wrong", cause.name()), cause, since: NOW }
    }

    /// The events of these causes.
    fn events_of(state: &mut State, causes: &[Cause], is_settled: bool) -> Vec<String> {
        let rules = Rules { after: Duration::ZERO, remind_after: Duration::from_hours(1) };
        let troubles: Vec<_> = causes.iter().cloned().map(trouble).collect();
        let now = Now { steady: NOW, wall: NOW };
        let events = state.step(&readings(&troubles, state, is_settled), now, &rules);
        events.into_iter().map(|event| format!("{:?} {}", event.kind, event.key.watch())).collect()
    }

    #[test]
    fn every_watch_has_a_name_of_its_own_and_explanations_that_exist() {
        for (n, watch) in WATCHES.iter().enumerate() {
            assert_eq!(WATCHES.iter().position(|other| other.name == watch.name), Some(n), "{}", watch.name);
            assert!(watch.explained_by.iter().all(|name| named(name).is_some()), "{}", watch.name);
        }
    }

    #[test]
    fn one_fault_fires_once_wherever_it_shows() {
        let sales = || source("sales");
        let bot = |kind| Cause::Bot(sales(), kind);
        let paused = || Cause::Paused(Route::Outbound(sales()));
        for (causes, want) in [
            (vec![bot(BotProblem::Revoked), paused(), Cause::Backlog], vec!["Firing bot_revoked"]),
            (vec![bot(BotProblem::Unreachable), paused(), Cause::Files(sales())], vec!["Firing telegram"]),
            (
                vec![Cause::Paused(Route::Inbound), Cause::Paused(Route::Status), Cause::Unconnected],
                vec!["Firing channel"],
            ),
            (
                vec![Cause::Kommo, Cause::Unconnected, Cause::Paused(Route::Crm), Cause::HistoryUnreadable],
                vec!["Firing kommo"],
            ),
            (vec![Cause::Clock, Cause::Paused(Route::Inbound), Cause::Backlog], vec!["Firing clock"]),
            (vec![Cause::TokenEnded, Cause::Paused(Route::Crm), Cause::Sources], vec!["Firing token_ended"]),
            (vec![Cause::Store, Cause::Disk, Cause::Dump, bot(BotProblem::NoRoom)], vec!["Firing disk"]),
            (vec![Cause::PublicAddress, Cause::Hooks], vec!["Firing public_address"]),
            (vec![paused()], vec!["Firing bot_sending"]),
            (vec![Cause::Backlog, Cause::Parked], vec!["Firing backlog", "Firing parked"]),
        ] {
            assert_eq!(events_of(&mut State::default(), &causes, true), want, "{causes:?}");
        }
    }

    #[test]
    fn another_bots_problem_explains_nothing() {
        let mut state = State::default();
        let revoked = Cause::Bot(source("sales"), BotProblem::Revoked);
        let other = Cause::Paused(Route::Outbound(source("support")));
        assert_eq!(events_of(&mut state, &[revoked, other], true), ["Firing bot_revoked", "Firing bot_sending"]);
    }

    #[test]
    fn a_firing_key_resolves_only_when_that_is_known() {
        let mut state = State::default();
        let bot = |kind| Cause::Bot(source("sales"), kind);
        assert_eq!(events_of(&mut state, &[bot(BotProblem::Revoked)], true), ["Firing bot_revoked"]);
        assert_eq!(
            events_of(&mut state, &[bot(BotProblem::Unreachable)], true),
            ["Firing telegram"],
            "that is not known"
        );
        assert_eq!(events_of(&mut state, &[], false), [""; 0], "it has not been tried yet");
        let starting = [bot(BotProblem::Starting)];
        assert_eq!(events_of(&mut state, &starting, true), [""; 0], "it has not been polled yet");
        assert_eq!(events_of(&mut state, &[], true), ["Resolved bot_revoked", "Resolved telegram"]);
    }

    #[test]
    fn consequences_of_a_fault_have_time_to_end_with_it() {
        let rules = Rules { after: Duration::from_secs(30), remind_after: Duration::from_hours(1) };
        let (mut state, mut fired) = (State::default(), Vec::new());
        let mut observe = |causes: &[Cause], from: u64, until: u64| {
            for second in (from..until).step_by(10) {
                let now = NOW.plus(Duration::from_secs(second));
                let troubles: Vec<_> = causes.iter().cloned().map(trouble).collect();
                let readings = readings(&troubles, &state, true);
                let events = state.step(&readings, Now { steady: now, wall: now }, &rules);
                fired.extend(events.into_iter().map(|event| format!("{second} {:?} {}", event.kind, event.key)));
            }
        };
        let refused = Cause::Paused(Route::Inbound);
        observe(&[Cause::Clock, refused.clone()], 0, 100);
        // The clock is right. The next probe comes a minute later.
        observe(std::slice::from_ref(&refused), 100, 170);
        observe(&[], 170, 300);
        observe(&[refused], 300, 400);
        assert_eq!(fired, ["30 Firing clock", "130 Resolved clock", "330 Firing channel"]);
    }

    #[test]
    fn two_problems_of_one_bot_do_not_wait_for_each_other() {
        let mut state = State::default();
        let bot = |kind| [Cause::Bot(source("sales"), kind)];
        assert_eq!(events_of(&mut state, &bot(BotProblem::Webhook), true), ["Firing bot_webhook"]);
        assert_eq!(events_of(&mut state, &bot(BotProblem::Revoked), true), ["Firing bot_revoked"]);
        assert_eq!(events_of(&mut state, &[], true), ["Resolved bot_revoked", "Resolved bot_webhook"]);
    }

    #[test]
    fn bots_on_one_connection_are_reported_together() {
        let troubles = ["sales", "support"].map(|name| trouble(Cause::Bot(source(name), BotProblem::Unreachable)));
        let readings = readings(&troubles, &State::default(), true);
        let Level::Bad(Wrong { text, .. }) = &readings[0].level else { panic!("{readings:?}") };
        assert_eq!(text, "bot sales: bot_unreachable is wrong\nbot support: bot_unreachable is wrong");
        assert_eq!(readings.len(), 1);
    }
}
