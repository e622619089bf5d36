//! Messages of which something is missing, odd or new. What each kind looks like when whole, the fixtures show.

use super::*;

/// What a message with the field `kind` says.
fn describe(kind: &str, content: &str) -> Option<String> {
    line(kind, &serde_json::from_str(&format!(r#"{{"{kind}":{content}}}"#)).unwrap(), Language::En)
}

fn compacted(content: &str) -> Option<String> {
    compact(&serde_json::from_str(&format!(r#"{{"new":{content}}}"#)).unwrap(), "new")
}

#[test]
fn whatever_is_missing_each_kind_still_says_what_it_is() {
    let kinds = [
        ("poll", "[poll]"),
        ("poll_option_added", "[poll option added]"),
        ("checklist", "[checklist]"),
        ("checklist_tasks_done", "[checklist]"),
        ("checklist_tasks_added", "[tasks added to a checklist]"),
        ("dice", "[dice]"),
        ("game", "[game]"),
        ("story", "[story] of somebody"),
        ("invoice", "[invoice]"),
        ("successful_payment", "[payment]"),
        ("refunded_payment", "[payment refunded]"),
        ("paid_media", "[paid media]"),
        ("gift", "[gift]"),
        ("unique_gift", "[unique gift]"),
        ("giveaway", "[giveaway]"),
        ("giveaway_winners", "[giveaway winners]"),
        ("giveaway_completed", "[giveaway completed]"),
        ("users_shared", "[shared contacts] somebody"),
        ("chat_shared", "[shared chat] somebody"),
        ("web_app_data", "[Web App]"),
        ("passport_data", "[Telegram Passport]"),
        ("new_chat_members", "[joined the chat] somebody"),
        ("pinned_message", "[pinned message]"),
        ("suggested_post_paid", "[suggested post paid]"),
        ("video_chat_scheduled", "[video chat scheduled]"),
        ("message_auto_delete_timer_changed", "[auto-delete] turned off"),
    ];
    for (kind, want) in kinds {
        for language in [Language::Es, Language::Pt, Language::Ru] {
            let message = serde_json::from_str(&format!(r#"{{"{kind}":{{}}}}"#)).unwrap();
            let text = line(kind, &message, language).unwrap();
            let is_a_name = ["web_app_data", "passport_data"].contains(&kind);
            assert_eq!(text == want, is_a_name, "{language:?} {text}");
        }
        for content in ["{}", "[]", "7", "[[],7]", r#"{"date":"x","caption":7}"#] {
            assert_eq!(describe(kind, content).as_deref(), Some(want), "{kind} {content}");
        }
    }
    let odd = r#"{"options":{},"tasks":7,"gift":[],"users":"x","order_info":[],"winner_count":"many"}"#;
    for kind in ["poll", "checklist", "gift", "unique_gift", "users_shared", "successful_payment", "giveaway"] {
        assert_eq!(describe(kind, odd), describe(kind, "{}"), "{kind}");
    }
    assert_eq!(describe("boost_added", "{}"), None);
    assert_eq!(describe("from_the_future", "{}"), None);
}

#[test]
fn what_is_encrypted_or_meant_for_machines_stays_untold() {
    let passport =
        r#"{"data":[{"type":"passport","data":"c2VjcmV0","hash":"c2VjcmV0"}],"credentials":{"secret":"c2VjcmV0"}}"#;
    assert_eq!(describe("passport_data", passport).unwrap(), "[Telegram Passport] passport");
    let payment =
        r#"{"currency":"USD","total_amount":100,"telegram_payment_charge_id":"x","provider_payment_charge_id":"y"}"#;
    assert_eq!(describe("successful_payment", payment).unwrap(), "[payment] 1.00 USD");
}

#[test]
fn a_kind_from_the_future_is_told_by_its_words() {
    for (content, want) in [
        (
            r#"{"title":"Hi\nthere","file_id":"AgAC","token":"1:AA","inner":[{"reply_text":"yes","vote_count":3}]}"#,
            Some("reply text: yes, vote count: 3, title: Hi there"),
        ),
        (r#""just words""#, Some("just words")),
        (r#"{"secret":"x","hash":"y","data":"z","flag":true,"id":7}"#, None),
        (r#"{"headline":"Which?","wording":["one","two"]}"#, Some("headline: Which?, wording: one, wording: two")),
        (r#"{"bot_token":{"text":"no"},"credentials":["no"],"new_state":"no","anchor":"AgACAgIAAxkBAAMR1234"}"#, None),
        (r#"{"place":"https://example.com/a","alignment":"left"}"#, None),
        ("true", None),
        ("[]", None),
    ] {
        let text = compacted(content);
        let sorted = |text: &str| {
            let mut parts: Vec<_> = text.split(", ").map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(text.as_deref().map(sorted), want.map(sorted), "{content}");
    }
    let long = compacted(&format!(r#"{{"text":"{}"}}"#, "ж".repeat(5000))).unwrap();
    assert_eq!((long.chars().count(), long.ends_with("ж…")), (4097, true));
}

#[test]
fn nesting_without_end_is_no_article() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(describe("rich_message", &format!(r#"{{"blocks":[{{"type":"paragraph","text":{deep}}}]}}"#)), None);
    assert_eq!(compacted(&deep), None);
    assert_eq!(describe("rich_message", r#"{"blocks":7}"#), None);
    assert_eq!(
        describe("rich_message", r#"{"blocks":[{"type":"new","new":{"file_name":"a.b"}}]}"#).unwrap(),
        "[new] a.b"
    );
}
