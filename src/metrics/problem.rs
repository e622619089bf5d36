//! The current problems: one list for `/ready`, the metrics, the alerts and the status page, so that all of them agree.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::domain::{address::SourceId, job::Route, time::UnixMillis};

/// The cause of a problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A bot is not polled.
    Bot(SourceId, BotProblem),
    /// Nothing is sent on a route.
    Paused(Route),
    /// Kommo fails, or cannot be reached.
    Kommo,
    /// A command has disconnected the channel.
    Disconnected,
    /// It is not known yet whether the channel is connected.
    Unanswered,
    /// The set-up has found that the channel is not connected.
    Unconnected,
    /// The channel is connected to another account.
    Elsewhere,
    /// The store cannot be used, or the disk has no room for it.
    Store,
    /// The disk will be full soon.
    Disk,
    /// The data directory was rolled back to an older state.
    RolledBack,
    /// The store could not be dumped.
    Dump,
    /// This machine's clock is wrong.
    Clock,
    /// The token of the account ends soon.
    Token,
    /// The token of the account has ended.
    TokenEnded,
    /// The certificate of the public address ends soon.
    Certificate,
    /// The certificate of the public listener can be neither read nor renewed.
    Tls,
    /// The public address does not lead here.
    PublicAddress,
    /// Sources in Kommo differ from the configuration.
    Sources,
    /// Messages wait for too long.
    Backlog,
    /// Messages are parked for a person.
    Parked,
    /// Too many messages fail.
    Failures,
    /// No file of this source's customers reaches Kommo.
    Files(SourceId),
    /// Managers' answers are found by the comparison instead of arriving as hooks.
    Hooks,
    /// Kommo's history cannot be read.
    HistoryUnreadable,
    /// A target of alerts fails.
    AlertTarget(String),
    /// The heartbeat fails.
    Heartbeat,
    /// A program of the owner's does not take its updates.
    Program(String),
}

/// Why a bot is not polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BotProblem {
    /// No poll has ended yet.
    Starting,
    /// It cannot be reached, and may recover by itself.
    Unreachable,
    /// Its token is not accepted.
    Revoked,
    /// A webhook is set for it.
    Webhook,
    /// Another program polls it.
    PolledElsewhere,
    /// The Bot API server does not serve it.
    NotServed,
    /// The disk has no room for updates.
    NoRoom,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub cause: Cause,
    /// The problem and advice, for the operator. It contains no text of a customer and no secret.
    pub text: String,
    /// When it was first seen.
    pub since: UnixMillis,
}

