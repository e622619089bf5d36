use super::*;
use crate::{
    domain::{
        address::{BotId, Conversation, SourceId},
        delivery::DeliveryReport,
        job::{Album, Call, Hook, Method, Raw, SendJob, StatusJob, Update},
    },
    relay::task::Task,
    store::NewJob,
    words::Language,
};

#[path = "retry_policy_tests/outage.rs"]
mod outage;

const NOW: UnixMillis = UnixMillis(1_000_000);

fn conversation() -> Conversation {
    Conversation::new(SourceId::parse("sales").unwrap(), 7)
}

fn call(part: u16, parts: u16) -> Job {
    let method = Method::SendText {
        text: "x".to_owned(),
        keyboard: crate::domain::keyboard::Keyboard::default(),
        reply_to: None,
    };
    Job::from(Call {
        message: KommoMessageId("m1".to_owned()),
        to: conversation(),
        part,
        parts,
        method,
        omitted: None,
        answers_in: None,
        opening: None,
        written_at: None,
    })
}

fn update() -> Job {
    Job::from(Update { source: conversation().source, bot: BotId(1), raw: "{}".to_owned(), program: None })
}

fn after(job: &Job, failed_before: u32, failure: Failure) -> Outcome {
    aged(job, failed_before, Duration::from_secs(5), failure)
}

fn policy() -> RetryPolicy {
    let waits = ["1s", "10s", "30m"].map(|wait| humantime::parse_duration(wait).unwrap());
    let schedule = Schedule::ending(waits.to_vec());
    let slots = Slots { texts: 1, files: 1 };
    RetryPolicy {
        schedule,
        patience: Some(Duration::from_mins(5)),
        repeats_uncertain: false,
        slots,
        spoken: Spoken::default(),
    }
}

fn attempt<'a>(job: &'a Job, lane: &'a Lane, failed_before: u32) -> FailedAttempt<'a> {
    let age = Duration::from_secs(5);
    let blame = Blame::Message;
    let answers = Task::read(job).answers();
    FailedAttempt { job, answers, lane, failed_before, age, is_repeated: false, is_best_effort: false, blame }
}

fn aged(job: &Job, failed_before: u32, age: Duration, failure: Failure) -> Outcome {
    let lane = Lane::outbound(&conversation());
    of_failure(&FailedAttempt { age, ..attempt(job, &lane, failed_before) }, failure, &policy(), NOW, 0.5)
}

/// The outcome of a failure of the connection.
fn unreachable_remote(job: &Job, failed_before: u32, age: Duration, failure: Failure) -> Outcome {
    let lane = Lane::outbound(&conversation());
    let attempt = FailedAttempt { age, blame: Blame::Connection, ..attempt(job, &lane, failed_before) };
    of_failure(&attempt, failure, &policy(), NOW, 0.5)
}

fn flood(seconds: u64) -> Failure {
    Failure::Throttled { why: "429".to_owned(), after: Some(Duration::from_secs(seconds)) }
}

#[test]
fn a_message_that_fails_alone_is_parked_after_six_attempts_and_about_two_minutes() {
    for failure in [Failure::transient("500"), Failure::unreachable("refused"), Failure::blocked("401"), flood(0)] {
        let mut waited = Duration::ZERO;
        for failed_before in 0..5 {
            let Outcome::Retry { at, counts: true, .. } = after(&update(), failed_before, failure.clone()) else {
                panic!("{failure:?} is tried again after {failed_before}")
            };
            waited += NOW.until(at);
        }
        assert!((90..=150).contains(&waited.as_secs()), "{waited:?}");
        assert!(matches!(after(&update(), 5, failure.clone()), Outcome::Park { .. }), "{failure:?}");
    }
}

#[test]
fn a_message_that_was_tried_alone_waits_by_the_whole_schedule() {
    let (job, lane) = (update(), Lane::inbound(&conversation()));
    let policy = RetryPolicy { patience: None, ..policy() };
    for (blame, wait) in [(Blame::Unknown, Duration::from_mins(30)), (Blame::Message, MAX_OWN_WAIT)] {
        let attempt = FailedAttempt { blame, ..attempt(&job, &lane, 4) };
        let outcome = of_failure(&attempt, Failure::transient("500"), &policy, NOW, 0.5);
        let Outcome::Retry { at, counts: true, .. } = outcome else { panic!("it is tried again") };
        assert_eq!(NOW.until(at), wait, "{blame:?}");
    }
}

#[test]
fn a_failure_of_the_connection_uses_up_no_attempt() {
    for failure in [Failure::transient("500"), Failure::unreachable("refused"), Failure::blocked("401"), flood(0)] {
        let Outcome::Retry { at, counts: false, .. } = unreachable_remote(&update(), 1000, Duration::ZERO, failure)
        else {
            panic!("it waits")
        };
        assert!(NOW.until(at) <= Duration::from_secs(2));
    }
}

