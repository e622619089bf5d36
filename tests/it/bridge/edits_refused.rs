//! Accounts that take no edits of what customers wrote, and edits whose answer is lost.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Doubtful, Endpoint, ErrorShape, Status, TwoChats},
};

use crate::support::{TestStage, conversation, in_kommo};

const SALES: Line = LINES[0];
const REFUSAL: &str = r#"{"title":"Bad Request","status":400,"detail":"only outgoing messages","trace_id":"t"}"#;

/// What Anna's messages say in Kommo, and which of them each one quotes.
fn shown(stage: &Harness) -> Vec<(String, Option<usize>)> {
    let messages = stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default();
    let place = |id: &String| messages.iter().position(|it| it.id == *id);
    messages.iter().map(|it| (it.text.clone(), it.reply_to.as_ref().and_then(place))).collect()
}

/// How many edits Kommo was asked for.
fn edits(stage: &Harness) -> usize {
    stage.kommo.requests().into_iter().filter(|it| it.body.contains("edit_message")).count()
}

fn refusal() -> Fault {
    Fault::Status { code: 400, body: REFUSAL.to_owned() }
}

/// Anna has written one message, which Kommo has. Gives its number.
async fn stage(errors: ErrorShape) -> (TestStage, i64) {
    let mut stage = TestStage::with("kommo.timeout = \"1s\"").await;
    stage.allow_failures();
    stage.kommo.quirks(|quirks| quirks.errors = errors);
    let number = stage.telegram.write(SALES.token, ANNA, "Tomorow");
    stage.until_shown_as(&[("Tomorow", None)]).await;
    (stage, number)
}

impl TestStage {
    async fn until_shown_as(&self, expected: &[(&str, Option<usize>)]) {
        let expected: Vec<_> = expected.iter().map(|(text, quoted)| ((*text).to_owned(), *quoted)).collect();
        self.until("Kommo shows it", |stage| shown(stage).len() >= expected.len() && shown(stage) == expected).await;
        self.until_settled().await;
        assert_eq!(shown(self), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_edits_are_refused_each_is_a_message_that_quotes_the_old_one() {
    for (errors, status) in [(ErrorShape::Older, 400), (ErrorShape::Newer, 422)] {
        let (mut stage, number) = stage(errors).await;
        let second = stage.telegram.write(SALES.token, ANNA, "At fiv");
        stage.until("Kommo has it", |stage| shown(stage).len() == 2).await;
        let third = stage.telegram.write(SALES.token, ANNA, "By car");
        stage.kommo.quirks(|quirks| (quirks.customer_edits, quirks.unfit_status) = (Doubtful::Refused, status));
        let mut expected = ["Tomorow", "At fiv", "By car"].map(|text| (text.to_owned(), None)).to_vec();
        for (n, message, quoted) in [(1, number, 0), (2, second, 1), (3, third, 2), (4, number, 0), (5, second, 1)] {
            stage.telegram.edit(SALES.token, ANNA, message, &format!("Tomorrow {n}"));
            expected.push((format!("[edited] Tomorrow {n}"), Some(quoted)));
            let expected: Vec<_> = expected.iter().map(|(text, quoted)| (text.as_str(), *quoted)).collect();
            stage.until_shown_as(&expected).await;
        }
        assert_eq!(edits(&stage), 3, "what is plainly in vain is not tried each time");
        // A restart tries anew.
        stage.kommo.quirks(|quirks| quirks.customer_edits = Doubtful::Taken);
        stage.stop_bridge().await;
        stage.start_bridge().await.unwrap();
        stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow at last");
        stage.until("the edit is taken", |stage| shown(stage)[0].0 == "Tomorrow at last").await;
        stage.until_settled().await;
        assert_eq!((shown(&stage).len(), edits(&stage)), (8, 4));
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_cannot_quote_is_told_without() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.quirks(|quirks| quirks.customer_edits = Doubtful::Refused);
    let body = r#"{"error_code":400,"error_description":"reply_to"}"#.to_owned();
    stage.kommo.fault_of("reply_to", Fault::Status { code: 400, body });
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorow", None), ("[edited] Tomorrow", None)]).await;
    stage.finish().await;
}

/// The edit came about, its answer was lost, and the repetition is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_came_about_unheard_is_not_told_again() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorrow", None)]).await;
    stage.kommo.heal();
    stage.finish().await;
}

/// The edit was refused, the message in its place came about unheard, and edits are taken from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_in_place_of_an_edit_is_not_told_as_one_too() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorow", None), ("[edited] Tomorrow", Some(0))]).await;
    stage.finish().await;
}

/// One message whose edits Kommo refuses says nothing of other messages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refusals_of_one_message_end_no_edits_of_others() {
    let (mut stage, number) = stage(ErrorShape::Older).await;
    stage.allow_leftovers();
    let other = stage.telegram.write(SALES.token, ANNA, "At fiv");
    stage.until("Kommo has it", |stage| shown(stage).len() == 2).await;
    stage.kommo.fault_of("nasty", refusal());
    for n in 1..=4 {
        stage.telegram.edit(SALES.token, ANNA, number, &format!("nasty {n}"));
    }
    stage.until("all were tried", |stage| edits(stage) >= 3).await;
    stage.telegram.edit(SALES.token, ANNA, other, "At five");
    stage.until("the edit is taken", |stage| shown(stage).get(1).is_some_and(|it| it.0 == "At five")).await;
    stage.parked(4).await;
    stage.finish().await;
}

/// The edit came about, its answer was lost with the way, which uses up no attempt, and the repetition is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_came_about_before_the_way_broke_is_not_told_again() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    stage.kommo.fault(Endpoint::History, Fault::Page { code: 503 }, 1);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorrow", None)]).await;
    stage.kommo.heal();
    stage.finish().await;
}

