//! When it is compared: at a start, after an outage, and from time to time in any case.
//!
//! An outage is seen if it keeps us from Telegram or Kommo. One that keeps only Kommo from us is not, so there is a
//! comparison every so often without any reason. A manager may write to a customer who has been silent for long, so it goes
//! through all chats that are alive, a question or two each, the liveliest first, and at a seventh of the rate that Kommo allows:
//! with the usual seven requests a second that is one. A thousand chats take a quarter of an hour; where there are so many
//! that it takes longer than the time between two, the next one follows at its end.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::time::UnixMillis,
    relay::reconcile::{Reconciler, Search, TRIES, Tally},
    store::StoreError,
};

/// How often in a row an outage is seen until it is one: what is shorter is left to the comparison in any case.
const SEEN_TWICE: u32 = 2;

/// What a comparison is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// Telegram and Kommo can be reached again.
    Outage,
    /// It is time.
    Routine,
}

impl Reconciler {
    /// Does what a start asks for, in the background, and then whatever there is an occasion for, until `stop`. What is
    /// broken off is done by the next start, since only a comparison that is complete is noted.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn attend(self: Arc<Self>, search: Option<Search>, stop: CancellationToken) -> Result<(), StoreError> {
        stop.run_until_cancelled(self.attend_for_ever(search)).await.unwrap_or(Ok(()))
    }

    async fn attend_for_ever(&self, search: Option<Search>) -> Result<(), StoreError> {
        if let Some(search) = search {
            self.begin(search).await?;
        }
        let mut cut_off = 0;
        loop {
            match self.occasion(&mut cut_off).await {
                Occasion::Outage => {
                    tracing::info!("an outage has ended, in which Kommo's hooks may have been lost");
                    self.begin(self.prepare(clock::now()).await?).await?;
                }
                Occasion::Routine => self.routine().await?,
            }
        }
    }

    /// Waits for the next occasion. `cut_off` counts how often in a row it was seen that nothing can be reached.
    async fn occasion(&self, cut_off: &mut u32) -> Occasion {
        let due = Instant::now() + self.bounds.every;
        while Instant::now() < due {
            sleep_until(due.min(Instant::now() + self.bounds.watch_every)).await;
            if self.meter.is_cut_off() {
                *cut_off = cut_off.saturating_add(1);
            } else if std::mem::take(cut_off) >= SEEN_TWICE {
                return Occasion::Outage;
            }
        }
        Occasion::Routine
    }

    /// A search for which lanes are held, until it is done or for as long as that may take.
    async fn begin(&self, search: Search) -> Result<(), StoreError> {
        let (count, back) = (search.conversations(), search.since.until(clock::now()));
        let (began_at, mark) = (search.began_at, search.mark);
        if count > 0 {
            let back = humantime::format_duration(Duration::from_secs(back.as_secs()));
            tracing::info!(
                conversations = count,
                "looking for managers' messages of the last {back} that did not come"
            );
        }
        let deadline = Instant::now() + self.bounds.hold_for;
        let work = async {
            // The lanes are held already, and are not to be so for as long as somebody else searches.
            let _turn = self.turn.lock().await;
            self.work_off(search, None, |_| ()).await
        };
        tokio::pin!(work);
        let tally = tokio::select! {
            tally = &mut work => tally?,
            () = sleep_until(deadline) => {
                let count = self.store.let_go_of_all();
                if count > 0 {
                    tracing::warn!(conversations = count, "new messages go on before older ones that may be missing");
                }
                work.await?
            }
        };
        if count > 0 {
            tracing::info!("compared with Kommo's history: {tally}");
        }
        self.note(tally, began_at, mark).await
    }

    /// A search that nothing hints at. It holds nothing up, and lets others search meanwhile.
    async fn routine(&self) -> Result<(), StoreError> {
        let search = Search { is_routine: true, ..self.since_last(clock::now()).await? };
        let (count, began_at, mark) = (search.conversations(), search.began_at, search.mark);
        let tally = self.work_off(search, Some(TRIES), |_| ()).await?;
        if tally == Tally::default() {
            tracing::debug!(conversations = count, "compared with Kommo's history: nothing is missing");
        } else {
            tracing::warn!(conversations = count, "compared with Kommo's history: {tally}");
        }
        self.note(tally, began_at, mark).await
    }

    /// Notes up to when nothing is missing, if all could be compared.
    async fn note(&self, tally: Tally, began_at: UnixMillis, mark: u64) -> Result<(), StoreError> {
        if tally.open > 0 {
            tracing::warn!(
                conversations = tally.open,
                "not everything could be compared with Kommo's history: the next comparison begins there"
            );
            return Ok(());
        }
        self.store.caught_up(began_at, mark).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::{
        domain::retry::Schedule,
        kommo::{chats::Chats, sign::Signer},
        media::imported,
        meter::Meter,
        relay::reconcile::Bounds,
        store::{Settings, Store},
    };

    const MINUTE: Duration = Duration::from_mins(1);
    const HOUR: Duration = Duration::from_hours(1);

    fn reconciler(dir: &std::path::Path, meter: &Arc<Meter>) -> Reconciler {
        let url = "http://127.0.0.1:9".parse().unwrap();
        let chats = Chats::new(url, "scope", Signer::new("secret"), MINUTE, 7).unwrap();
        let (dir, imported) = (dir.to_owned(), imported::chats(dir, "scope"));
        let (dedupe_for, links_for, parked_for) = (HOUR, HOUR, HOUR);
        let settings = Settings { dir, cache_bytes: 4 << 20, reserve_bytes: 0, dedupe_for, links_for, parked_for };
        let bounds = Bounds {
            max_age: HOUR,
            chats_within: HOUR,
            known_for: HOUR,
            hold_for: MINUTE,
            every: HOUR,
            watch_every: MINUTE,
        };
        let shared = (Store::open(settings).unwrap(), imported, Arc::clone(meter));
        Reconciler::new(chats, shared, std::collections::BTreeSet::new(), bounds, Schedule::endless(vec![]), 7)
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_an_occasion_when_it_has_ended() {
        let (dir, meter) = (tempfile::tempdir().unwrap(), Arc::new(Meter::new()));
        let reconciler = reconciler(dir.path(), &meter);
        for (minutes, occasion) in [(1, Occasion::Routine), (2, Occasion::Outage), (90, Occasion::Outage)] {
            let (began, mut cut_off) = (Instant::now(), 0);
            let outage = async {
                meter.between(Some("no answer".to_owned()));
                sleep(MINUTE * minutes + MINUTE / 2).await;
                meter.between(None);
            };
            let noticed = async {
                let mut noticed = reconciler.occasion(&mut cut_off).await;
                if minutes > 60 {
                    assert_eq!(noticed, Occasion::Routine, "it is looked for in any case");
                    noticed = reconciler.occasion(&mut cut_off).await;
                }
                noticed
            };
            let ((), noticed) = tokio::join!(outage, noticed);
            let after = if noticed == Occasion::Routine { HOUR } else { MINUTE * (minutes + 1) };
            assert_eq!((noticed, began.elapsed()), (occasion, after), "{minutes} minutes");
        }
    }
}
