use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{
    task::JoinSet,
    time::{advance, sleep, timeout},
};

use super::*;

mod model;
mod trials;

/// A remote whose answers a test sets, with a count of its probes and its reports.
struct Play {
    answer: Arc<Mutex<Result<(), Failure>>>,
    probes: Arc<AtomicUsize>,
    reported: Arc<Mutex<Vec<Report>>>,
    remote: Remote,
    _prober: JoinSet<()>,
}

/// A report: why the connection is broken, or `None` if it works.
type Report = Option<String>;

impl Play {
    fn new() -> Self {
        Self::with(true)
    }

    fn with(may_try: bool) -> Self {
        let answer = Arc::new(Mutex::new(Ok(())));
        let (probes, reported) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (given, counted, reports) = (Arc::clone(&answer), Arc::clone(&probes), Arc::clone(&reported));
        let probe = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let answer = given.lock().unwrap().clone();
            async move { answer }
        };
        let report = move |failure: Option<&Failure>| {
            reports.lock().unwrap().push(failure.map(|failure| failure.why().into_owned()));
        };
        let remote = Remote::new("kommo", (Duration::from_mins(1), may_try), probe, report);
        let mut prober = JoinSet::new();
        prober.spawn(remote.clone().attend());
        Self { answer, probes, reported, remote, _prober: prober }
    }

    fn away(&self, is_away: bool) {
        *self.answer.lock().unwrap() = if is_away { Err(Failure::unreachable("refused")) } else { Ok(()) };
    }

    fn probes(&self) -> usize {
        self.probes.load(Ordering::Relaxed)
    }

    fn last_report(&self) -> Option<Report> {
        self.reported.lock().unwrap().last().cloned()
    }
}

fn failed(why: &str) -> Sign {
    Sign::Failed(Failure::transient(why))
}

fn gate(breaker: &Breaker) -> Gate {
    breaker.gate(Instant::now()).0
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_is_away_is_probed_every_three_seconds_and_opens_for_all() {
    let play = Play::new();
    let breakers = [(); 2].map(|()| Breaker::new(Some(play.remote.clone())));
    play.away(true);
    let refused = Sign::Failed(Failure::unreachable("refused"));
    assert_eq!(breakers[0].note("a", refused.clone()).await, Blame::Connection, "one is enough: nothing was sent");
    assert!(breakers.iter().all(|it| matches!(gate(it), Gate::Shut(_))), "the other routes wait as well");
    assert_eq!(play.last_report(), Some(Some("refused".to_owned())));
    sleep(Duration::from_mins(1)).await;
    assert!((16..=26).contains(&play.probes()), "{} probes in a minute", play.probes());
    play.away(false);
    sleep(Duration::from_millis(3601)).await;
    assert!(breakers.iter().all(|it| gate(it) == Gate::Free), "free within a probe");
    assert_eq!(play.last_report(), Some(None));
    let probes = play.probes();
    sleep(Duration::from_mins(10)).await;
    assert_eq!(play.probes(), probes, "a way that is free is not probed");
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_it_is_probed_every_fifteen_seconds() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    play.away(true);
    breaker.note("a", Sign::Failed(Failure::unreachable("refused"))).await;
    sleep(Duration::from_mins(61)).await;
    let before = play.probes();
    sleep(Duration::from_mins(10)).await;
    assert!((32..=52).contains(&(play.probes() - before)), "{}", play.probes() - before);
}

#[tokio::test(start_paused = true)]
async fn one_message_that_fails_alone_is_no_outage() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    for _ in 0..20 {
        assert_eq!(breaker.note("poison", failed("500")).await, Blame::Unknown);
        assert_eq!(gate(&breaker), Gate::Free);
        advance(Duration::from_secs(2)).await;
    }
    assert_eq!(play.last_report(), None);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_while_nothing_answers_is_not_to_blame() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    play.away(true);
    assert_eq!(breaker.note("a", failed("500")).await, Blame::Connection, "the probe fails too");
    assert!(matches!(gate(&breaker), Gate::Shut(_)));
}

