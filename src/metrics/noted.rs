//! Recording and reading problems.

use crate::{
    clock,
    domain::{address::SourceId, job::Route, time::UnixMillis},
    metrics::{BotProblem, Cause, Metrics, Polling, Problem, figures::labels},
};

impl Metrics {
    /// Whether Kommo cannot be reached.
    #[must_use]
    pub fn is_kommo_away(&self) -> bool {
        [Cause::Kommo, Cause::Disconnected].iter().any(|cause| self.troubles.text(cause).is_some())
    }

    /// Records why Kommo cannot be reached; `None` if it can.
    pub fn between(&self, problem: Option<String>) {
        self.note(Cause::Disconnected, None);
        self.note(Cause::Kommo, problem);
    }

    /// A command has disconnected the channel; `None` if it has connected it.
    pub fn disconnected(&self, problem: Option<String>) {
        self.unconnected(None);
        self.between(None);
        self.note(Cause::Disconnected, problem);
    }

    /// Records the state of a bot's polling. Returns whether it has changed.
    pub fn polling(&self, source: &SourceId, state: Polling) -> bool {
        let problem = match &state {
            Polling::Working => None,
            Polling::Starting => Some((BotProblem::Starting, "no answer from Telegram yet".to_owned())),
            Polling::Failing(why) => Some((BotProblem::Unreachable, why.clone())),
            Polling::Stopped(kind, why) => Some((*kind, why.clone())),
        };
        let is_up = state == Polling::Working;
        self.figures.bot_up.get_or_create(&labels([("source", source.as_str())])).set(is_up.into());
        self.troubles.put_bot(source, problem, clock::now());
        self.bots.insert(source.clone(), state.clone()) != Some(state)
    }

    /// Forgets the problems of a source whose bot was removed.
    pub fn forget(&self, source: &SourceId) {
        self.bots.remove(source);
        self.hide_source(source);
        self.troubles.put_bot(source, None, clock::now());
        self.paused(&Route::Outbound(source.clone()), None);
        self.note(Cause::Files(source.clone()), None);
    }

    /// Records why a route is paused; `None` if it is not. Returns whether that has changed.
    pub fn paused(&self, route: &Route, why: Option<String>) -> bool {
        let is_paused = why.is_some();
        self.note(Cause::Paused(route.clone()), why) != is_paused
    }

    /// Records why the channel is not connected to the account; `None` if it is.
    pub fn unconnected(&self, why: Option<String>) {
        self.note(Cause::Unanswered, None);
        self.note(Cause::Unconnected, why);
    }

    /// Records why it is not known whether the channel is connected.
    pub fn unanswered(&self, why: String) {
        self.note(Cause::Unconnected, None);
        self.note(Cause::Unanswered, Some(why));
    }

    /// Records that the channel is connected to another account than the one that is served. A message that Kommo
    /// accepts does not show where its hooks go, so this stays.
    pub fn connected_elsewhere(&self, why: String) {
        self.note(Cause::Elsewhere, Some(why));
    }

    /// Records a problem; `None` if there is none. Returns whether there was one before.
    pub fn note(&self, cause: Cause, text: Option<String>) -> bool {
        self.troubles.put(cause, text, clock::now()).is_some()
    }

    /// Records why Kommo's history cannot be read; `None` if it can.
    pub fn history_unreadable(&self, why: Option<String>) {
        self.note(Cause::HistoryUnreadable, why);
    }

    /// Why Kommo's history could not be read, if so.
    #[must_use]
    pub fn why_history_unreadable(&self) -> Option<String> {
        self.troubles.text(&Cause::HistoryUnreadable)
    }

    /// Records that the data directory was rolled back to an older state, with advice.
    pub fn rolled_back(&self, advice: String) {
        self.figures.rewound.inc();
        self.note(Cause::RolledBack, Some(advice));
    }

    /// All recorded problems.
    #[must_use]
    pub fn troubles(&self) -> Vec<Problem> {
        self.troubles.all()
    }

    /// When the last of such problems was over, if there was one since the start.
    #[must_use]
    pub fn over_at(&self, is_selected: impl Fn(&Cause) -> bool) -> Option<UnixMillis> {
        self.troubles.over_at(is_selected)
    }

    /// The state of a bot's polling, if it has begun.
    #[must_use]
    pub fn polling_of(&self, source: &SourceId) -> Option<Polling> {
        self.bots.get(source).map(|state| state.clone())
    }

    /// When the bridge started.
    #[must_use]
    pub fn started_at(&self) -> UnixMillis {
        UnixMillis::from_seconds(self.figures.started.get())
    }

    /// Sets when the account's token ends.
    pub fn token_ends(&self, at: UnixMillis) {
        self.figures.token_end.set(at.seconds());
    }

    /// Sets when the certificate of the public address ends.
    pub fn certificate_ends(&self, at: UnixMillis) {
        self.figures.certificate_end.set(at.seconds());
    }

    /// When the account's token ends, if that is known.
    #[must_use]
    pub fn token_ends_at(&self) -> Option<UnixMillis> {
        known(self.figures.token_end.get())
    }

    /// When the certificate of the public address ends, if that is known.
    #[must_use]
    pub fn certificate_ends_at(&self) -> Option<UnixMillis> {
        known(self.figures.certificate_end.get())
    }

    /// Problems that do not prevent readiness, one line each.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        // Shown with the answers that are held because of it.
        self.lines(|cause| !cause.is_obstacle() && *cause != Cause::HistoryUnreadable)
    }

    /// Why the bridge is not ready, one line per reason; empty if it is.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let mut lines = self.lines(Cause::is_obstacle);
        lines.sort();
        lines
    }

    fn lines(&self, which: impl Fn(&Cause) -> bool) -> Vec<String> {
        self.troubles().iter().filter(|problem| which(&problem.cause)).map(Problem::line).collect()
    }

    /// Whether we seem to be offline: Kommo fails, or no bot is polled, and not all for reasons of their own.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        let is_failing = |state: &Polling| matches!(state, Polling::Failing(_));
        let is_down = |state: &Polling| matches!(state, Polling::Failing(_) | Polling::Stopped(..));
        let bots =
            self.bots.iter().all(|bot| is_down(bot.value())) && self.bots.iter().any(|bot| is_failing(bot.value()));
        bots || self.is_kommo_away()
    }
}

/// The instant of a gauge; 0 is none.
fn known(seconds: i64) -> Option<UnixMillis> {
    (seconds > 0).then(|| UnixMillis::from_seconds(seconds))
}
