//! Articles, block by block. That no kind of Telegram's loses a word, a walk over its description shows.

use super::*;

/// What an article with one block says.
fn shown(block: &str) -> String {
    let message = serde_json::from_str(&format!(r#"{{"rich_message":{{"blocks":[{block}]}}}}"#)).unwrap();
    text(&message, Language::En).unwrap_or_default()
}

/// What a text says.
fn worded(text: &str) -> String {
    shown(&format!(r#"{{"type":"paragraph","text":{text}}}"#))
}

#[test]
fn buttons_are_told_by_what_stands_on_them() {
    let row = r#"{"type":"buttons","align":"left","buttons":[
        {"text":"Buy","callback_data":"b1","style":"success"},
        {"text":["See ",{"type":"custom_emoji","custom_emoji_id":"7","alternative_text":"👀"}],"url":"https://shop.example.com/"},
        {"text":"Copy","copy_text":{"text":"SPRING-10"}},
        {"text":"App","web_app":{"url":"https://app.example.com/"}},
        {"text":"Gone","disabled":{}}]}"#;
    assert_eq!(
        shown(row),
        "[Buy] [See 👀] (https://shop.example.com/) [Copy] (SPRING-10) [App] (https://app.example.com/) [Gone]"
    );
    let inside = r#"["Take it: ",{"type":"button","button":{"text":"Yes","callback_data":"y"}}," or not"]"#;
    assert_eq!(worded(inside), "Take it: [Yes] or not");
}

#[test]
fn a_quotation_of_any_kind_keeps_its_marks_and_its_author() {
    for kind in ["blockquote", "expandable_blockquote", "pullquote"] {
        for content in [
            r#""text":"one\ntwo""#,
            r#""blocks":[{"type":"paragraph","text":"one"},{"type":"paragraph","text":"two"}]"#,
        ] {
            let block = format!(r#"{{"type":"{kind}",{content},"credit":"Ann"}}"#);
            assert_eq!(shown(&block), "> one\n> two\n— Ann", "{block}");
        }
    }
}

#[test]
fn files_are_told_by_their_names_and_captions() {
    for (block, want) in [
        (
            r#"{"type":"document","document":{"file_name":"list.pdf"},"caption":{"text":"Prices","credit":"Ann"}}"#,
            "[document] list.pdf\nPrices\n— Ann",
        ),
        (r#"{"type":"audio","audio":{"performer":"Bach","title":"Air","file_name":"1.mp3"}}"#, "[audio] Bach - Air"),
        (r#"{"type":"voice_note","voice_note":{}}"#, "[voice note]"),
        (r#"{"type":"collage","blocks":[],"caption":{"text":"All"}}"#, "[collage]\nAll"),
        (r#"{"type":"slideshow","blocks":[{"type":"photo","photo":[]}]}"#, "[photo]"),
    ] {
        assert_eq!(shown(block), want);
    }
}

#[test]
fn items_keep_their_numbers_and_their_boxes() {
    let item = |more: &str| format!(r#"{{"blocks":[{{"type":"paragraph","text":"x"}}]{more}}}"#);
    for (more, want) in [
        (r#","label":"1.""#, "1. x"),
        (r#","label":"•""#, "• x"),
        ("", "• x"),
        (r#","label":"•","has_checkbox":true,"is_checked":true"#, "☑ x"),
        (r#","label":"2.","has_checkbox":true"#, "2. ☐ x"),
    ] {
        assert_eq!(shown(&format!(r#"{{"type":"list","items":[{}]}}"#, item(more))), want);
    }
}

#[test]
fn a_table_is_its_cells_whatever_its_look() {
    let table =
        r#"{"type":"table","is_compact":true,"cells":[[{"text":"a"},{}],[{"text":"c"},{"text":"d"}]],"caption":"T"}"#;
    assert_eq!(shown(table), "T\na | \nc | d");
    assert_eq!(shown(&table.replace(r#""T""#, r#"{"type":"bold","text":"T"}"#)), "T\na | \nc | d");
    assert_eq!(shown(&table.replace(r#""T""#, r#"{"text":"T","credit":"Ann"}"#)), "T\n— Ann\na | \nc | d");
}

#[test]
fn words_that_mean_more_than_they_say_are_told_with_it() {
    for (text, want) in [
        (r#"{"type":"email_address","text":"write us","email_address":"a@example.com"}"#, "write us (a@example.com)"),
        (r#"{"type":"email_address","text":"a@example.com","email_address":"a@example.com"}"#, "a@example.com"),
        (r#"{"type":"phone_number","text":"+49 15-1","phone_number":"+49151"}"#, "+49 15-1"),
        (r#"{"type":"mention","text":"@ann","username":"ann"}"#, "@ann"),
        (
            r#"{"type":"date_time","text":"tonight","unix_time":1786017600,"date_time_format":"t"}"#,
            "tonight (2026-08-06 12:00 UTC)",
        ),
        (
            r#"{"type":"spoiler","text":{"type":"url","text":"x","url":"https://y.example.com/"}}"#,
            "||x (https://y.example.com/)||",
        ),
        (
            r#"{"type":"text_mention","text":"Ann","user":{"id":1,"first_name":"Ann","username":"annlee"}}"#,
            "Ann (@annlee)",
        ),
    ] {
        assert_eq!(worded(text), want, "{text}");
    }
}

#[test]
fn an_unknown_kind_loses_no_text() {
    let block = r#"{"type":"quiz_card","anchor_id":"AgACAgIAAxkBAAMR1234","style":"danger","icon_url":"https://x.example.com/i.png",
        "headline":"Which one?","text":["a ",{"type":"glow","text":"b","intensity":"strong light"}],
        "answers":[{"wording":{"type":"bold","text":"This"}},"That"],"blocks":[{"type":"paragraph","text":"below"}],
        "caption":{"text":"Cap","credit":"Cred"}}"#;
    let text = shown(block);
    for word in ["Which one?", "a b", "strong light", "This", "That", "below", "Cap", "Cred"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    for hidden in ["AgAC", "danger", "example.com", "bold", "glow", "quiz_card"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert_eq!(shown(r#"{"type":"from_the_future","size":3}"#), "[from the future]");
    assert_eq!(worded(r#"["so ",{"type":"glow","text":"bright"}]"#), "so bright");
}
