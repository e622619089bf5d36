//! Hooks that were lost while the bridge ran, and a Kommo that does not tell what it has.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use telekommo::{
    domain::{
        address::{KommoChatId, SourceId},
        job::{Hook, Job, Lane},
        retry::Schedule,
        time::UnixMillis,
    },
    kommo::{chats::Chats, sign::Signer},
    metrics::Metrics,
    net::Egress,
    relay::reconcile::{Bounds, Parts, Reconciler},
    sandbox::{
        fault::Fault,
        harness::{ANNA, Harness, LINES, Line},
        kommo::{Endpoint, Optional, Status},
    },
    store::{Chat, Due, Intake, NewJob, Outcome, Settings, StateChange, Store},
    trace::Trace,
    words::Spoken,
};
use tokio_util::sync::CancellationToken;

use crate::support::{TestStage, conversation, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const HOUR: Duration = Duration::from_hours(1);
const BOUNDS: Bounds = Bounds {
    max_age: HOUR,
    chats_within: HOUR,
    known_for: Duration::from_hours(4),
    linked_for: Duration::from_hours(4),
    hold_for: HOUR,
    every: HOUR,
    watch_every: HOUR,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_while_the_bridge_ran_is_found_by_itself() {
    let mut stage = TestStage::with("reconcile.every = \"300ms\"").await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let first = stage.reply(SALES, ANNA, "1").await;
    assert_eq!(stage.outcome(&first).await, Status::Delivered);
    stage.kommo.lose_hooks(true);
    let mut ids = Vec::new();
    for text in ["2", "3"] {
        ids.push(stage.kommo.reply(&conversation(SALES, ANNA), "Maria", text).await.0);
    }
    stage.kommo.lose_hooks(false);
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "3"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_of_which_kommos_answers_do_not_tell_the_id_is_compared_too() {
    let mut stage = TestStage::with("reconcile.every = \"300ms\"").await;
    stage.kommo.quirks(|quirks| quirks.chat_ids = Optional::Missing);
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.write(SALES.token, ANNA, "Hi");
    stage.until("both are in Kommo", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "Hi"]).await;
    stage.until_settled().await;
    let asked = stage.kommo.requests().iter().filter(|it| it.endpoint == Some(Endpoint::CreateChat)).count();
    assert_eq!(asked, 1, "once");
    let known = stage.store().known_chats().await.unwrap();
    assert!(known.len() == 1 && known[0].active_at.is_some(), "{known:?}");
    stage.kommo.lose_hooks(true);
    let (lost, _) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "lost").await;
    assert_eq!(stage.outcome(&lost).await, Status::Delivered);
    stage.finish().await;
}

/// A store that knows one chat, and what compares it with the history of the stage's Kommo.
struct Own {
    stage: Harness,
    store: Store,
    lane: Lane,
    reconciler: Arc<Reconciler>,
    stop: CancellationToken,
}

impl Own {
    async fn new(bounds: Bounds) -> Self {
        let stage = Harness::without_bridge("").unwrap();
        stage.kommo.fault(Endpoint::History, Fault::Status { code: 500, body: String::new() }, u32::MAX);
        let settings = Settings {
            dir: stage.dir().join("own"),
            cache_bytes: 4 << 20,
            reserve_bytes: 0,
            dedupe_for: HOUR * 48,
            links_for: HOUR * 48,
            parked_for: HOUR * 48,
        };
        let store = Store::open(settings).unwrap();
        let conversation = conversation(SALES, ANNA).parse().unwrap();
        let lane = Lane::outbound(&conversation);
        let chat = Chat { chat: KommoChatId("b52c987e-1ef0-4544-b4e7-6d2ba665f9e4".to_owned()), user: None };
        let fact = StateChange::Chat { conversation, chat };
        let intake = Intake { jobs: vec![job(&lane)], offset: None };
        store.push_with(intake, vec![fact], telekommo::clock::now()).await.unwrap();

        let kommo = stage.kommo.settings();
        let (url, signer) = (stage.kommo.url().parse().unwrap(), Signer::new(&kommo.channel_secret));
        let chats =
            Chats::new(&Egress::default(), url, &kommo.scope_id(), signer, Duration::from_secs(5), 1000).unwrap();
        let imported = store.imports(&kommo.scope_id());
        let (store_, sources) = (store.clone(), BTreeSet::from([SourceId::parse(SALES.source).unwrap()]));
        let (metrics, spoken, trace) = (Arc::new(Metrics::new()), Spoken::default(), Trace::default());
        let parts = Parts { chats, account: None, store: store_, imported, metrics, trace, spoken, sources };
        let schedule = Schedule::endless(vec![Duration::from_millis(50)]);
        let reconciler = Arc::new(Reconciler::new(parts, bounds, schedule, 1000));
        Self { stage, store, lane, reconciler, stop: CancellationToken::new() }
    }

    fn asked(&self) -> usize {
        self.stage.kommo.requests().iter().filter(|it| it.endpoint == Some(Endpoint::History)).count()
    }
}

fn job(lane: &Lane) -> NewJob {
    NewJob { id: None, lane: lane.clone(), job: Job::from(Hook { raw: "{}".to_owned() }) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kommo_that_does_not_answer_holds_nothing_up_for_long() {
    let own = Own::new(Bounds { hold_for: Duration::from_secs(3), ..BOUNDS }).await;
    let (store, route, now) = (&own.store, &own.lane.route, telekommo::clock::now());
    let search = own.reconciler.prepare().await.unwrap();
    assert_eq!(search.conversations(), 1);
    let attending = Arc::clone(&own.reconciler).run_loop(Some(search), own.stop.clone());
    let watching = async {
        assert_eq!(store.due(route), None, "what came before the start may have been delivered");
        eventually("it goes on all the same", async || store.due(route) == Some(Due::Now)).await;
        let first = store.claim(route, now).unwrap().unwrap();
        first.settle(Outcome::Done { then: Vec::new(), changes: Vec::new() }, now).await.unwrap();
        store.push(Intake { jobs: vec![job(&own.lane)], offset: None }, now).await.unwrap();
        assert_eq!(store.due(route), None, "it is held");
        eventually("it is let go", async || store.due(route) == Some(Due::Now)).await;
        assert_eq!(store.caught_up_at().unwrap(), None, "something may still be missing");
        own.stage.kommo.heal();
        eventually("the search goes on", async || store.caught_up_at().unwrap() > Some(UnixMillis(0))).await;
        own.stop.cancel();
    };
    let (attended, ()) = tokio::join!(attending, watching);
    attended.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_comparison_that_is_complete_is_noted() {
    let own = Own::new(Bounds { every: Duration::from_millis(50), ..BOUNDS }).await;
    let attending = Arc::clone(&own.reconciler).run_loop(None, own.stop.clone());
    let watching = async {
        eventually("one comparison was given up, and the next one begun", async || own.asked() > 5).await;
        assert_eq!(own.store.caught_up_at().unwrap(), None);
        own.stage.kommo.heal();
        eventually("all could be compared", async || own.store.caught_up_at().unwrap().is_some()).await;
        own.stop.cancel();
    };
    let (attended, ()) = tokio::join!(attending, watching);
    attended.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_runs_and_looks_at_nothing_notes_nothing() {
    let own = Own::new(BOUNDS).await;
    own.stop.cancel();
    Arc::clone(&own.reconciler).run_loop(None, own.stop.clone()).await.unwrap();
    assert_eq!(own.store.caught_up_at().unwrap(), None);
}
