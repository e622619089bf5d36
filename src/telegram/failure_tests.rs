//! The texts are from Telegram's server; each is read the way the client reads it off the wire.

use super::*;

/// The error that the client makes of a description.
fn api(description: &str) -> RequestError {
    let quoted = serde_json::to_string(description).unwrap();
    RequestError::Api(serde_json::from_str(&quoted).unwrap_or_else(|_| ApiError::Unknown(description.to_owned())))
}

fn verdict(description: &str) -> Failure {
    of_send(Err(api(description))).unwrap_err()
}

#[test]
fn what_the_manager_is_told() {
    let cases = [
        ("Forbidden: bot was blocked by the user", 901, "has blocked the bot"),
        ("Forbidden: user is deactivated", 901, "has been deleted"),
        ("Forbidden: bot was kicked from the group chat", 901, "removed from the group"),
        ("Forbidden: bot was kicked from the supergroup chat", 901, "removed from the group"),
        ("Forbidden: bot can't initiate conversation with a user", 904, "press Start"),
        ("Bad Request: chat not found", 904, "press Start"),
        ("Bad Request: PEER_ID_INVALID", 904, "press Start"),
        ("Bad Request: message text is empty", 905, "is empty"),
        ("Bad Request: message is too long", 905, "message is too long"),
        ("Bad Request: something nobody has seen", 905, "something nobody has seen"),
        ("Forbidden: something nobody has seen", 905, "something nobody has seen"),
        ("Not Found: method not found", 905, "method not found"),
    ];
    for (description, code, words) in cases {
        let Failure::Permanent(refusal) = verdict(description) else { panic!("{description}") };
        assert_eq!(refusal.code.number(), code, "{description}");
        assert!(refusal.sentence.contains(words), "{description}: {}", refusal.sentence);
    }
}

#[test]
fn what_the_operator_heals() {
    for description in ["Unauthorized", "Unauthorized: invalid token specified", "Not Found", "Logged out"] {
        assert!(matches!(verdict(description), Failure::Blocked { .. }), "{description}");
    }
}

#[test]
fn what_time_heals() {
    for description in ["Internal Server Error", "Bad Gateway", "restart", "Too Many Requests"] {
        assert!(matches!(verdict(description), Failure::Transient { after: None, .. }), "{description}");
    }
    let flood = of_send(Err(RequestError::RetryAfter(teloxide::types::Seconds::from_seconds(7)))).unwrap_err();
    assert!(matches!(flood, Failure::Throttled { after: Some(wait), .. } if wait.as_secs() == 7));
}

fn invalid(raw: &str) -> RequestError {
    let source = serde_json::from_str::<u8>("x").unwrap_err().into();
    RequestError::InvalidJson { source, raw: raw.into() }
}

#[test]
fn a_success_that_cannot_be_read_is_not_repeated() {
    let cut = ["{\"ok\":true,\"result\":{\"mess", " {\"ok\": true", "<h1>504 Gateway Time-out</h1>"]
        .map(|raw| of_send(Err(invalid(raw))));
    for answer in cut.into_iter().chain([of_send(Err(api("Gateway Timeout")))]) {
        let Err(Failure::Uncertain(refusal)) = answer else { panic!("it may have arrived: {answer:?}") };
        assert!(refusal.sentence.starts_with("May not have been delivered"));
    }
    assert!(matches!(of_send(Err(invalid("<html>"))), Err(Failure::Transient { .. })));
}

#[test]
fn why_a_poll_fails() {
    let cases = [
        (
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            PollError::Conflict,
        ),
        (
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            PollError::Webhook,
        ),
        ("Conflict: terminated by setWebhook request", PollError::Webhook),
        ("Unauthorized", PollError::Revoked),
        ("Not Found", PollError::Revoked),
    ];
    for (description, want) in cases {
        assert_eq!(of_poll(&api(description)), want, "{description}");
    }
    assert!(matches!(of_poll(&api("Not Found: method not found")), PollError::Unreachable { .. }));
    assert!(matches!(of_poll(&api("Bad Gateway")), PollError::Unreachable { after_seconds: 0, .. }));
    let flood = RequestError::RetryAfter(teloxide::types::Seconds::from_seconds(7));
    assert!(matches!(of_poll(&flood), PollError::Unreachable { after_seconds: 7, .. }));
}

#[test]
fn a_refusal_of_the_buttons_is_told_from_others() {
    for ours in [
        "Bad Request: BUTTON_URL_INVALID",
        "Bad Request: BUTTON_DATA_INVALID",
        "Bad Request: inline keyboard button URL 'x' is invalid: Wrong HTTP URL",
        "Bad Request: REPLY_MARKUP_TOO_LONG",
    ] {
        assert!(is_about_buttons(&api(ours)), "{ours}");
    }
    for other in ["Bad Request: chat not found", "Forbidden: bot was blocked by the user", "Unauthorized"] {
        assert!(!is_about_buttons(&api(other)), "{other}");
    }
}

#[test]
fn what_is_done_already_is_done() {
    for moot in [
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        "Bad Request: message to edit not found",
    ] {
        assert_eq!(unless_moot(Err(api(moot))), Ok(()), "{moot}");
    }
    assert!(unless_moot(Err(api("Bad Request: chat not found"))).is_err());
}

#[test]
fn what_can_be_repeated_is_never_uncertain() {
    for error in [invalid("{\"ok\":true,\"re"), api("Gateway Timeout")] {
        assert!(matches!(of_repeatable(Err(error)), Err(Failure::Transient { .. })));
    }
    assert!(matches!(of_repeatable(Err(api("Bad Request: REACTION_INVALID"))), Err(Failure::Permanent(_))));
    assert!(matches!(of_repeatable(Err(api("Unauthorized"))), Err(Failure::Blocked { .. })));
}
