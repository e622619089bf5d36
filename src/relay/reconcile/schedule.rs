//! When comparisons run: at a start, after an outage, and every hour (`reconcile.every`).
//!
//! telekommo notices an outage in which it cannot reach Telegram or Kommo. It does not notice one in which only Kommo
//! cannot reach it, so a comparison also runs every hour without any occasion. A manager may write to a customer who
//! has been silent for long, so it makes one or two requests for every active chat, the most active first, at a seventh
//! of the rate that Kommo allows: with the default of seven requests a second that is one. A thousand chats take a
//! quarter of an hour; if a comparison takes longer than the interval, the next one follows at its end.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{self, Moment},
    domain::amount::duration_in_words,
    relay::reconcile::{MAX_FAILURES, ReconcileSummary, Reconciler, Search, run::Worked},
    store::StoreError,
};

/// How many checks in a row must fail before this counts as an outage. The hourly comparison covers shorter ones.
const MIN_FAILED_CHECKS: u32 = 2;
/// How often to check whether the machine has slept.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How much further the wall clock has to advance than the monotonic clock to count as a sleep, or a step of the clock.
const SLEPT: Duration = Duration::from_mins(2);
/// How long answers are held before the log says so.
const WARN_AFTER: Duration = Duration::from_secs(10);
/// In how many chats messages may be missing while the comparison still counts as complete.
const MAX_BEHIND: usize = 100;

/// The occasion of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// Telegram and Kommo can be reached again.
    Outage,
    /// The machine has slept, or was rolled back while it ran, or its clock was set.
    Sleep,
    /// The interval is over.
    Routine,
}

/// The observations of the last checks.
#[derive(Debug, Default)]
struct Observed {
    /// How many checks in a row could reach nothing.
    cut_off: u32,
    /// Whether the wall clock has leapt, until the reason is known.
    has_leapt: bool,
}

impl Reconciler {
    /// Runs the `search` of a start in the background, and then a comparison at every occasion, until `stop`. The next
    /// start repeats an interrupted comparison, since only complete ones are recorded.
    pub async fn run_loop(self: Arc<Self>, search: Option<Search>, stop: CancellationToken) -> Result<(), StoreError> {
        stop.run_until_cancelled(self.run_for_ever(search)).await.unwrap_or(Ok(()))
    }

    async fn run_for_ever(&self, search: Option<Search>) -> Result<(), StoreError> {
        if let Some(search) = search {
            self.begin(search).await?;
        }
        let (mut observed, mut all) = (Observed::default(), None);
        loop {
            let occasion = tokio::select! {
                occasion = self.occasion(&mut observed) => occasion,
                failed = self.look_at_all(&mut all) => return failed.map(|never| match never {}),
            };
            match occasion {
                Occasion::Outage => {
                    self.listening.restart();
                    tracing::info!("an outage has ended; Kommo's hooks may have been lost in it");
                    self.begin(self.prepare_undoubted().await?).await?;
                }
                Occasion::Sleep => {
                    self.listening.restart();
                    tracing::info!("this machine has slept, or its clock was set: Kommo's hooks may have been lost");
                    self.begin(self.prepare().await?).await?;
                }
                Occasion::Routine => self.routine().await?,
            }
        }
    }

    /// Waits for the next occasion.
    async fn occasion(&self, observed: &mut Observed) -> Occasion {
        let started_at = Instant::now();
        let (due, mut watched_at) = (started_at + self.bounds.every, started_at);
        while Instant::now() < due {
            let (moment, watch_at) = (Moment::now(), watched_at + self.bounds.watch_every);
            sleep_until(due.min(watch_at).min(Instant::now() + CHECK_EVERY)).await;
            if moment.leapt() > SLEPT {
                observed.has_leapt = true;
                self.ask_the_time().await;
            }
            if observed.has_leapt && self.objection().is_none() {
                observed.has_leapt = false;
                return Occasion::Sleep;
            }
            if Instant::now() < due.min(watch_at) {
                continue;
            }
            watched_at = Instant::now();
            if observed.has_leapt {
                self.ask_the_time().await;
            }
            if self.parts.metrics.is_cut_off() {
                observed.cut_off = observed.cut_off.saturating_add(1);
            } else if std::mem::take(&mut observed.cut_off) >= MIN_FAILED_CHECKS {
                return Occasion::Outage;
            }
        }
        Occasion::Routine
    }

