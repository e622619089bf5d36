//! Several files that a manager sends at once.

use std::time::Duration;

use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    kommo::{Attachment, AttachmentKind, CaptionOn, Draft, Pace, Serving, Status},
    telegram::{ChatMessage, FileKind, Target},
};

use crate::{
    bridge::samples::{jpeg, mp3, mp4, opus, pdf},
    support::{TestStage, conversation, eventually},
};

const SALES: Line = LINES[0];

fn photo(length: usize) -> Attachment {
    Attachment::new(AttachmentKind::Picture, format!("{length}.jpg"), jpeg(800, 600, length))
}

fn photos(count: usize) -> Vec<Attachment> {
    (0..count).map(|n| photo(1000 + n)).collect()
}

impl TestStage {
    async fn say_together(&self, drafts: Vec<Draft>, pace: Pace) -> Vec<String> {
        let said = self.kommo.say_together(&conversation(SALES, ANNA), "Maria", drafts, pace).await;
        assert!(said.iter().all(|(_, hook)| hook.status == Some(200)), "{said:?}");
        said.into_iter().map(|(id, _)| id).collect()
    }

    /// All of these are delivered, as these messages.
    async fn delivered_together(&self, drafts: Vec<Draft>) -> Vec<ChatMessage> {
        let before = self.sent().len();
        for id in self.say_together(drafts, Pace::InTurn).await {
            assert_eq!(self.outcome(&id).await, Status::Delivered);
        }
        self.sent().split_off(before)
    }

    fn calls(&self, method: &str) -> usize {
        self.telegram.requests().iter().filter(|request| request.method == method.to_lowercase()).count()
    }
}

/// How many messages each album has, in order; 0 for one that belongs to none.
fn albums(messages: &[ChatMessage]) -> Vec<usize> {
    let mut found: Vec<(Option<&str>, usize)> = Vec::new();
    for message in messages {
        let group = message.media_group_id.as_deref();
        match found.last_mut() {
            Some((last, count)) if group.is_some() && *last == group => *count += 1,
            _ => found.push((group, usize::from(group.is_some()))),
        }
    }
    found.into_iter().map(|(_, count)| count).collect()
}

