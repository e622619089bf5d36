//! What those who see that something is wrong note, and what is read of that.

use crate::{
    clock,
    domain::{address::SourceId, job::Route, time::UnixMillis},
    metrics::{BotProblem, Cause, Metrics, Polling, Problem, figures::labels},
};

impl Metrics {
    /// Whether something stands between us and Kommo.
    #[must_use]
    pub fn is_kommo_away(&self) -> bool {
        [Cause::Kommo, Cause::Disconnected].iter().any(|cause| self.troubles.text(cause).is_some())
    }

    /// Notes what stands between us and Kommo; `None` if nothing does.
    pub fn between(&self, trouble: Option<String>) {
        self.note(Cause::Disconnected, None);
        self.note(Cause::Kommo, trouble);
    }

    /// Notes that a command has disconnected the channel, and what to do, or that it has connected it.
    pub fn disconnected(&self, trouble: Option<String>) {
        self.unconnected(None);
        self.between(None);
        self.note(Cause::Disconnected, trouble);
    }

    /// Notes how a bot's polling goes, and returns whether that is news.
    pub fn polling(&self, source: &SourceId, state: Polling) -> bool {
        let trouble = match &state {
            Polling::Working => None,
            Polling::Starting => Some((BotProblem::Starting, "no answer from Telegram yet".to_owned())),
            Polling::Failing(why) => Some((BotProblem::Unreachable, why.clone())),
            Polling::Stopped(kind, why) => Some((*kind, why.clone())),
        };
        let is_up = state == Polling::Working;
        self.figures.bot_up.get_or_create(&labels([("source", source.as_str())])).set(is_up.into());
        self.troubles.put_bot(source, trouble, clock::now());
        self.bots.insert(source.clone(), state.clone()) != Some(state)
    }

    /// Forgets what was wrong with a source whose bot is gone.
    pub fn forget(&self, source: &SourceId) {
        self.bots.remove(source);
        self.hide_source(source);
        self.troubles.put_bot(source, None, clock::now());
        self.paused(&Route::Outbound(source.clone()), None);
        self.note(Cause::Files(source.clone()), None);
    }

    /// Notes that a route has paused, and why, or that it has not. Returns whether that is news.
    pub fn paused(&self, route: &Route, why: Option<String>) -> bool {
        let is_paused = why.is_some();
        self.note(Cause::Paused(route.clone()), why) != is_paused
    }

    /// Notes why the channel is not connected to the account, as far as nothing else tells; `None` if it is.
    pub fn unconnected(&self, why: Option<String>) {
        self.note(Cause::Unanswered, None);
        self.note(Cause::Unconnected, why);
    }

    /// Notes why nobody can tell whether the channel is connected.
    pub fn unanswered(&self, why: String) {
        self.note(Cause::Unconnected, None);
        self.note(Cause::Unanswered, Some(why));
    }

    /// Notes that the channel is connected to another account than the one that is served. A message that Kommo takes
    /// says nothing of where its hooks go, so this stays.
    pub fn connected_elsewhere(&self, why: String) {
        self.note(Cause::Elsewhere, Some(why));
    }

    /// Notes that something is wrong, or that it is not. Returns whether it was before.
    pub fn note(&self, cause: Cause, text: Option<String>) -> bool {
        self.troubles.put(cause, text, clock::now()).is_some()
    }

    /// Notes why Kommo's history cannot be read, or that it can.
    pub fn history_unreadable(&self, why: Option<String>) {
        self.note(Cause::HistoryUnreadable, why);
    }

    /// Why Kommo's history cannot be read, if it was asked for and could not be.
    #[must_use]
    pub fn why_history_unreadable(&self) -> Option<String> {
        self.troubles.text(&Cause::HistoryUnreadable)
    }

    /// Notes that the data directory was rolled back to an older state, and what is to be done.
    pub fn rolled_back(&self, advice: String) {
        self.figures.rewound.inc();
        self.note(Cause::RolledBack, Some(advice));
    }

    /// All that is wrong, as far as it has been noted.
    #[must_use]
    pub fn troubles(&self) -> Vec<Problem> {
        self.troubles.all()
    }

    /// When the last of such troubles was over, if there was one since the start.
    #[must_use]
    pub fn over_at(&self, is_meant: impl Fn(&Cause) -> bool) -> Option<UnixMillis> {
        self.troubles.over_at(is_meant)
    }

    /// How the polling of a bot goes, if it has begun.
    #[must_use]
    pub fn polling_of(&self, source: &SourceId) -> Option<Polling> {
        self.bots.get(source).map(|state| state.clone())
    }

    /// When the bridge started.
    #[must_use]
    pub fn started_at(&self) -> UnixMillis {
        UnixMillis::from_seconds(self.figures.started.get())
    }

    /// Notes when the account's token ends.
    pub fn token_ends(&self, at: UnixMillis) {
        self.figures.token_end.set(at.seconds());
    }

    /// Notes when the certificate of the public address ends.
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

    /// What the operator has to look at although the bridge is ready, one line per trouble.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        // That the history is unread is shown with what is held because of it.
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
        self.troubles().iter().filter(|trouble| which(&trouble.cause)).map(Problem::line).collect()
    }

    /// Whether we seem to be cut off: Kommo does not answer as it should, or no bot is polled and not all for reasons
    /// of their own.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        let is_failing = |state: &Polling| matches!(state, Polling::Failing(_));
        let is_down = |state: &Polling| matches!(state, Polling::Failing(_) | Polling::Stopped(..));
        let bots =
            self.bots.iter().all(|bot| is_down(bot.value())) && self.bots.iter().any(|bot| is_failing(bot.value()));
        bots || self.is_kommo_away()
    }
}

/// An instant that a figure tells, which is 0 for none.
fn known(seconds: i64) -> Option<UnixMillis> {
    (seconds > 0).then(|| UnixMillis::from_seconds(seconds))
}
