//! The series that exist from the start: every counter begins at 0, so that the first event is an increase.

use std::collections::BTreeSet;

use prometheus_client::metrics::family::Family;

use crate::{
    domain::{address::SourceId, job::Route, message::KINDS, time::UnixMillis},
    metrics::{
        BotProblem, Cause, Metrics,
        figures::{Labels, labels},
        messages::{Direction, kind_label},
    },
};

/// The labels of a bridge.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub sources: BTreeSet<SourceId>,
    /// The targets of alerts.
    pub targets: BTreeSet<String>,
    /// The owner's own programs.
    pub programs: BTreeSet<String>,
    /// Outcomes of hooks.
    pub hooks: Vec<&'static str>,
    /// Outcomes of jobs.
    pub jobs: Vec<&'static str>,
}

impl Metrics {
    /// Creates the expected series at 0.
    pub fn expect(&self, expected: &Expected, now: UnixMillis) {
        let figures = &self.figures;
        // A reload is no start.
        if figures.started.get() == 0 {
            figures.started.set(now.seconds());
        }
        for source in &expected.sources {
            self.expect_source(source);
        }
        for outcome in &expected.hooks {
            ensure_series(&figures.hooks, &labels([("outcome", outcome)]));
        }
        let outbound = expected.sources.iter().cloned().map(Route::Outbound);
        for route in [Route::Inbound, Route::Status, Route::Crm, Route::Undeliverable].into_iter().chain(outbound) {
            let route = route.to_string();
            for outcome in &expected.jobs {
                ensure_series(&figures.jobs, &labels([("route", &route), ("outcome", outcome)]));
            }
            ensure_series(&figures.waiting, &labels([("route", &route)]));
            ensure_series(&figures.oldest_seconds, &labels([("route", &route)]));
        }
        for outcome in ["answered", "failed"] {
            ensure_series(&figures.kommo_calls, &labels([("outcome", outcome)]));
        }
        for outcome in ["complete", "partial", "restarted"] {
            ensure_series(&figures.comparisons, &labels([("outcome", outcome)]));
        }
        for outcome in ["heard", "failed"] {
            ensure_series(&figures.heartbeats, &labels([("outcome", outcome)]));
        }
        for target in &expected.targets {
            for outcome in ["sent", "failed"] {
                ensure_series(&figures.alerts, &labels([("target", target), ("outcome", outcome)]));
            }
        }
        for program in &expected.programs {
            let of = labels([("program", program)]);
            ensure_series(&figures.program_waiting, &of);
            ensure_series(&figures.program_oldest_seconds, &of);
            ensure_series(&figures.program_dropped, &of);
            ensure_series(&figures.program_withheld, &of);
        }
        self.expect_calls();
        self.show_troubles(expected);
    }

    fn expect_source(&self, source: &SourceId) {
        let (figures, name) = (&self.figures, source.as_str());
        for outcome in ["stored", "known"] {
            ensure_series(&figures.updates, &labels([("source", name), ("outcome", outcome)]));
        }
        for outcome in ["answered", "failed", "stopped"] {
            ensure_series(&figures.polls, &labels([("source", name), ("outcome", outcome)]));
        }
        for outcome in ["served", "failed"] {
            ensure_series(&figures.files, &labels([("source", name), ("outcome", outcome)]));
        }
        for direction in [Direction::Inbound, Direction::Outbound] {
            let of = || [("source", name), ("direction", direction.name())];
            let [source, direction] = of();
            for kind in KINDS.map(kind_label) {
                for outcome in ["received", "delivered"] {
                    let all = [source, direction, ("kind", kind.as_str()), ("outcome", outcome)];
                    ensure_series(&figures.messages, &labels(all));
                }
            }
            for outcome in ["parked", "reported"] {
                ensure_series(&figures.failed_messages, &labels([source, direction, ("outcome", outcome)]));
            }
            ensure_series(&figures.delivery_seconds, &labels(of()));
        }
        ensure_series(&figures.answer_seconds, &labels([("source", name)]));
        ensure_series(&figures.bot_up, &labels([("source", name)]));
    }

    /// Removes the state of a source whose bot was removed. Counters stay.
    pub(super) fn hide_source(&self, source: &SourceId) {
        self.figures.bot_up.remove(&labels([("source", source.as_str())]));
        let expected = Expected { sources: [source.clone()].into(), ..Expected::default() };
        let is_of_it = |cause: &Cause| match cause {
            Cause::Bot(of, _) | Cause::Files(of) | Cause::Paused(Route::Outbound(of)) => of == source,
            _ => false,
        };
        for cause in all_causes(&expected).into_iter().filter(is_of_it) {
            self.figures.trouble.remove(&of(&cause));
        }
    }

    /// Sets for every cause whether there is a problem.
    pub fn show_troubles(&self, expected: &Expected) {
        let troubles = self.troubles();
        let trouble = &self.figures.trouble;
        for cause in all_causes(expected) {
            trouble.get_or_create(&of(&cause)).set(0);
        }
        for problem in &troubles {
            trouble.get_or_create(&of(&problem.cause)).set(1);
        }
        self.figures.ready.set((!troubles.iter().any(|trouble| trouble.cause.is_obstacle())).into());
    }
}

/// Creates a series at 0.
pub(super) fn ensure_series<M: Clone>(family: &Family<Labels, M>, of: &Labels) {
    drop(family.get_or_create(of));
}

fn of(cause: &Cause) -> Vec<(&'static str, String)> {
    labels([("cause", cause.name()), ("of", &cause.of().unwrap_or_default())])
}

/// Every possible cause.
fn all_causes(expected: &Expected) -> Vec<Cause> {
    let kinds = [
        BotProblem::Starting,
        BotProblem::Unreachable,
        BotProblem::Revoked,
        BotProblem::Webhook,
        BotProblem::PolledElsewhere,
        BotProblem::NotServed,
        BotProblem::NoRoom,
    ];
    let of_source = |source: &SourceId| {
        let bots = kinds.map(|kind| Cause::Bot(source.clone(), kind));
        let more = [Cause::Files(source.clone()), Cause::Paused(Route::Outbound(source.clone()))];
        bots.into_iter().chain(more).collect::<Vec<_>>()
    };
    let single = [
        Cause::Paused(Route::Inbound),
        Cause::Paused(Route::Status),
        Cause::Paused(Route::Crm),
        Cause::Kommo,
        Cause::Disconnected,
        Cause::Unanswered,
        Cause::Unconnected,
        Cause::Elsewhere,
        Cause::Store,
        Cause::Disk,
        Cause::RolledBack,
        Cause::Dump,
        Cause::Clock,
        Cause::Token,
        Cause::TokenEnded,
        Cause::Certificate,
        Cause::Tls,
        Cause::PublicAddress,
        Cause::Sources,
        Cause::Backlog,
        Cause::Parked,
        Cause::Failures,
        Cause::Hooks,
        Cause::HistoryUnreadable,
        Cause::Heartbeat,
    ];
    let targets = expected.targets.iter().cloned().map(Cause::AlertTarget);
    let programs = expected.programs.iter().cloned().map(Cause::Program);
    expected.sources.iter().flat_map(of_source).chain(single).chain(targets).chain(programs).collect()
}
