//! Accounts that take no edits of what customers wrote, and edits whose answer is lost.

use telekommo::sandbox::{
    fault::Fault,
    kommo::{Doubtful, Endpoint, ErrorShape},
    stage::{ANNA, LINES, Line, Stage},
};

use crate::support::{TestStage, conversation};

const SALES: Line = LINES[0];
const REFUSAL: &str = r#"{"title":"Bad Request","status":400,"detail":"only outgoing messages","trace_id":"t"}"#;

/// What Anna's messages say in Kommo, and which of them each one quotes.
fn shown(stage: &Stage) -> Vec<(String, Option<usize>)> {
    let messages = stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default();
    let place = |id: &String| messages.iter().position(|it| it.id == *id);
    messages.iter().map(|it| (it.text.clone(), it.reply_to.as_ref().and_then(place))).collect()
}

/// How many edits Kommo was asked for.
fn edits(stage: &Stage) -> usize {
    stage.kommo.requests().into_iter().filter(|it| it.body.contains("edit_message")).count()
}

fn refusal() -> Fault {
    Fault::Status { code: 400, body: REFUSAL.to_owned() }
}

/// Anna has written one message, which Kommo has. Gives its number.
async fn stage(errors: ErrorShape) -> (TestStage, i64) {
    let mut stage = TestStage::with("kommo.timeout = \"1s\"").await;
    stage.allow_failures();
    stage.kommo.habits(|habits| habits.errors = errors);
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
    for errors in [ErrorShape::Older, ErrorShape::Newer] {
        let (mut stage, number) = stage(errors).await;
        stage.kommo.habits(|habits| habits.customer_edits = Doubtful::Refused);
        let mut expected = vec![("Tomorow".to_owned(), None)];
        for n in 1..=5 {
            stage.telegram.edit(SALES.token, ANNA, number, &format!("Tomorrow {n}"));
            expected.push((format!("[edited] Tomorrow {n}"), Some(0)));
            let expected: Vec<_> = expected.iter().map(|(text, quoted)| (text.as_str(), *quoted)).collect();
            stage.until_shown_as(&expected).await;
        }
        assert_eq!(edits(&stage), 3, "what is plainly in vain is not tried each time");
        // A restart tries anew.
        stage.kommo.habits(|habits| habits.customer_edits = Doubtful::Taken);
        stage.stop_bridge().await;
        stage.start_bridge().await.unwrap();
        stage.telegram.edit(SALES.token, ANNA, number, "Tomorrow at last");
        stage.until("the edit is taken", |stage| shown(stage)[0].0 == "Tomorrow at last").await;
        stage.until_settled().await;
        assert_eq!((shown(&stage).len(), edits(&stage)), (6, 4));
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_cannot_quote_is_told_without() {
    let (stage, number) = stage(ErrorShape::Older).await;
    stage.kommo.habits(|habits| habits.customer_edits = Doubtful::Refused);
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