#[test]
fn a_missing_dependency_is_waited_for_as_long_as_it_takes() {
    let (job, lane) = (update(), Lane::inbound(&conversation()));
    let endless = RetryPolicy { patience: None, ..policy() };
    for (age, wait) in [("0s", "1s"), ("7s", "7s"), ("20m", "20m"), ("2d", "30m")] {
        let [age, wait] = [age, wait].map(|text| humantime::parse_duration(text).unwrap());
        let attempt = FailedAttempt { age, ..attempt(&job, &lane, 5) };
        let waits = of_failure(&attempt, Failure::not_yet("no contact"), &endless, NOW, 0.5);
        let Outcome::Retry { at, counts: false, .. } = waits else { panic!("it waits, and uses up no try") };
        assert_eq!(at, NOW.plus(wait), "{age:?}");
    }
}

#[test]
fn a_message_that_may_have_arrived_is_reported_or_sent_again_once() {
    let uncertain = || Failure::Uncertain(Refusal::uncertain(refusal::stopped()));
    assert!(matches!(after(&call(1, 1), 0, uncertain()), Outcome::Park { then, .. } if then.len() == 1));
    let (job, lane) = (call(1, 1), Lane::outbound(&conversation()));
    let repeating = RetryPolicy { repeats_uncertain: true, ..policy() };
    let first = attempt(&job, &lane, 0);
    assert!(matches!(of_failure(&first, uncertain(), &repeating, NOW, 0.5), Outcome::Repeat));
    let second = FailedAttempt { is_repeated: true, ..first };
    assert!(matches!(of_failure(&second, uncertain(), &repeating, NOW, 0.5), Outcome::Park { .. }));
}

#[test]
fn a_transient_failure_waits_by_the_schedule() {
    let Outcome::Retry { at, counts: true, why } = after(&call(1, 1), 1, Failure::transient("down")) else {
        panic!("a retry was expected")
    };
    assert_eq!((at, why.as_str()), (UnixMillis(1_010_000), "down"));
}

#[test]
fn a_wait_that_the_server_asks_for_does_not_use_up_the_schedule() {
    let answer = unreachable_remote(&call(1, 1), 0, Duration::ZERO, flood(30));
    assert!(matches!(answer, Outcome::Retry { at, counts: false, .. } if at >= UnixMillis(1_030_000)));
    let alone = after(&call(1, 1), 0, flood(30));
    assert!(matches!(alone, Outcome::Retry { at, counts: true, .. } if at >= UnixMillis(1_030_000)), "{alone:?}");
}

#[test]
fn a_server_that_asks_for_less_than_our_own_wait_does_not_stop_the_count() {
    let hasty = Failure::Transient { why: "503".to_owned(), after: Some(Duration::ZERO) };
    assert!(matches!(after(&call(1, 1), 0, hasty), Outcome::Retry { counts: true, .. }));
}

#[test]
fn patience_ends_even_where_attempts_do_not_count() {
    for failure in [Failure::blocked("401"), flood(1)] {
        let (young, old) = (Duration::from_mins(3), Duration::from_mins(5));
        assert!(matches!(unreachable_remote(&call(1, 1), 0, young, failure.clone()), Outcome::Retry { .. }));
        assert!(
            matches!(unreachable_remote(&call(1, 1), 0, old, failure), Outcome::Park { then, .. } if then.len() == 1)
        );
    }
}

#[test]
fn after_the_last_attempt_the_author_is_informed() {
    let Outcome::Park { then, .. } = after(&call(2, 3), 5, Failure::transient("down")) else {
        panic!("parking was expected")
    };
    let [NewJob { id: None, lane, job: Job::Status(StatusJob::Delivery(report)) }] = then.as_slice() else {
        panic!("{then:?}")
    };
    assert_eq!(*lane, Lane::outbound(&conversation()).reports());
    let Delivery::Failed(refusal) = &report.delivery else { panic!("{report:?}") };
    assert_eq!(refusal.sentence, "Part 2 of 3: Not delivered: tried again and again without success (down).");
}

#[test]
fn a_hook_that_cannot_be_sent_is_reported_under_its_own_id() {
    let raw = include_str!("../../tests/fixtures/kommo/hook_write_first.json").to_owned();
    let refusal = Refusal::new(ErrorCode::ConversationImpossible, Sentence::plain("cannot write first"));
    let Outcome::Park { then, why, .. } = after(&Job::from(Hook { raw }), 0, Failure::Permanent(refusal.clone()))
    else {
        panic!("parking was expected")
    };
    assert_eq!(why, "cannot write first");
    let message = KommoMessageId("4371a0ff-b78a-4c7b-8538-a7d547e10692".to_owned());
    assert_eq!(
        then,
        [report(&Lane::outbound(&conversation()), message, Delivery::Failed(refusal.in_language(Language::En)))]
    );
}

#[test]
fn a_hopeless_update_has_no_author_to_inform() {
    let hopeless = Failure::Permanent(Refusal::internal("400"));
    assert!(matches!(after(&update(), 0, hopeless), Outcome::Park { then, .. } if then.is_empty()));
}