impl Cause {
    /// The name of the cause in metrics. It never changes.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bot(_, BotProblem::Starting) => "bot_starting",
            Self::Bot(_, BotProblem::Unreachable) => "bot_unreachable",
            Self::Bot(_, BotProblem::Revoked) => "bot_revoked",
            Self::Bot(_, BotProblem::Webhook) => "bot_webhook",
            Self::Bot(_, BotProblem::PolledElsewhere) => "bot_polled_elsewhere",
            Self::Bot(_, BotProblem::NotServed) => "bot_not_served",
            Self::Bot(_, BotProblem::NoRoom) => "bot_without_room",
            Self::Paused(_) => "route_paused",
            Self::Kommo => "kommo_unreachable",
            Self::Disconnected => "channel_disconnected",
            Self::Unanswered => "channel_unknown",
            Self::Unconnected => "channel_not_connected",
            Self::Elsewhere => "channel_connected_elsewhere",
            Self::Store => "store",
            Self::Disk => "disk",
            Self::RolledBack => "data_rewound",
            Self::Dump => "dump",
            Self::Clock => "clock",
            Self::Token => "token",
            Self::TokenEnded => "token_ended",
            Self::Certificate => "certificate",
            Self::Tls => "tls",
            Self::PublicAddress => "public_address",
            Self::Sources => "sources",
            Self::Backlog => "backlog",
            Self::Parked => "parked",
            Self::Failures => "failures",
            Self::Files(_) => "files",
            Self::Hooks => "hooks",
            Self::HistoryUnreadable => "history",
            Self::AlertTarget(_) => "alert_target",
            Self::Heartbeat => "heartbeat",
            Self::Program(_) => "program",
        }
    }

    /// What it concerns, if there can be several of a kind: a source, a route, a target.
    #[must_use]
    pub fn of(&self) -> Option<String> {
        match self {
            Self::Bot(source, _) | Self::Files(source) => Some(source.to_string()),
            Self::Paused(route) => Some(route.to_string()),
            Self::AlertTarget(name) | Self::Program(name) => Some(name.clone()),
            Self::Kommo
            | Self::Disconnected
            | Self::Unanswered
            | Self::Unconnected
            | Self::Elsewhere
            | Self::Store
            | Self::Disk
            | Self::RolledBack
            | Self::Dump
            | Self::Clock
            | Self::Token
            | Self::TokenEnded
            | Self::Certificate
            | Self::Tls
            | Self::PublicAddress
            | Self::Sources
            | Self::Backlog
            | Self::Parked
            | Self::Failures
            | Self::Hooks
            | Self::HistoryUnreadable
            | Self::Heartbeat => None,
        }
    }

    /// Whether it prevents readiness.
    #[must_use]
    pub const fn is_obstacle(&self) -> bool {
        match self {
            Self::Bot(..)
            | Self::Paused(_)
            | Self::Kommo
            | Self::Disconnected
            | Self::Unanswered
            | Self::Unconnected
            | Self::Elsewhere
            | Self::Store => true,
            Self::Disk
            | Self::RolledBack
            | Self::Dump
            | Self::Clock
            | Self::Token
            | Self::TokenEnded
            | Self::Certificate
            | Self::Tls
            | Self::PublicAddress
            | Self::Sources
            | Self::Backlog
            | Self::Parked
            | Self::Failures
            | Self::Files(_)
            | Self::Hooks
            | Self::HistoryUnreadable
            | Self::AlertTarget(_)
            | Self::Heartbeat
            | Self::Program(_) => false,
        }
    }

    /// The prefix of its text in `/ready`.
    fn label(&self) -> String {
        match self {
            Self::Bot(source, _) => format!("bot {source}: "),
            Self::Paused(route) => format!("{route} has paused: "),
            Self::Kommo | Self::Disconnected | Self::Unanswered | Self::Unconnected | Self::Elsewhere => {
                "kommo: ".to_owned()
            }
            Self::Store => "store: ".to_owned(),
            Self::Disk => "disk: ".to_owned(),
            Self::Dump => "dump: ".to_owned(),
            Self::Clock => "clock: ".to_owned(),
            Self::Token | Self::TokenEnded => "token: ".to_owned(),
            Self::Certificate | Self::Tls => "certificate: ".to_owned(),
            Self::PublicAddress => "public address: ".to_owned(),
            Self::Sources => "sources: ".to_owned(),
            Self::Backlog => "waiting: ".to_owned(),
            Self::Parked => "parked: ".to_owned(),
            Self::Failures => "failed: ".to_owned(),
            Self::AlertTarget(name) => format!("alerts to {name}: "),
            Self::Heartbeat => "heartbeat: ".to_owned(),
            Self::Program(name) => format!("program {name}: "),
            Self::HistoryUnreadable => "Kommo's history cannot be compared: ".to_owned(),
            // Their texts name the subject themselves.
            Self::Files(_) | Self::Hooks | Self::RolledBack => String::new(),
        }
    }
}

impl Problem {
    /// The line in `/ready`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}{}", self.cause.label(), self.text)
    }
}

/// The problems of one bridge.
#[derive(Debug, Default)]
pub(super) struct Problems(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wrong: BTreeMap<Cause, (String, UnixMillis)>,
    /// When each past problem was last over.
    over: BTreeMap<Cause, UnixMillis>,
}

