//! What became of a message, in whichever form the account takes it.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Author, Doubtful, Endpoint, ErrorShape, Message, Status, StatusNames},
    telegram::Customer,
};

use crate::support::{TestStage, eventually, stranger};

const SALES: Line = LINES[0];
const OLGA: i64 = 5_000_001;

/// What Kommo has of Anna's chat with Olga.
fn with_olga(stage: &Harness) -> Vec<Message> {
    stage.kommo.chat(&format!("tg:sales:{OLGA}/{ANNA}")).map(|chat| chat.messages).unwrap_or_default()
}

/// The bodies of all requests of one kind that were answered with 200, and how many were not.
fn told(stage: &Harness, endpoint: Endpoint) -> (Vec<String>, usize) {
    let of_kind = stage.kommo.requests().into_iter().filter(|it| it.endpoint == Some(endpoint));
    let (taken, refused): (Vec<_>, Vec<_>) = of_kind.partition(|it| it.status == Some(200));
    (taken.into_iter().map(|it| it.body).collect(), refused.len())
}

/// Olga has written on her phone, twice.
async fn stage(habit: Doubtful, errors: ErrorShape) -> TestStage {
    stage_with(habit, errors, 400).await
}

/// The same with the status of what Kommo does not like.
async fn stage_with(habit: Doubtful, errors: ErrorShape, unfit_status: u16) -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.quirks(|quirks| {
        (quirks.new_statuses, quirks.errors, quirks.unfit_status) = (habit, errors, unfit_status);
    });
    stage.telegram.add_customer(Customer { first_name: "Olga".to_owned(), ..stranger(OLGA) });
    stage.telegram.connect_business(SALES.token, OLGA, &["can_reply"]);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Hello Olga");
    for words in ["from my phone", "and again"] {
        stage.telegram.write_as_business(SALES.token, OLGA, ANNA, words);
    }
    stage.until("Kommo has it", |stage| with_olga(stage).len() == 3).await;
    stage.until_settled().await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_owner_writes_arrives_as_delivered_in_one_call() {
    let stage = stage(Doubtful::Taken, ErrorShape::Older).await;
    let shown: Vec<_> = with_olga(&stage).into_iter().map(|it| (it.from, it.text, it.status_history)).collect();
    let arrived = || vec![Status::Delivered];
    assert_eq!(
        shown,
        [
            (Author::Customer, "Hello Olga".to_owned(), vec![]),
            (Author::Bot, "from my phone".to_owned(), arrived()),
            (Author::Bot, "and again".to_owned(), arrived()),
        ]
    );
    assert_eq!(told(&stage, Endpoint::DeliveryStatus), (vec![], 0));
    assert_eq!(told(&stage, Endpoint::Message).1, 0);
    stage.finish().await;
}

/// An account that takes no status with a new message loses no word by it, and is not asked for the same again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_takes_no_status_with_a_message_has_the_words() {
    for (errors, status) in [(ErrorShape::Older, 400), (ErrorShape::Newer, 400), (ErrorShape::Newer, 422)] {
        let stage = stage_with(Doubtful::Refused, errors, status).await;
        let texts: Vec<_> = with_olga(&stage).into_iter().map(|it| (it.text, it.status)).collect();
        let sent = |words: &str| (words.to_owned(), Status::Sent);
        assert_eq!(texts, ["Hello Olga", "from my phone", "and again"].map(sent));
        let (taken, refused) = told(&stage, Endpoint::Message);
        assert_eq!((taken.len(), refused), (3, 1), "{taken:#?}");
        stage.parked(0).await;
        stage.finish().await;
    }
}

/// A refusal that has nothing to do with the status teaches nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_refusal_is_not_taken_for_one_of_the_status() {
    let mut stage = stage(Doubtful::Taken, ErrorShape::Newer).await;
    stage.allow_leftovers();
    let body = r#"{"error_code":400,"error_description":"no"}"#.to_owned();
    stage.kommo.fault_of("nasty", Fault::Status { code: 400, body });
    stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "nasty");
    let is_set_aside = async || stage.store().parked(9).is_ok_and(|parked| parked.len() == 1);
    eventually("it is set aside", is_set_aside).await;
    stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "nice");
    stage.until("Kommo has it", |stage| with_olga(stage).len() == 4).await;
    assert_eq!(with_olga(&stage)[3].status_history, [Status::Delivered]);
    stage.finish().await;
}

/// The number of a status by the names that the account knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_goes_by_the_names_that_the_account_takes() {
    for (names, want, refused) in [
        (StatusNames::Any, r#"{"msgid":"ID","status_code":1,"delivery_status":1}"#, 0),
        (StatusNames::Newer, r#"{"status_code":1}"#, 1),
        (StatusNames::Older, r#"{"msgid":"ID","delivery_status":1}"#, 2),
    ] {
        let mut stage = TestStage::start().await;
        stage.allow_failures();
        stage.kommo.quirks(|quirks| quirks.status_names = names);
        stage.begin(SALES, ANNA).await;
        for words in ["one", "two"] {
            let id = stage.reply(SALES, ANNA, words).await;
            assert_eq!(stage.outcome(&id).await, Status::Delivered, "{names:?}");
            let (taken, failed) = told(&stage, Endpoint::DeliveryStatus);
            assert_eq!(taken.last().map(|body| body.replace(&id, "ID")).as_deref(), Some(want));
            assert_eq!(failed, refused, "{names:?}: learnt once");
        }
        stage.finish().await;
    }
}

/// Kommo changes the names while the bridge runs, and tells what it does not like by either status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_names_of_a_status_are_learnt_anew_when_they_change() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    for (names, unfit_status, refused) in [
        (StatusNames::Newer, 400, 1),
        (StatusNames::Older, 422, 3),
        (StatusNames::Newer, 422, 5),
        (StatusNames::Any, 400, 5),
    ] {
        stage.kommo.quirks(|quirks| (quirks.status_names, quirks.unfit_status) = (names, unfit_status));
        for words in ["one", "two"] {
            let id = stage.reply(SALES, ANNA, words).await;
            assert_eq!(stage.outcome(&id).await, Status::Delivered, "{names:?}");
        }
        assert_eq!(told(&stage, Endpoint::DeliveryStatus).1, refused, "{names:?}");
    }
    stage.finish().await;
}