#[tokio::test(start_paused = true)]
async fn several_messages_that_fail_one_after_the_other_are_refused_together() {
    let play = Play::new();
    let [breaker, other] = [(); 2].map(|()| Breaker::new(Some(play.remote.clone())));
    assert_eq!(breaker.note("a", failed("405")).await, Blame::Unknown);
    assert_eq!(breaker.note("b", failed("405")).await, Blame::Connection);
    assert!(matches!(gate(&breaker), Gate::Shut(_)));
    assert_eq!(gate(&other), Gate::Free, "what passes goes on");
    for lane in ["a", "b", "a"] {
        advance(Duration::from_millis(3601)).await;
        assert_eq!(gate(&breaker), Gate::Trial);
        assert!(matches!(gate(&breaker), Gate::Shut(_)), "one at a time");
        assert_eq!(breaker.note(lane, failed("405")).await, Blame::Connection);
    }
    assert_eq!(play.last_report(), Some(Some("405".to_owned())));
    advance(Duration::from_millis(3601)).await;
    assert_eq!(gate(&breaker), Gate::Trial);
    breaker.unused();
    assert_eq!(gate(&breaker), Gate::Trial, "there was nothing to try");
    breaker.note("c", Sign::Passed).await;
    assert_eq!((gate(&breaker), play.last_report()), (Gate::Free, Some(None)));
}

#[tokio::test(start_paused = true)]
async fn messages_that_fail_while_others_pass_fail_alone() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    assert_eq!(breaker.note("a", failed("403")).await, Blame::Unknown);
    breaker.note("good", Sign::Passed).await;
    assert_eq!(breaker.note("b", failed("403")).await, Blame::Unknown);
    breaker.note("good", Sign::Passed).await;
    for lane in ["a", "b", "a", "b"] {
        assert_eq!(breaker.note(lane, failed("403")).await, Blame::Message, "{lane}");
        assert_eq!(gate(&breaker), Gate::Free);
    }
    breaker.ended("a");
    assert_eq!(breaker.note("a", failed("403")).await, Blame::Unknown, "it is done with, and forgotten");
}

#[tokio::test(start_paused = true)]
async fn one_throttled_chat_waits_alone_and_two_show_that_the_limit_is_for_all() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    let flood =
        |seconds| Sign::Failed(Failure::Throttled { why: String::new(), after: Some(Duration::from_secs(seconds)) });
    assert_eq!(breaker.note("a", flood(30)).await, Blame::Connection);
    assert_eq!(gate(&breaker), Gate::Free);
    breaker.note("good", Sign::Passed).await;
    assert_eq!(breaker.note("a", flood(30)).await, Blame::Message, "others pass meanwhile");
    advance(Duration::from_secs(31)).await;
    assert_eq!(breaker.note("b", flood(5)).await, Blame::Connection);
    assert_eq!(gate(&breaker), Gate::Free, "the other's time was over");
    assert_eq!(breaker.note("c", flood(9)).await, Blame::Connection);
    assert!(matches!(gate(&breaker), Gate::Shut(_)));
    assert!(!matches!(play.last_report(), Some(Some(_))), "throttling is no problem");
    advance(Duration::from_secs(9)).await;
    assert_eq!(gate(&breaker), Gate::Free);
}

