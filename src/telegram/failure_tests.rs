//! The texts are from Telegram's server.

use std::time::Duration;

use super::*;
use crate::words::Language;

fn api(code: u16, description: &str) -> CallError {
    let description = description.to_owned();
    CallError::Refused(ApiError { code, description, retry_after: None, migrate_to_chat_id: None })
}

/// The error of a description that begins as the server begins it.
fn described(description: &str) -> CallError {
    let beginnings = [
        ("Bad Request", 400),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("Not Found", 404),
        ("Conflict", 409),
        ("Logged out", 400),
    ];
    let code = beginnings.iter().find(|(start, _)| description.starts_with(start)).map(|(_, code)| *code);
    api(code.expect("a beginning of the server's"), description)
}

#[test]
fn refusals_have_a_code_and_a_sentence_for_managers() {
    let cases = [
        ("Forbidden: bot was blocked by the user", 901, "has blocked the bot"),
        ("Forbidden: user is deactivated", 901, "has been deleted"),
        ("Forbidden: bot was kicked from the group chat", 901, "removed from the group"),
        ("Forbidden: bot was kicked from the supergroup chat", 901, "removed from the group"),
        ("Forbidden: bot can't initiate conversation with a user", 904, "press Start"),
        ("Bad Request: chat not found", 904, "press Start"),
        ("Bad Request: PEER_ID_INVALID", 904, "press Start"),
        ("Bad Request: message text is empty", 905, "is empty"),
        ("Bad Request: message is too long", 905, "text is too long"),
        ("Bad Request: something nobody has seen", 905, "something nobody has seen"),
        ("Forbidden: something nobody has seen", 905, "something nobody has seen"),
        ("Not Found: method not found", 905, "Telegram refused the message (Not Found: method not found)"),
    ];
    for (description, code, words) in cases {
        for verdict in [of_send(described(description)), of_repeatable(described(description))] {
            let Failure::Permanent(refusal) = verdict else { panic!("{description}") };
            assert_eq!(refusal.code.number(), code, "{description}");
            assert!(refusal.why().contains(words), "{description}: {}", refusal.why());
        }
    }
}

#[test]
fn obstacles_name_what_the_operator_has_to_do() {
    for (code, description, how) in [
        (401, "Unauthorized", "Telegram does not accept this bot's token"),
        (401, "Unauthorized: invalid token specified", "check the path in `telegram.api_url`"),
        (404, "Not Found", "check the path in `telegram.api_url`"),
        (400, "Logged out", "has logged the bot out"),
        (421, "Misdirected Request: unallowed token specified", "does not serve the bot"),
    ] {
        for verdict in [of_send(api(code, description)), of_repeatable(api(code, description))] {
            let Failure::Blocked { why } = verdict else { panic!("{description}") };
            assert!(why.contains(how), "{description}: {why}");
        }
    }
}

#[test]
fn a_migrated_group_has_a_redirect_and_is_otherwise_refused() {
    let moved = CallError::Refused(ApiError {
        code: 400,
        description: "Bad Request: group chat was upgraded to a supergroup chat".to_owned(),
        retry_after: None,
        migrate_to_chat_id: Some(-100_500),
    });
    assert_eq!(redirect(&moved), Some(Redirect::Chat(-100_500)));
    assert!(matches!(of_send(moved), Failure::Permanent(_)));
}

#[test]
fn the_wait_that_telegram_asks_for_is_kept() {
    let wait = Some(Duration::from_secs(7));
    let asks = |code: u16| ApiError { code, description: "x".to_owned(), retry_after: wait, migrate_to_chat_id: None };
    let Failure::Throttled { after, .. } = of_send(CallError::Refused(asks(429))) else { panic!() };
    assert_eq!(after, wait);
    let Failure::Transient { after, .. } = of_send(CallError::Refused(asks(503))) else { panic!() };
    assert_eq!(after, wait);
}

#[test]
fn refusals_of_buttons_are_recognised() {
    for ours in [
        "Bad Request: BUTTON_URL_INVALID",
        "Bad Request: BUTTON_DATA_INVALID",
        "Bad Request: inline keyboard button URL 'x' is invalid: Wrong HTTP URL",
        "Bad Request: REPLY_MARKUP_TOO_LONG",
    ] {
        assert!(about_buttons(&described(ours)).is_some(), "{ours}");
    }
    for other in ["Bad Request: chat not found", "Forbidden: bot was blocked by the user", "Unauthorized"] {
        assert!(about_buttons(&described(other)).is_none(), "{other}");
    }
}

#[test]
fn a_bot_that_is_logged_out_is_not_about_the_content() {
    assert!(is_about_content(&described("Bad Request: wrong file identifier/HTTP URL specified")));
    for other in ["Logged out", "Bad Request: chat not found", "Forbidden: bot was blocked by the user"] {
        assert!(!is_about_content(&described(other)), "{other}");
    }
}

#[test]
fn an_action_that_is_done_already_succeeds() {
    for moot in [
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as \
         a current content and reply markup of the message",
        "Bad Request: message to edit not found",
    ] {
        assert_eq!(ok_if_already_done::<()>(Err(described(moot))), Ok(()), "{moot}");
    }
    assert!(ok_if_already_done::<()>(Err(described("Bad Request: chat not found"))).is_err());
}

/// Each text of the server with Kommo's code for it; `None` for one that stays in Telegram's own words.
fn texts() -> impl Iterator<Item = (Option<i32>, &'static str)> {
    let lines = include_str!("../../tests/fixtures/refusals.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| {
        let (code, text) = line.split_once('\t').expect("a code and a text");
        (code.parse().ok(), text)
    })
}

#[test]
fn every_refusal_of_the_server_has_a_sentence_and_a_code() {
    assert!(texts().filter(|(code, _)| code.is_some()).count() > 200);
    for (want, text) in texts() {
        let known = refusals::known(text).map(|(refusal, _)| refusal);
        assert_eq!(known.as_ref().map(|refusal| refusal.code.number()), want, "{text}");
        let refusal = known.unwrap_or_else(|| Refusal::new(ErrorCode::Other, refusal::unknown(text)));
        for language in Language::ALL {
            let sentence = refusal.in_language(language).sentence;
            assert_eq!(sentence.contains(text), want.is_none(), "{text}: {sentence}");
            let begins = ["Not delivered: ", "No entregado: ", "Não entregue: ", "Не доставлено: "];
            assert!(sentence.starts_with(begins[language as usize]), "{text}: {sentence}");
        }
    }
}

#[test]
fn only_a_refusal_of_the_content_is_tried_in_another_form() {
    for (text, is_content) in [
        ("Bad Request: PHOTO_INVALID_DIMENSIONS", true),
        ("Bad Request: VOICE_MESSAGES_FORBIDDEN", true),
        ("Bad Request: not enough rights to send photos to the chat", true),
        ("Bad Request: something nobody has seen", true),
        ("Bad Request: not enough rights to send text messages to the chat", false),
        ("Bad Request: CHAT_WRITE_FORBIDDEN", false),
        ("Bad Request: PEER_FLOOD", false),
        ("Bad Request: failed to send message #2 with the error message \"CHAT_RESTRICTED\"", false),
    ] {
        assert_eq!(is_about_content(&described(text)), is_content, "{text}");
    }
}