impl Problems {
    /// Records the problem of a cause; `None` if there is none. A continuing problem keeps its start. Returns the
    /// previous text.
    pub(super) fn put(&self, cause: Cause, text: Option<String>, now: UnixMillis) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.wrong.remove(&cause);
        let since = before.as_ref().map_or(now, |(_, since)| *since);
        if let Some(text) = text {
            state.wrong.insert(cause, (text, since));
        } else if before.is_some() {
            state.over.insert(cause, now);
        }
        before.map(|(text, _)| text)
    }

    /// The same for a bot, which has one problem at most.
    pub(super) fn put_bot(&self, source: &SourceId, trouble: Option<(BotProblem, String)>, now: UnixMillis) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = trouble.as_ref().map(|(kind, _)| *kind);
        let is_over = |cause: &Cause| matches!(cause, Cause::Bot(of, other) if of == source && Some(*other) != kind);
        let over: Vec<_> = state.wrong.extract_if(.., |cause, _| is_over(cause)).map(|(cause, _)| cause).collect();
        state.over.extend(over.into_iter().map(|cause| (cause, now)));
        if let Some((kind, text)) = trouble {
            let entry = state.wrong.entry(Cause::Bot(source.clone(), kind)).or_insert_with(|| (String::new(), now));
            entry.0 = text;
        }
    }

    pub(super) fn text(&self, cause: &Cause) -> Option<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.wrong.get(cause).map(|(text, _)| text.clone())
    }

    /// When the last of such problems was over, if there was one.
    pub(super) fn over_at(&self, is_selected: impl Fn(&Cause) -> bool) -> Option<UnixMillis> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.over.iter().filter(|(cause, _)| is_selected(cause)).map(|(_, at)| *at).max()
    }

    pub(super) fn all(&self) -> Vec<Problem> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = |(cause, (text, since)): (&Cause, &(String, UnixMillis))| Problem {
            cause: cause.clone(),
            text: text.clone(),
            since: *since,
        };
        state.wrong.iter().map(trouble).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuing_problem_keeps_its_start_and_a_mended_one_is_removed() {
        let troubles = Problems::default();
        assert_eq!(troubles.put(Cause::Kommo, Some("no answer".to_owned()), UnixMillis(10)), None);
        let before = troubles.put(Cause::Kommo, Some("503".to_owned()), UnixMillis(20));
        assert_eq!(before.as_deref(), Some("no answer"));
        let all = troubles.all();
        assert_eq!((all[0].line().as_str(), all[0].since), ("kommo: 503", UnixMillis(10)));
        troubles.put(Cause::Kommo, None, UnixMillis(30));
        assert_eq!(troubles.all(), []);
        troubles.put(Cause::Kommo, None, UnixMillis(40));
        assert_eq!(troubles.over_at(|cause| *cause == Cause::Kommo), Some(UnixMillis(30)));
        assert_eq!(troubles.over_at(|cause| *cause == Cause::Dump), None);
    }

    #[test]
    fn a_bot_has_one_problem_which_starts_again_if_its_kind_changes() {
        let (troubles, source) = (Problems::default(), SourceId::parse("sales").unwrap());
        let other = SourceId::parse("support").unwrap();
        let put = |kind, at| troubles.put_bot(&source, Some((kind, "x".to_owned())), UnixMillis(at));
        troubles.put_bot(&other, Some((BotProblem::Webhook, "y".to_owned())), UnixMillis(1));
        put(BotProblem::Unreachable, 10);
        put(BotProblem::Unreachable, 20);
        let since = || troubles.all().into_iter().map(|it| (it.cause.name(), it.since.0)).collect::<Vec<_>>();
        assert_eq!(since(), [("bot_unreachable", 10), ("bot_webhook", 1)]);
        put(BotProblem::Revoked, 30);
        assert_eq!(since(), [("bot_revoked", 30), ("bot_webhook", 1)]);
        let over_at = || troubles.over_at(|cause| matches!(cause, Cause::Bot(of, _) if *of == source));
        assert_eq!(over_at(), Some(UnixMillis(30)), "that it could not be reached is over");
        troubles.put_bot(&source, None, UnixMillis(40));
        assert_eq!(over_at(), Some(UnixMillis(40)));
        troubles.put_bot(&source, None, UnixMillis(50));
        assert_eq!(over_at(), Some(UnixMillis(40)), "there was no other problem");
        assert_eq!(since(), [("bot_webhook", 1)]);
    }
}
