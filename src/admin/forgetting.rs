//! Up to which instant the store may forget. Expired rows are removed for good, and without its row a delivered message
//! looks as if it had never arrived. This machine's clock may be wrong by months, so it is not trusted alone: the time
//! must have passed by the dates of Kommo's responses too, and part of it while this process ran. Nor are rows that a
//! slow clock has dated removed as soon as the clock is corrected.

use std::time::Duration;

use tokio::time::Instant;

use crate::{domain::time::UnixMillis, kommo::time::KommoTime, store::Store, store::StoreError};

/// How many times faster than time passes the store forgets at most. A machine that was off for a week catches up
/// within two days; until then it remembers more than it has to.
const HASTE: u32 = 4;
/// A gap of this length in the expiries means that nothing expired in it: a clock that was far behind has dated the
/// rows before it.
const GAP: Duration = Duration::from_hours(30 * 24);

/// Tracks up to when everything is forgotten, and how far that may go.
pub(super) struct Forgetting {
    kommo: KommoTime,
    from: Option<(UnixMillis, Instant)>,
}

impl Forgetting {
    /// Starts with Kommo's time alone.
    pub(super) const fn new(kommo: KommoTime) -> Self {
        Self { kommo, from: None }
    }

    /// Up to when what has expired may be removed, at `now` by this machine's clock.
    pub(super) fn until(&mut self, store: &Store, now: UnixMillis) -> Result<UnixMillis, StoreError> {
        let confirmed = self.kommo.confirmed(now);
        let first = store.first_expiry()?.unwrap_or(confirmed);
        let (from, since) = match self.from {
            Some((from, since)) if from.until(first.min(confirmed)) > GAP => (first.min(confirmed), since),
            Some(from) => from,
            // An earlier run has removed all that expired before the first row.
            None => (first, Instant::now()),
        };
        let most = from.plus(since.elapsed().saturating_mul(HASTE));
        let until = confirmed.min(most);
        // A clock that is set back does not move this back, and one that stands still builds up no credit.
        self.from = Some((until.max(from), Instant::now()));
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::{
        domain::job::{Hook, IdempotencyKey, Job, Lane},
        store::{Intake, NewJob, Settings},
    };

    const HOUR: Duration = Duration::from_hours(1);
    const DAY: Duration = Duration::from_hours(24);
    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    /// A store that remembers for a week, with one job pushed at each of these instants.
    async fn store(dir: &std::path::Path, pushed_at: &[UnixMillis]) -> Store {
        let settings = Settings {
            dir: dir.to_owned(),
            cache_bytes: 4 << 20,
            reserve_bytes: 0,
            dedupe_for: DAY * 7,
            links_for: DAY * 90,
            parked_for: DAY * 7,
        };
        let store = Store::open(settings).unwrap();
        for (n, at) in pushed_at.iter().enumerate() {
            let job = Job::from(Hook { raw: "{}".to_owned() });
            let job = NewJob { id: Some(IdempotencyKey(n.to_string())), lane: Lane::stray("x"), job };
            store.push(Intake { jobs: vec![job], offset: None }, *at).await.unwrap();
        }
        store
    }

    fn forgotten(from: UnixMillis, until: UnixMillis) -> Duration {
        from.until(until)
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_ahead_forgets_little_until_kommo_has_answered_and_then_nothing() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path(), &[NOW.minus(DAY * 7)]).await;
        let (kommo, ahead) = (KommoTime::default(), NOW.plus(DAY * 91));
        let mut forgetting = Forgetting::new(kommo.clone());
        assert_eq!(forgetting.until(&store, ahead).unwrap(), NOW, "what had expired before the stop, and no more");
        for hours in 1..=3 {
            advance(HOUR).await;
            let until = forgetting.until(&store, ahead.plus(HOUR * hours)).unwrap();
            assert_eq!(forgotten(NOW, until), HOUR * 4 * hours);
        }
        kommo.note_date(&date("Fri, 15 Jan 2027 11:00:00 GMT"));
        assert_eq!(forgetting.until(&store, ahead).unwrap(), NOW.plus(HOUR * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_noted_by_a_clock_that_was_behind_is_kept_for_a_while() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path(), &[NOW.minus(DAY * 14)]).await;
        let kommo = KommoTime::default();
        kommo.note_date(&date("Fri, 15 Jan 2027 08:00:00 GMT"));
        let mut forgetting = Forgetting::new(kommo);
        let before = forgetting.until(&store, NOW).unwrap();
        assert_eq!(before, NOW.minus(DAY * 7));
        // For as long as it may be found again, and sent.
        advance(DAY).await;
        assert!(forgetting.until(&store, NOW.plus(DAY)).unwrap() <= NOW.minus(DAY * 3));
        advance(DAY * 2).await;
        assert_eq!(forgetting.until(&store, NOW.plus(DAY * 3)).unwrap(), NOW.plus(DAY * 3), "caught up");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_clock_of_long_ago_has_noted_holds_up_nothing() {
        let home = tempfile::tempdir().unwrap();
        // A board without a battery began in 1970.
        let store = store(home.path(), &[UnixMillis(1000), NOW.minus(DAY * 6)]).await;
        let kommo = KommoTime::default();
        kommo.note_date(&date("Fri, 15 Jan 2027 08:00:00 GMT"));
        let mut forgetting = Forgetting::new(kommo);
        let mut left = Vec::new();
        for minutes in [0, 10, 20, 30] {
            let until = forgetting.until(&store, NOW.plus(Duration::from_mins(minutes))).unwrap();
            store.sweep(until).await.unwrap();
            left.push(["0", "1"].map(|id| store.was_taken(&IdempotencyKey(id.to_owned())).unwrap()));
            advance(Duration::from_mins(10)).await;
        }
        assert_eq!(left, [[true, true], [false, true], [false, true], [false, true]], "one after the other");
        advance(DAY).await;
        let until = forgetting.until(&store, NOW.plus(DAY)).unwrap();
        assert_eq!(until, NOW.plus(DAY), "it has caught up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_right_forgets_what_has_expired() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path(), &[]).await;
        let mut forgetting = Forgetting::new(KommoTime::default());
        for minutes in [0, 10, 20] {
            let now = NOW.plus(Duration::from_mins(minutes));
            assert_eq!(forgetting.until(&store, now).unwrap(), now);
            advance(Duration::from_mins(10)).await;
        }
    }

    fn date(text: &str) -> reqwest::header::HeaderMap {
        [(reqwest::header::DATE, text.parse().unwrap())].into_iter().collect()
    }
}