#[tokio::test(start_paused = true)]
async fn callers_during_a_probe_share_its_result() {
    let probes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&probes);
    let probe = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            sleep(Duration::from_mins(1)).await;
            Ok(())
        }
    };
    let remote = Remote::new("slow", (Duration::from_mins(1), false), probe, |_| ());
    let breaker = Breaker::new(Some(remote));
    let started_at = Instant::now();
    let lanes: Vec<_> = (0..16).map(|n| format!("lane {n}")).collect();
    let notes = lanes.iter().map(|lane| breaker.note(lane, failed("500")));
    let blames = futures_util::future::join_all(notes).await;
    assert_eq!(blames, vec![Blame::Connection; 16]);
    let elapsed = started_at.elapsed();
    assert_eq!((probes.load(Ordering::Relaxed), elapsed), (1, PROBE_TIMEOUT), "it ends within three seconds");
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_throttles_a_probe_answers() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    *play.answer.lock().unwrap() = Err(Failure::Throttled { why: "429".to_owned(), after: None });
    assert_eq!(breaker.note("a", failed("500")).await, Blame::Unknown);
    assert_eq!(gate(&breaker), Gate::Free);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_shows_nothing_about_messages_is_followed_by_another() {
    let flood = Failure::Throttled { why: String::new(), after: Some(Duration::from_secs(2)) };
    for ends in [Failure::unreachable("refused"), flood, Failure::transient("500")] {
        let play = Play::new();
        let breaker = Breaker::new(Some(play.remote.clone()));
        breaker.note("a", failed("405")).await;
        breaker.note("b", failed("405")).await;
        advance(Duration::from_millis(3601)).await;
        assert_eq!(gate(&breaker), Gate::Trial);
        assert_eq!(breaker.note("a", Sign::Failed(ends.clone())).await, Blame::Connection);
        sleep(Duration::from_secs(8)).await;
        assert_eq!(gate(&breaker), Gate::Trial, "after {ends:?}");
        breaker.note("a", Sign::Passed).await;
        assert_eq!((gate(&breaker), play.last_report()), (Gate::Free, Some(None)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_takes_too_long_does_not_block_the_next() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    breaker.note("a", failed("405")).await;
    breaker.note("b", failed("405")).await;
    advance(Duration::from_millis(3601)).await;
    assert_eq!(gate(&breaker), Gate::Trial);
    advance(Duration::from_secs(14)).await;
    assert!(matches!(gate(&breaker), Gate::Shut(_)));
    advance(Duration::from_secs(1)).await;
    assert_eq!(gate(&breaker), Gate::Trial);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_given_up_counts_until_one_passes() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    for _ in 0..6 {
        assert_eq!(breaker.note("chat#1", failed("500")).await, Blame::Unknown);
    }
    breaker.ended("chat#1");
    assert_eq!(breaker.note("chat#2", failed("500")).await, Blame::Connection, "it is not the message, then");
    assert!(matches!(gate(&breaker), Gate::Shut(_)));
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_in_flight_together_are_one_flood() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    let flood = || Sign::Failed(Failure::Throttled { why: String::new(), after: None });
    for seconds in [1, 2, 4] {
        for lane in 0..16 {
            assert_eq!(breaker.note(&format!("lane {lane}"), flood()).await, Blame::Connection);
        }
        advance(Duration::from_millis(seconds * 1000 - 1)).await;
        assert!(matches!(gate(&breaker), Gate::Shut(_)), "{seconds}");
        advance(Duration::from_millis(1)).await;
        assert_eq!(gate(&breaker), Gate::Free, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_without_retry_after_pauses_all_messages_ever_longer() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    let flood = || Sign::Failed(Failure::Throttled { why: String::new(), after: None });
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert_eq!(breaker.note("a", flood()).await, Blame::Connection);
        advance(Duration::from_millis(seconds * 1000 - 1)).await;
        assert!(matches!(gate(&breaker), Gate::Shut(_)), "{seconds}");
        advance(Duration::from_millis(1)).await;
        assert_eq!(gate(&breaker), Gate::Free, "{seconds}");
    }
    breaker.note("b", Sign::Passed).await;
    assert_eq!(breaker.note("c", flood()).await, Blame::Connection);
    advance(Duration::from_secs(1)).await;
    assert_eq!(gate(&breaker), Gate::Free);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_for_reasons_of_its_own_does_not_stop_messages_that_can_be_repeated() {
    for (may_try, tried) in [(true, true), (false, false)] {
        let play = Play::with(may_try);
        let breaker = Breaker::new(Some(play.remote.clone()));
        *play.answer.lock().unwrap() = Err(Failure::transient("the history fails"));
        assert_eq!(breaker.note("a", failed("500")).await, Blame::Connection);
        assert!(matches!(gate(&breaker), Gate::Shut(_)), "one probe is enough for now");
        for _ in 0..2 {
            let trial = async {
                while gate(&breaker) != Gate::Trial {
                    sleep(Duration::from_millis(100)).await;
                }
            };
            let is_tried = timeout(Duration::from_secs(12), trial).await.is_ok();
            assert_eq!(is_tried, tried, "one for three probes");
            assert!(matches!(gate(&breaker), Gate::Shut(_)), "one at a time");
        }
        breaker.note("b", Sign::Passed).await;
        assert_eq!(gate(&breaker), Gate::Free, "a remote that takes a message answers");
        assert_eq!(play.last_report(), Some(None));
    }
}

#[tokio::test(start_paused = true)]
async fn without_waiting_jobs_no_message_is_refused() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    breaker.note("a", failed("500")).await;
    breaker.note("b", failed("500")).await;
    assert_eq!(play.last_report(), Some(Some("500".to_owned())));
    breaker.idle();
    assert_eq!((gate(&breaker), play.last_report()), (Gate::Free, Some(None)));
    assert_eq!(breaker.note("c", failed("500")).await, Blame::Connection, "that several have failed is not forgotten");
    breaker.note("d", Sign::Passed).await;
    let mut freed = breaker.freed();
    freed.sort();
    assert_eq!((freed, breaker.freed()), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_empty_queue_ends_no_outage() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    breaker.note("a", failed("500")).await;
    breaker.note("b", failed("500")).await;
    play.away(true);
    breaker.note("c", Sign::Failed(Failure::unreachable("refused"))).await;
    breaker.idle();
    assert!(matches!(gate(&breaker), Gate::Shut(_)), "nobody has answered");
    assert_eq!(play.last_report(), Some(Some("refused".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn without_a_remote_the_gate_is_always_free() {
    let breaker = Breaker::new(None);
    assert_eq!(breaker.note("a", failed("500")).await, Blame::Message);
    assert_eq!(gate(&breaker), Gate::Free);
}