#[test]
fn a_reaction_is_tried_again_and_then_dropped() {
    let reaction =
        Job::Raw(Raw::Reaction(Hook { raw: include_str!("../../tests/fixtures/kommo/hook_unreact.json").to_owned() }));
    assert!(matches!(after(&reaction, 0, Failure::transient("down")), Outcome::Retry { .. }));
    let old = Duration::from_mins(6);
    for outcome in [
        after(&reaction, 5, Failure::transient("down")),
        aged(&reaction, 0, old, Failure::blocked("401")),
        aged(&reaction, 0, old, too_late(&reaction, false)),
    ] {
        assert!(
            matches!(&outcome, Outcome::Done { then, changes } if then.is_empty() && changes.is_empty()),
            "{outcome:?}"
        );
    }
    assert_eq!(broken_off(&reaction, true), None);
}

#[test]
fn the_status_read_is_dropped_if_kommo_refuses_it() {
    let status = |delivery| Job::from(DeliveryReport { message: KommoMessageId("m1".to_owned()), delivery });
    let missing = || Failure::Permanent(Refusal::internal("Kommo knows no such message"));
    let is_nothing =
        |outcome| matches!(outcome, Outcome::Done { then, changes } if then.is_empty() && changes.is_empty());
    assert!(is_nothing(after(&status(Delivery::Read), 0, missing())));
    assert!(matches!(after(&status(Delivery::Delivered), 0, missing()), Outcome::Park { .. }));
    assert!(matches!(after(&status(Delivery::Read), 0, Failure::transient("down")), Outcome::Retry { .. }));
}

#[test]
fn a_stop_fails_only_what_telegram_may_have() {
    let album = Job::from(Album { calls: vec![] });
    for job in [call(1, 1), album] {
        assert!(matches!(broken_off(&job, true), Some(Failure::Uncertain(_))));
        assert_eq!(broken_off(&job, false), None);
    }
    assert_eq!(broken_off(&update(), true), None);
}

#[test]
fn an_album_that_cannot_be_sent_is_reported_for_each_of_its_answers() {
    let Job::Send(SendJob::Call(first)) = call(1, 1) else { unreachable!("a call") };
    let second = Call { message: KommoMessageId("m2".to_owned()), ..(*first).clone() };
    let album = Job::from(Album { calls: vec![*first, second] });
    let hopeless = Failure::Permanent(Refusal::internal("no"));
    assert!(matches!(after(&album, 0, hopeless), Outcome::Park { then, .. } if then.len() == 2));
}

/// Why a call was parked, for the operator and for a manager who reads `language`.
fn refusal_text(failure: Failure, failed_before: u32, language: Language) -> (String, String) {
    let (job, lane) = (call(1, 1), Lane::outbound(&conversation()));
    let policy = RetryPolicy { spoken: Spoken::new(language), ..policy() };
    let outcome = of_failure(&attempt(&job, &lane, failed_before), failure, &policy, NOW, 0.5);
    let Outcome::Park { why, then, .. } = outcome else { panic!("it is given up") };
    let [
        NewJob {
            job: Job::Status(StatusJob::Delivery(DeliveryReport { delivery: Delivery::Failed(refusal), .. })),
            ..
        },
    ] = &then[..]
    else {
        panic!("{then:?}")
    };
    (why, refusal.sentence.clone())
}

#[test]
fn a_manager_reads_their_language_and_the_operator_english() {
    let stopped = || Failure::Uncertain(Refusal::uncertain(refusal::stopped()));
    let (why, text) = refusal_text(stopped(), 0, Language::Ru);
    assert!(why.starts_with("May not have been delivered: the Telegram bridge was stopped"), "{why}");
    assert!(text.starts_with("Возможно, не доставлено: интеграция с Telegram была остановлена"), "{text}");
}

#[test]
fn a_long_wait_is_in_hours_and_does_not_mention_attempts() {
    for (seconds, language, want) in [
        (35_000, Language::En, "Not delivered: Telegram lets the bot write again in 10 hours. Send it again then."),
        (
            32_400,
            Language::Ru,
            "Не доставлено: Telegram снова разрешит боту писать через 9 часов. Отправьте ещё раз после этого.",
        ),
        (
            5_340,
            Language::Es,
            "No entregado: Telegram permitirá que el bot vuelva a escribir en 89 minutos. Envíelo de nuevo entonces.",
        ),
        (
            75_600,
            Language::Ru,
            "Не доставлено: Telegram снова разрешит боту писать через 21 час. Отправьте ещё раз после этого.",
        ),
        (
            86_400 * 2,
            Language::Pt,
            "Não entregue: o Telegram só deixará o bot escrever novamente em 48 horas. Envie de novo depois disso.",
        ),
    ] {
        assert_eq!(refusal_text(flood(seconds), 0, language).1, want);
    }
}

#[test]
fn one_attempt_is_not_called_many() {
    let lane = Lane::outbound(&conversation());
    let job = call(1, 1);
    let old = FailedAttempt { age: Duration::from_mins(6), ..attempt(&job, &lane, 0) };
    let outcome = of_failure(&old, Failure::transient("down"), &policy(), NOW, 0.5);
    let Outcome::Park { why, .. } = outcome else { panic!("it is too late") };
    assert_eq!(why, "Not delivered: it did not work in time (down).");
}