fn texts(messages: &[ChatMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_sent_at_once_are_one_album_with_a_status_each() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    for (count, expected) in [(2, vec![2]), (10, vec![10]), (11, vec![10, 0]), (1, vec![0])] {
        let files = photos(count);
        let messages = stage.delivered_together(Draft::files(files, "The hall", CaptionOn::First)).await;
        assert_eq!(albums(&messages), expected, "{count} photos");
        for (n, message) in messages.iter().enumerate() {
            stage.assert_holds(message, &jpeg(800, 600, 1000 + n));
            assert_eq!(message.text, if n == 0 { "The hall" } else { "" });
        }
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_whose_hooks_come_all_at_once_are_one_album_in_order() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let sizes = |messages: &[ChatMessage]| {
        messages.iter().filter_map(|it| it.file.as_ref()).map(|it| it.size).collect::<Vec<_>>()
    };
    // Which of them comes first is a matter of chance.
    for _ in 0..3 {
        let before = stage.sent().len();
        let ids = stage.say_together(Draft::files(photos(6), "Look", CaptionOn::First), Pace::AtOnce).await;
        for id in &ids {
            assert_eq!(stage.outcome(id).await, Status::Delivered);
        }
        let messages = stage.sent().split_off(before);
        assert_eq!(albums(&messages), [6]);
        assert_eq!(texts(&messages), ["Look", "", "", "", "", ""]);
        assert_eq!(sizes(&messages), [1000, 1001, 1002, 1003, 1004, 1005]);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_telegram_does_not_mix_goes_apart_and_in_order() {
    use AttachmentKind::{Audio, File, Picture, Video, Voice};
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let files = vec![
        photo(900),
        Attachment::new(Video, "v.mp4", mp4(901)),
        Attachment::new(File, "a.pdf", pdf(902)),
        Attachment::new(File, "b.pdf", pdf(903)),
        Attachment::new(Voice, "v.ogg", opus(904)),
        Attachment::new(Audio, "a.mp3", mp3(905)),
        Attachment::new(Audio, "b.mp3", mp3(906)),
        Attachment::new(Picture, "c.jpg", pdf(907)),
    ];
    let messages = stage.delivered_together(Draft::files(files, "", CaptionOn::First)).await;
    assert_eq!(albums(&messages), [2, 2, 0, 2, 0]);
    let sizes: Vec<_> = messages.iter().map(|message| message.file.as_ref().unwrap().size).collect();
    assert_eq!(sizes, [900, 901, 902, 903, 904, 905, 906, 907]);
    assert_eq!(messages[4].file.as_ref().unwrap().kind, FileKind::Voice);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_captions_and_buttons_come_after_the_album() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let long = "word ".repeat(300);
    let buttons = json!({ "buttons": [[{ "text": "Yes" }]] });
    let drafts = vec![
        Draft::file(photo(900)).saying("Shall we?").markup(buttons),
        Draft::file(photo(901)).saying("short"),
        Draft::file(photo(902)).saying(&long),
    ];
    let messages = stage.delivered_together(drafts).await;
    assert_eq!(albums(&messages), [3, 0, 0]);
    assert_eq!(texts(&messages), ["", "short", "", "Shall we?", long.trim()]);
    assert_eq!(messages[3].keyboard.len(), 1);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_sent_does_not_cost_the_others() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let files = vec![photo(900), photo(901).served(Serving::Status(404)), photo(902), photo(903)];
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    for (n, id) in ids.iter().enumerate() {
        let outcome = stage.outcome(id).await;
        match n {
            1 => assert!(matches!(&outcome, Status::Failed { text, .. } if text.contains("HTTP 404")), "{outcome:?}"),
            _ => assert_eq!(outcome, Status::Delivered),
        }
    }
    assert_eq!(albums(&stage.sent()), [3]);
    // What is given up stays given up: if it came now, it would stand behind the others.
    let asked = stage.kommo.requests().iter().filter(|request| request.path.contains("/attachments/")).count();
    assert_eq!(asked, 4 + 3);
    stage.parked(1).await;
    stage.finish().await;
}

/// Whether the answers arrived, in order.
async fn arrived(stage: &TestStage, ids: &[String]) -> Vec<bool> {
    let mut arrived = Vec::new();
    for id in ids {
        arrived.push(stage.outcome(id).await == Status::Delivered);
    }
    arrived
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_kommo_never_gives_holds_up_the_others_for_a_while_only() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let files = vec![photo(900), photo(901).served(Serving::Status(500)), photo(902), photo(903)];
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    assert_eq!(arrived(&stage, &ids).await, [true, false, true, true]);
    // It might have come: so it has its place between the others.
    assert_eq!(albums(&stage.sent()), [0, 2]);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_kommo_gives_late_keeps_its_place() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let files = vec![photo(900).served(Serving::Status(500)), photo(901), photo(902)];
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    let asked = |stage: &TestStage| {
        stage.kommo.requests().iter().filter(|request| request.path.contains("/attachments/")).count()
    };
    // Three times together, and then by itself.
    eventually("it is asked for by itself", async || asked(&stage) > 9).await;
    stage.kommo.serve_as(&ids[0], Serving::Whole);
    assert_eq!(arrived(&stage, &ids).await, [true; 3]);
    let sent = stage.sent();
    let length = |message: &ChatMessage| stage.telegram.file(&message.file.as_ref().unwrap().file_id).unwrap().len();
    assert_eq!(sent.iter().map(length).collect::<Vec<_>>(), [900, 901, 902]);
    assert_eq!(albums(&sent), [0, 2]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_which_one_dries_up_every_time_go_one_by_one() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let files = vec![photo(900), photo(400_000).served(Serving::BreaksOff(200_000)), photo(902)];
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    assert_eq!(arrived(&stage, &ids).await, [true, false, true]);
    assert_eq!(albums(&stage.sent()), [0, 0]);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_for_files_that_is_down_for_a_while_does_not_tear_an_album_apart() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let files = (0..3).map(|n| photo(900 + n).served(Serving::Status(503))).collect();
    let asked = stage.kommo.requests().len();
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    // Between two rounds: where one file of a round can be had and another cannot, the album is torn apart by rights.
    let is_between = |requests: usize| requests >= 12 && requests.is_multiple_of(ids.len());
    eventually("all are asked for four times", async || is_between(stage.kommo.requests().len() - asked)).await;
    for id in &ids {
        stage.kommo.serve_as(id, Serving::Whole);
    }
    assert_eq!(arrived(&stage, &ids).await, [true; 3]);
    assert_eq!(albums(&stage.sent()), [3]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_of_an_album_arrive_even_if_kommo_gives_none_of_its_files() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let files = (0..3).map(|n| photo(900 + n).served(Serving::Status(503))).collect();
    let ids = stage.say_together(Draft::files(files, "Look", CaptionOn::Last), Pace::InTurn).await;
    assert_eq!(arrived(&stage, &ids).await, [false; 3]);
    assert_eq!(texts(&stage.sent()), ["Look"]);
    let outcome = stage.outcome(&ids[2]).await;
    let is_told = matches!(&outcome, Status::Failed { text, .. } if text.contains("The customer has got the text"));
    assert!(is_told, "{outcome:?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_refused_once_does_not_tear_an_album_apart() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let files = vec![photo(900), photo(901).served(Serving::Status(403)), photo(902)];
    let asked = stage.kommo.requests().len();
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    eventually("all are asked for", async || stage.kommo.requests().len() - asked >= ids.len()).await;
    stage.kommo.serve_as(&ids[1], Serving::Whole);
    assert_eq!(arrived(&stage, &ids).await, [true; 3]);
    assert_eq!(albums(&stage.sent()), [3]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_that_telegram_refuses_goes_one_by_one() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: group send failed"}"#.to_owned();
    stage.telegram.fault(Target::method("sendMediaGroup"), Fault::Status { code: 400, body }, 1);
    let messages = stage.delivered_together(Draft::files(photos(3), "Look", CaptionOn::Last)).await;
    assert_eq!((albums(&messages), texts(&messages)), (vec![0, 0, 0], vec!["", "", "Look"]));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_that_has_to_wait_is_sent_once() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.fault(Target::method("sendMediaGroup"), Fault::RetryAfter(1), 1);
    let messages = stage.delivered_together(Draft::files(photos(3), "", CaptionOn::First)).await;
    assert_eq!((albums(&messages), stage.calls("sendMediaGroup")), (vec![3], 2));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_outlives_a_restart_while_it_gathers_and_while_it_goes_out() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let slow = Serving::Slow { piece_bytes: 60_000, pause: Duration::from_secs(4) };
    let mut files = photos(2);
    files.push(photo(300_000).served(slow));
    let before = stage.kommo.requests().len();
    let ids = stage.say_together(Draft::files(files, "", CaptionOn::First), Pace::InTurn).await;
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    eventually("the files are fetched", async || stage.kommo.requests().len() >= before + 3).await;
    stage.stop_bridge().await;
    stage.kommo.serve_as(&ids[2], Serving::Whole);
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(albums(&stage.sent()), [3]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_can_answer_each_item_of_an_album() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let ids = stage.say_together(Draft::files(photos(3), "", CaptionOn::First), Pace::InTurn).await;
    for id in &ids {
        stage.outcome(id).await;
    }
    let second = stage.sent()[1].message_id;
    stage.telegram.write_reply(SALES.token, ANNA, "this one", second);
    stage.until_settled().await;
    stage
        .until("the answer is in Kommo", |stage| {
            let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
            chat.messages.iter().any(|it| it.text == "this one" && it.reply_to.as_deref() == Some(&ids[1]))
        })
        .await;
    stage.finish().await;
}