    /// Runs a search for which lanes are held, until it is done or the hold time is over.
    async fn begin(&self, mut search: Search) -> Result<(), StoreError> {
        let deadline = Instant::now() + self.bounds.hold_for;
        loop {
            let (count, back, is_doubted) =
                (search.conversations(), search.since.until(search.began.wall), search.doubt.is_some());
            if count > 0 {
                let back = duration_in_words(back);
                tracing::info!(conversations = count, "searching for missing managers' messages of the last {back}");
            }
            match self.process_held(&mut search, deadline).await? {
                Worked::Finished(summary) => {
                    if count > 0 {
                        tracing::info!("compared with Kommo's history: {summary}");
                    }
                    self.parts.metrics.history_unreadable(None);
                    return self.note(summary, search).await;
                }
                Worked::ClockSet => {
                    tracing::warn!("this machine's clock was set back: the comparison starts over");
                    search = if is_doubted { self.prepare().await? } else { self.prepare_undoubted().await? };
                }
            }
        }
    }

    async fn process_held(&self, search: &mut Search, deadline: Instant) -> Result<Worked, StoreError> {
        let job = async {
            // The lanes are held already, and must not stay so for as long as another search runs.
            let _turn = self.turn.lock().await;
            let mut worked = self.process_targets(search, None, |_| ()).await?;
            if let Worked::Finished(summary) = &mut worked {
                summary.add(self.process_named(search).await?);
            }
            Ok(worked)
        };
        tokio::pin!(job);
        tokio::select! {
            worked = &mut job => return worked,
            () = sleep_until(deadline.min(Instant::now() + WARN_AFTER)) => self.warn_held(),
        }
        tokio::select! {
            worked = &mut job => return worked,
            () = sleep_until(deadline) => {}
        }
        let count = self.parts.store.release_all_holds();
        if count > 0 {
            tracing::warn!(conversations = count, "new messages are sent before older ones that may be missing");
        }
        job.await
    }

    fn warn_held(&self) {
        let conversations = self.parts.store.withheld();
        if conversations > 0 {
            let most = duration_in_words(self.bounds.hold_for);
            tracing::warn!(
                conversations,
                "answers are held until missing, older ones have been searched, for {most} at most"
            );
        }
    }

    /// A search without an occasion. It holds no lanes, and lets other searches run meanwhile.
    async fn routine(&self) -> Result<(), StoreError> {
        let (search, count, summary) = loop {
            let mut search = Search { is_routine: true, ..self.since_last().await? };
            let count = search.conversations();
            match self.process_targets(&mut search, Some(MAX_FAILURES), |_| ()).await? {
                Worked::Finished(mut summary) => {
                    if summary.given_up == 0 {
                        summary.add(self.process_named(&mut search).await?);
                    }
                    break (search, count, summary);
                }
                Worked::ClockSet => tracing::warn!("this machine's clock was set back: the comparison starts over"),
            }
        };
        if summary == ReconcileSummary::default() {
            tracing::debug!(conversations = count, "compared with Kommo's history: nothing is missing");
        } else {
            tracing::warn!(conversations = count, "compared with Kommo's history: {summary}");
        }
        self.report_found();
        self.note(summary, search).await
    }

