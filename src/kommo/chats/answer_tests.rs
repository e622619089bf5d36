//! Every status, with every kind of body, to every call: what each means.

use super::*;
use crate::{
    domain::retry::Failure,
    kommo::{failure::of_status, wire::Message},
};

/// The kinds of bodies, in the order of the columns below. `STATUS` stands for the answer's own status.
const BODIES: [(&str, &str); 11] = [
    ("empty", ""),
    ("page", "<html><head><title>STATUS</title></head></html>"),
    ("filter", r#"{"error":"forbidden"}"#),
    ("gateway", r#"{"status":STATUS,"message":"no"}"#),
    (
        "cloud",
        r#"{"title":"Error 1020","status":STATUS,"detail":"no","error_code":1020,"error_name":"denied","cloudflare_error":true}"#,
    ),
    ("cut", r#"{"status":0,"error_code":STATUS,"error_type":"ORIGIN_INV"#),
    ("typed", r#"{"status":0,"error_code":STATUS,"error_type":"SOME_TROUBLE","error_description":"no"}"#),
    ("untyped", r#"{"status":0,"error_code":STATUS,"error_type":"","error_description":"no"}"#),
    ("newer", r#"{"title":"No","status":STATUS,"detail":"no","trace_id":"t"}"#),
    ("invalid", r#"{"type":"ValidationError","title":"Bad Request","detail":"no"}"#),
    ("sender", r#"{"status":0,"error_code":453,"error_type":"","error_description":"sender: user not found"}"#),
];

/// Which statuses have which verdict, one letter for each kind of body: `t`ransient, th`r`ottled, `b`locked,
/// `p`ermanent.
const REFUSALS: [(&[u16], &str); 8] = [
    // A redirect is followed by nobody: a signature is for one address.
    (&[300, 301, 302, 303, 304, 307, 308], "tttttt ppppp"),
    (&[401], "bttttt bbbbp"),
    (&[402], "bbbbbb bbbbp"),
    (&[403], "tttttt bbbbp"),
    // Untyped, Kommo may mean the channel as well.
    (&[404], "tttttt pbbbp"),
    (&[408, 421, 423, 425], "tttttt ttttp"),
    (&[429], "rrrrrr rrrrp"),
    (
        &[
            400, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 424, 426, 428, 431, 444, 451,
            495, 499,
        ],
        "tttttt ppppp",
    ),
];

/// Whatever the body says.
const OF_SERVERS: [u16; 20] =
    [500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 521, 522, 523, 524, 525, 526, 527, 530];

fn letter(failure: &Failure) -> char {
    match failure {
        Failure::Unreachable { .. } => 'u',
        Failure::Transient { .. } => 't',
        Failure::NotYet { .. } => 'n',
        Failure::Throttled { .. } => 'r',
        Failure::Blocked { .. } => 'b',
        Failure::Uncertain(_) => '?',
        Failure::Permanent(_) => 'p',
    }
}

fn body(kind: &str, status: u16) -> Vec<u8> {
    kind.replace("STATUS", &status.to_string()).into_bytes()
}

/// The verdicts on all kinds of bodies, those that are not Kommo's before the gap.
fn verdicts(status: u16, judge: impl Fn(CallError) -> Failure) -> String {
    let code = StatusCode::from_u16(status).unwrap();
    let letters = BODIES.map(|(_, kind)| letter(&judge(refusal(code, &body(kind, status), None))));
    format!("{} {}", letters[..6].iter().collect::<String>(), letters[6..].iter().collect::<String>())
}

#[test]
fn each_refusal_has_its_verdict() {
    let mut seen = 0;
    for (statuses, want) in REFUSALS {
        for status in statuses {
            assert_eq!(verdicts(*status, Failure::from), want, "{status}");
            seen += 1;
        }
    }
    for status in OF_SERVERS {
        assert_eq!(verdicts(status, Failure::from), "tttttt ttttp", "{status}");
        seen += 1;
    }
    assert_eq!(seen, 59);
}

/// Statuses, edits and reactions are about a message that Kommo may have forgotten; else they are judged like all
/// others.
#[test]
fn each_refusal_of_a_call_about_a_message_has_its_verdict() {
    for (statuses, want) in REFUSALS {
        for status in statuses {
            let want = if *status == 404 { "tttttt ppppp" } else { want };
            assert_eq!(verdicts(*status, of_status), want, "{status}");
        }
    }
    let unregistered = include_bytes!("../../../tests/fixtures/kommo/answer_error.json");
    let channel = || refusal(StatusCode::NOT_FOUND, unregistered, None);
    assert_eq!((letter(&of_status(channel())), letter(&channel().into())), ('b', 'b'));
}

/// An edit of the message that both sides have a name for.
fn edit() -> EditMessage {
    EditMessage {
        timestamp: 1,
        msec_timestamp: 1000,
        id: Some("0371a0ff".to_owned()),
        msgid: Some("tg:1:7:42".to_owned()),
        conversation_id: Some("tg:sales:7".to_owned()),
        conversation_ref_id: None,
        message: Message::default(),
    }
}

/// Reads a success.
type Read = fn(StatusCode, &[u8]) -> Result<(), CallError>;

/// The calls, by what they make of a success.
const CALLS: [(&str, Read); 9] = [
    ("send", |status, body| accepted(status, body).map(drop)),
    ("import", |status, body| accepted(status, body).map(drop)),
    ("edit", |status, body| edited(status, body, &edit())),
    ("react", done),
    ("delivery_status", done),
    ("disconnect", done),
    ("chats", |status, body| chat(status, body).map(drop)),
    ("history", |status, body| history(status, body).map(drop)),
    ("connect", |status, body| connected(status, body).map(drop)),
];

/// What successes may hold, and for which calls that is Kommo's answer: `+`, in the order of [`CALLS`].
const SUCCESSES: [(&str, &str); 19] = [
    ("", "..++++..."),
    ("\n", "..++++..."),
    ("{}", "..++++..."),
    ("<html>at work</html>", "........."),
    ("OK", "........."),
    (r#"{"error":"forbidden"}"#, "........."),
    (r#"{"status":200,"message":"blocked"}"#, "........."),
    (r#"{"new_message":{"msgid":"m""#, "........."),
    (r#"{"status":0,"error_code":403,"error_type":"ORIGIN_INVALID_SIGNATURE"}"#, "........."),
    (r#"{"new_message":{}}"#, "+++......"),
    (r#"{"new_message":{"msgid":"0371a0ff","ref_id":"tg:1:7:42"}}"#, "+++......"),
    (r#"{"new_message":{"msgid":"0371a0ff"}}"#, "+++......"),
    (r#"{"new_message":{"msgid":"0371a0ff","ref_id":""}}"#, "+++......"),
    (r#"{"new_message":{"ref_id":"tg:1:7:43"}}"#, "++......."),
    (r#"{"new_message":{"msgid":"1471a0ff","ref_id":"tg:1:7:42"}}"#, "++......."),
    (r#"{"id":"8e4d4baa"}"#, "..+++++.."),
    (r#"{"id":"8e4d4baa","user":{}}"#, "......+.."),
    (r#"{"messages":[]}"#, ".......+."),
    (r#"{"account_id":"a","scope_id":"c_a","title":"T"}"#, "..++++..+"),
];

#[test]
fn each_success_is_taken_by_the_calls_that_it_belongs_to() {
    for status in [200, 201, 202] {
        let code = StatusCode::from_u16(status).unwrap();
        for (text, want) in SUCCESSES {
            let outcomes = CALLS.map(|(_, read)| read(code, text.as_bytes()));
            let taken: String = outcomes.iter().map(|it| if it.is_ok() { '+' } else { '.' }).collect();
            assert_eq!(taken, want, "{status} {text}");
            for error in outcomes.into_iter().filter_map(Result::err) {
                assert!(error.is_ambiguous(), "{status} {text}: it may be the answer to a repetition");
                assert_eq!(letter(&error.into()), 't', "{status} {text}");
            }
        }
    }
}

#[test]
fn no_content_is_done_and_an_empty_history() {
    let taken: Vec<_> = CALLS.iter().filter(|(_, read)| read(StatusCode::NO_CONTENT, b"").is_ok()).collect();
    let names: Vec<_> = taken.into_iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["edit", "react", "delivery_status", "disconnect", "history"]);
}

#[test]
fn only_a_client_error_that_is_not_kommos_may_be_of_one_message() {
    for (status, kind, want) in
        [(403, "page", true), (413, "empty", true), (403, "typed", false), (502, "page", false), (302, "page", false)]
    {
        let (_, kind) = BODIES.into_iter().find(|(name, _)| *name == kind).unwrap();
        let error = refusal(StatusCode::from_u16(status).unwrap(), &body(kind, status), None);
        assert_eq!(error.may_be_of_one_message(), want, "{status} {kind}");
    }
}
