//! `kill -9` under load: what was acknowledged is kept.

use std::{env, time::Duration};

use load::{Done, Load, Log};
use rustix::process::Signal;
use telekommo::sandbox::{
    fault::Fault,
    harness::{Harness, LINES},
    kommo::Endpoint,
    telegram::Target,
};
use tokio::time::{Instant, sleep};

use super::process::{Process, run};
use crate::support::{BRISK, WITHIN, by_socket};

mod end;
mod files;
mod load;
mod verdict;

/// How often the bridge is killed.
const ROUNDS: usize = 20;
/// How long a round may last after the bridge is up, in milliseconds.
const ROUND_MS: std::ops::Range<u64> = 50..700;
/// In how many rounds something must have been under way when the bridge was killed, for the test to mean anything.
const LEAST_BUSY: usize = ROUNDS / 2;
/// How long the remotes take to answer: long enough for a kill to fall into a call.
const LATENCY: Duration = Duration::from_millis(15);

/// How often it is looked whether everything has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Every call of the kinds that matter takes a while.
fn slow_down(stage: &Harness) {
    let slow = || Fault::Hang(LATENCY);
    stage.kommo.fault(Endpoint::Message, slow(), u32::MAX);
    stage.kommo.fault(Endpoint::DeliveryStatus, slow(), u32::MAX);
    stage.telegram.fault(Target::method("sendMessage"), slow(), u32::MAX);
}

/// Runs and kills the bridge, and tells what was noted at every kill.
async fn kill_again_and_again(stage: &Harness, load: &Load, chance: &mut fastrand::Rng) -> Vec<Log> {
    let mut kills = Vec::new();
    for _ in 0..ROUNDS {
        let process = Process::start(stage, run(stage)).await;
        // The one wait for nothing: the kill is to fall anywhere.
        sleep(Duration::from_millis(chance.u64(ROUND_MS))).await;
        let ended = process.end(Signal::KILL).await;
        assert_eq!(ended.status.code(), None, "it ended by itself: {}", ended.stderr);
        kills.push(load.look(stage));
    }
    kills
}

/// The seed of a run that failed, if it is to be seen again, or another one.
fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    let wished = env::var("TELEKOMMO_SEED").ok();
    wished.map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("TELEKOMMO_SEED is a number"))
}

/// Waits until everything has arrived. How much there is depends on the machine, so it is standing still that fails;
/// and to look is dear, so this does not look at every change.
async fn drained(stage: &Harness, done: &Done, process: &Process) {
    let (mut least, mut since) = (usize::MAX, Instant::now());
    loop {
        let log = done.look(stage);
        if log.is_drained() {
            return;
        }
        if log.left() < least {
            (least, since) = (log.left(), Instant::now());
        }
        assert!(since.elapsed() < WITHIN, "nothing more arrives: {log:#?}\n{}", process.stderr());
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_out_of_order() {
    survives("").await;
}

/// What is found in Kommo's history after a kill hides whether it was kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_hook_is_lost_where_nothing_is_looked_for_in_the_history() {
    survives("reconcile.on_start = false\n").await;
}

/// Kills a bridge with these settings again and again, and looks at what is there in the end.
async fn survives(settings: &str) {
    let seed = seed();
    println!("TELEKOMMO_SEED={seed} kills at the same moments again");
    let stage = Harness::without_bridge(&format!("{BRISK}{settings}kommo.infer_read = true\n")).unwrap();
    let load = Load::begin(&stage);
    // Of a chat that Kommo has made, and of which a kill has kept the bridge from hearing, nothing can be compared.
    let process = Process::start(&stage, run(&stage)).await;
    stage.until("Kommo knows everybody", WITHIN, Load::has_begun).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    load.talk(&stage, seed);
    slow_down(&stage);
    let kills = kill_again_and_again(&stage, &load, &mut fastrand::Rng::with_seed(seed)).await;
    let done = load.stop().await;
    stage.kommo.heal();
    stage.telegram.heal();

    let process = Process::start(&stage, run(&stage)).await;
    drained(&stage, &done, &process).await;
    let metrics = reqwest::get(format!("http://{}/metrics", process.ports().await.admin)).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let doubled = verdict::check(&stage, &done, &kills);
    println!("{} messages, {} answers, {doubled} of them doubled", done.written(), done.accepted());
    end::every_answer_is_read(&stage, &done).await;
    end::answers_go_where_the_talk_is(&stage, &done).await;
    let parked = by_socket(stage.dir()).get("http://localhost/parked").send().await.unwrap();
    assert_eq!(parked.text().await.unwrap(), "[]", "something was set aside; {metrics}");
    let ended = process.end(Signal::TERM).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);

    let busy = kills.iter().filter(|kill| !kill.is_drained()).count();
    let (inbound, outbound) = kills.iter().fold((0, 0), |(i, o), kill| (i + kill.inbound, o + kill.outbound));
    let mean = (inbound / ROUNDS, outbound / ROUNDS);
    println!("{busy} of {ROUNDS} kills fell among jobs, on average {} messages and {} answers", mean.0, mean.1);
    assert!(busy >= LEAST_BUSY && inbound > 0 && outbound > 0, "too little was under way");
    assert!(LINES.iter().all(|line| stage.telegram.confirmed_up_to(line.token).is_some()));
}
