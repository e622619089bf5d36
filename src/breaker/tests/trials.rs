//! How often a message is tried while it is unknown whether the remote answers.

use super::*;

#[tokio::test(start_paused = true)]
async fn calls_that_fail_together_are_not_so_many_probes() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    *play.answer.lock().unwrap() = Err(Failure::transient("the history fails"));
    let started_at = Instant::now();
    while gate(&breaker) != Gate::Trial {
        for message in 0..20 {
            assert_eq!(breaker.note(&message.to_string(), failed("500")).await, Blame::Connection);
            play.remote.breaks(&Failure::transient("500"), Instant::now());
        }
        advance(Duration::from_millis(100)).await;
    }
    assert!(started_at.elapsed() >= Duration::from_millis(4800), "a trial after {:?}", started_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_trial_serves_both_questions() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    assert_eq!(breaker.note("a", failed("405")).await, Blame::Unknown);
    assert_eq!(breaker.note("b", failed("405")).await, Blame::Connection);
    *play.answer.lock().unwrap() = Err(Failure::transient("the history fails"));
    breaker.answers().await;
    while gate(&breaker) != Gate::Trial {
        sleep(Duration::from_millis(100)).await;
    }
    play.away(false);
    play.remote.clear(Instant::now());
    assert!(matches!(gate(&breaker), Gate::Shut(_)), "the message that is tried has not ended");
    breaker.note("a", Sign::Passed).await;
    assert_eq!(gate(&breaker), Gate::Free);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_replaced_while_it_is_refused_leaves_nothing_behind() {
    let play = Play::new();
    let breaker = Breaker::new(Some(play.remote.clone()));
    breaker.note("a", failed("405")).await;
    assert_eq!(breaker.note("b", failed("405")).await, Blame::Connection);
    assert_eq!(play.last_report(), Some(Some("405".to_owned())));
    let next = Breaker::new(Some(play.remote.clone()));
    drop(breaker);
    assert_eq!(play.last_report(), Some(None), "no message is known to be refused now");
    assert_eq!(next.note("c", Sign::Passed).await, Blame::Message);
    assert_eq!(play.last_report(), Some(None));
}