/// The edit was refused, the message in its place came about before the way broke, and edits are taken from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_in_place_of_an_edit_before_the_way_broke_is_not_told_as_one_too() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.kommo.fault(Endpoint::History, Fault::Page { code: 503 }, 1);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorow", None), ("[edited] Tomorrow", Some(0))]).await;
    stage.finish().await;
}

/// Pages of a filter, and broken connections, are no verdict of Kommo's: the edit waits, and is an edit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_does_not_get_through_for_a_while_stays_one() {
    for fault in [Fault::Page { code: 403 }, Fault::Page { code: 502 }, Fault::DropBefore] {
        let (stage, number) = stage(ErrorShape::Older).await;
        stage.kommo.fault(Endpoint::Message, fault, 4);
        stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
        stage.until_shown_as(&[("Tomorrow", None)]).await;
        assert_eq!(edits(&stage), 5);
        stage.finish().await;
    }
}

/// An edit that Kommo itself fails at must not hold up its conversation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_kommo_fails_at_again_and_again_is_a_message() {
    let (stage, number) = stage(ErrorShape::Older).await;
    let body = r#"{"title":"ErrInternalServer","status":500,"detail":"broken","trace_id":"t"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 500, body }, 4);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorow", None), ("[edited] Tomorrow", Some(0))]).await;
    stage.finish().await;
}

/// An edit to which no answer belongs must not end parked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_whose_answers_name_another_message_is_a_message() {
    let (stage, number) = stage(ErrorShape::Older).await;
    let body = r#"{"new_message":{"msgid":"b52c987e-1ef0-4544-b4e7-6d2ba665f9e4","ref_id":"tg:1:2:3"}}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 200, body }, 4);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    stage.until_shown_as(&[("Tomorow", None), ("[edited] Tomorrow", Some(0))]).await;
    stage.finish().await;
}

/// A manager has begun another chat with the customer, where what is told in place of an edit goes: the old message is
/// not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_of_another_chat_is_named_in_place_of_an_edit() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.quirks(|quirks| (quirks.customer_edits, quirks.two_chats) = (Doubtful::Refused, TwoChats::Moved));
    stage.telegram.share_number(SALES.token, ANNA);
    stage.until("the card is there", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.until_settled().await;
    let phone = format!("+49151{}", ANNA % 100_000_000);
    let (id, _) = stage.kommo.write_first(&phone, SALES.source, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow");
    let is_told = |stage: &Harness| {
        let messages = stage.kommo.chats().into_iter().flat_map(|chat| chat.messages);
        messages.filter(|it| it.text.ends_with("Tomorrow")).count() == 1
    };
    stage.until("the edit is told", is_told).await;
    stage.until_settled().await;
    let named: Vec<_> = stage.kommo.requests().into_iter().filter(|it| it.body.contains("\"reply_to\"")).collect();
    assert!(named.is_empty(), "{named:#?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_acceptance_was_lost_is_edited_and_quoted_like_any_other() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    // That of the first message of all, and that of a later one.
    for (count, text) in (1..).zip(["Tomorow", "At fiv"]) {
        stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
        let number = stage.telegram.write(SALES.token, ANNA, text);
        stage.until("Kommo has it", |stage| shown(stage).len() == count).await;
        stage.until_settled().await;
        stage.telegram.edit(SALES.token, ANNA, number, &format!("{text}, please"));
        stage.until("it is edited", |stage| shown(stage)[count - 1].0 == format!("{text}, please")).await;
        stage.until_settled().await;
        if count == 2 {
            stage.telegram.write_reply(SALES.token, ANNA, "I mean it", number);
        }
    }
    let expected = [("Tomorow, please", None), ("At fiv, please", None), ("I mean it", Some(1))];
    stage.until_shown_as(&expected).await;
    stage.finish().await;
}