    /// Records up to when nothing is missing, if all chats but a few could be compared, and from when on messages may
    /// be missing in those.
    async fn note(&self, summary: ReconcileSummary, search: Search) -> Result<(), StoreError> {
        let now = clock::now();
        if search.is_void() || search.began.wall > now || search.since > now {
            // By its clock at the start, it may have searched only a range in the future.
            tracing::warn!("this machine's clock was set back: the next comparison starts where this one did");
            return Ok(());
        }
        if summary.given_up > 0 || search.behind.len() > MAX_BEHIND {
            tracing::warn!(
                conversations = summary.open,
                "not everything could be compared with Kommo's history: the next comparison starts where this one did"
            );
            return Ok(());
        }
        self.parts.store.advance_watermark(search.began.wall, search.mark, search.behind).await
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::{
        domain::retry::Schedule,
        kommo::{chats::Chats, sign::Signer},
        metrics::Metrics,
        net::Egress,
        relay::reconcile::{Bounds, Parts},
        store::{Settings, Store},
        words::Spoken,
    };

    const MINUTE: Duration = Duration::from_mins(1);
    const HOUR: Duration = Duration::from_hours(1);

    pub(in crate::relay::reconcile) fn reconciler(dir: &std::path::Path, metrics: &Arc<Metrics>) -> Reconciler {
        let url = "http://127.0.0.1:9".parse().unwrap();
        let chats = Chats::new(&Egress::default(), url, "scope", Signer::new("secret"), MINUTE, 7).unwrap();
        let dir = dir.to_owned();
        let (dedupe_for, links_for, parked_for) = (HOUR, HOUR, HOUR);
        let settings = Settings { dir, cache_bytes: 4 << 20, reserve_bytes: 0, dedupe_for, links_for, parked_for };
        let bounds = Bounds {
            max_age: HOUR,
            chats_within: HOUR,
            known_for: HOUR,
            linked_for: HOUR,
            hold_for: MINUTE,
            every: HOUR,
            watch_every: MINUTE,
        };
        let (store, sources) = (Store::open(settings).unwrap(), std::collections::BTreeSet::new());
        let parts = Parts {
            chats,
            account: None,
            imported: store.imports("scope"),
            store,
            metrics: Arc::clone(metrics),
            trace: crate::trace::Trace::default(),
            spoken: Spoken::default(),
            sources,
        };
        Reconciler::new(parts, bounds, Schedule::endless(vec![]), 7)
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_an_occasion_when_it_has_ended() {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
        let reconciler = reconciler(dir.path(), &metrics);
        for (minutes, occasion) in [(1, Occasion::Routine), (2, Occasion::Outage), (90, Occasion::Outage)] {
            let (started_at, mut observed) = (Instant::now(), Observed::default());
            let outage = async {
                metrics.between(Some("no answer".to_owned()));
                sleep(MINUTE * minutes + MINUTE / 2).await;
                metrics.between(None);
            };
            let noticed = async {
                let mut noticed = reconciler.occasion(&mut observed).await;
                if minutes > 60 {
                    assert_eq!(noticed, Occasion::Routine, "it is looked for in any case");
                    noticed = reconciler.occasion(&mut observed).await;
                }
                noticed
            };
            let ((), noticed) = tokio::join!(outage, noticed);
            let after = if noticed == Occasion::Routine { HOUR } else { MINUTE * (minutes + 1) };
            assert_eq!((noticed, started_at.elapsed()), (occasion, after), "{minutes} minutes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_has_slept_is_an_occasion_at_once() {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
        let (reconciler, mut observed) = (reconciler(dir.path(), &metrics), Observed::default());
        let asleep = async {
            sleep(MINUTE).await;
            clock::set_off_by(i64::try_from(HOUR.as_millis()).unwrap());
        };
        let started_at = Instant::now();
        let (noticed, ()) = tokio::join!(reconciler.occasion(&mut observed), asleep);
        assert_eq!(noticed, Occasion::Sleep);
        assert!(started_at.elapsed() <= MINUTE + CHECK_EVERY, "{:?}", started_at.elapsed());
    }

    #[tokio::test]
    async fn one_unreadable_chat_does_not_hold_the_others() {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
        let reconciler = reconciler(dir.path(), &metrics);
        let store = &reconciler.parts.store;
        let searched = async || {
            let mut search = reconciler.since_last().await.unwrap();
            search.mark_failed(&super::super::search::tests::target("left"));
            search
        };
        let noted = || store.caught_up_at().unwrap();
        let left = ReconcileSummary { unread: 1, open: 1, ..ReconcileSummary::default() };

        let given_up = ReconcileSummary { given_up: 1, ..left };
        reconciler.note(given_up, searched().await).await.unwrap();
        let mut many = searched().await;
        many.behind = vec![many.behind[0].clone(); MAX_BEHIND + 1];
        reconciler.note(left, many).await.unwrap();
        assert_eq!(noted(), None, "it may be about all of them");

        let search = searched().await;
        let (since, began_at) = (search.since, search.began_at());
        reconciler.note(left, search).await.unwrap();
        assert_eq!((noted(), store.behind().unwrap()[0].since), (Some(began_at), since));
        let again = searched().await;
        assert_eq!((again.behind[0].rounds, again.behind.len()), (2, 1));

        clock::set_off_by(-60_000);
        reconciler.note(ReconcileSummary::default(), again).await.unwrap();
        assert_eq!(noted(), Some(began_at), "what began in the future is not noted");
    }
}
