//! Every kind of entity, and hostile ones.

use proptest::prelude::*;

use super::*;

/// `text` with entities, each as kind, offset, length and further fields.
fn shown(text: &str, entities: &[(&str, i64, i64, &str)]) -> String {
    let entities: Vec<Entity> = entities
        .iter()
        .map(|(kind, offset, length, more)| {
            serde_json::from_str(&format!(r#"{{"type":"{kind}","offset":{offset},"length":{length}{more}}}"#)).unwrap()
        })
        .collect();
    plain(text, &entities)
}

#[test]
fn each_kind_has_its_marks() {
    let cases = [
        ("bold", "", "see this here"),
        ("italic", "", "see this here"),
        ("underline", "", "see this here"),
        ("custom_emoji", r#","custom_emoji_id":"7""#, "see this here"),
        ("date_time", r#","unix_time":1,"date_time_format":"wDT""#, "see this (1970-01-01 00:00 UTC) here"),
        ("date_time", r#","unix_time":"then""#, "see this here"),
        ("from_the_future", "", "see this here"),
        ("strikethrough", "", "see ~this~ here"),
        ("spoiler", "", "see ||this|| here"),
        ("code", "", "see `this` here"),
        ("pre", "", "see `this` here"),
        ("pre", r#","language":"rust""#, "see \n```rust\nthis\n```\n here"),
        ("blockquote", "", "see \n> this\n here"),
        ("expandable_blockquote", "", "see \n> this\n here"),
        ("text_link", r#","url":"https://example.com/""#, "see this (https://example.com/) here"),
        ("text_link", r#","url":"HTTPS://This/""#, "see this here"),
        ("text_link", r#","url":"tg://user?id=7""#, "see this here"),
        ("text_link", r#","url":"""#, "see this here"),
        ("text_link", "", "see this here"),
        ("text_mention", r#","user":{"id":7,"first_name":"This"}"#, "see this here"),
        ("text_mention", r#","user":{"id":7,"first_name":"Ivan"}"#, "see this (Ivan) here"),
        ("text_mention", r#","user":{"id":7,"first_name":"Ivan","username":"ivan"}"#, "see this (@ivan) here"),
        ("text_mention", "", "see this here"),
    ];
    for (kind, more, want) in cases {
        assert_eq!(shown("see this here", &[(kind, 4, 4, more)]), want, "{kind} {more}");
    }
}

#[test]
fn a_label_that_says_where_it_leads_stands_alone() {
    for (label, url) in [
        ("example.com", "https://example.com/"),
        ("http://example.com/", "https://Example.com"),
        ("ann@example.com", "mailto:ann@example.com"),
        ("+15550101", "tel:+15550101"),
    ] {
        let units = i64::try_from(label.len()).unwrap();
        assert_eq!(shown(label, &[("text_link", 0, units, &format!(r#","url":"{url}""#))]), label);
    }
}

#[test]
fn offsets_count_units_and_keep_characters_whole() {
    let link = r#","url":"https://a.b/c""#;
    assert_eq!(shown("😀👍 ok", &[("text_link", 2, 2, link)]), "😀👍 (https://a.b/c) ok");
    assert_eq!(shown("😀👍 ok", &[("code", 0, 1, "")]), "`😀`👍 ok", "half a character is the whole of it");
    assert_eq!(shown("😀👍 ok", &[("code", 1, 2, "")]), "`😀👍` ok");
    assert_eq!(shown("Привет", &[("spoiler", 0, 6, "")]), "||Привет||");
}

#[test]
fn what_is_nested_or_crosses_keeps_every_word() {
    let link = r#","url":"https://a.b/c""#;
    assert_eq!(shown("one two", &[("spoiler", 0, 7, ""), ("strikethrough", 4, 3, "")]), "||one ~two~||");
    assert_eq!(
        shown("one two", &[("strikethrough", 0, 7, ""), ("text_link", 0, 7, link)]),
        "~one two (https://a.b/c)~"
    );
    assert_eq!(shown("one two", &[("code", 0, 5, ""), ("spoiler", 2, 5, "")]), "`on||e t`wo||");
    assert_eq!(shown("a\nbb\n\nc", &[("spoiler", 2, 2, ""), ("blockquote", 2, 2, "")]), "a\n> ||bb||\n\nc");
    assert_eq!(shown("q1\nq2\nnext", &[("blockquote", 0, 5, "")]), "> q1\n> q2\nnext");
    assert_eq!(shown("q1\n\nq2", &[("blockquote", 0, 6, "")]), "> q1\n> \n> q2");
    assert_eq!(shown("a\nb", &[("pre", 0, 3, "")]), "```\na\nb\n```");
    assert_eq!(shown("a\nb", &[("blockquote", 0, 3, ""), ("pre", 0, 3, "")]), "> ```\n> a\n> b\n> ```");
}

#[test]
fn what_makes_no_sense_is_ignored() {
    for (offset, length) in [(-1, 3), (5, 0), (3, -2), (8, 1), (i64::MAX, i64::MAX), (i64::MIN, 5), (99, 1)] {
        assert_eq!(shown("plain ok", &[("code", offset, length, "")]), "plain ok", "{offset} {length}");
    }
    assert_eq!(shown("plain ok", &[("code", 6, 500, "")]), "plain `ok`");
    assert_eq!(shown("", &[("code", 0, 1, "")]), "");
}

/// Whether all of `text` is in `marked`, in order.
fn keeps(text: &str, marked: &str) -> bool {
    let mut rest = marked.chars();
    text.chars().all(|c| rest.any(|other| other == c))
}

fn entity() -> impl Strategy<Value = Entity> {
    const KINDS: [&str; 10] = [
        "bold",
        "code",
        "date_time",
        "pre",
        "blockquote",
        "spoiler",
        "strikethrough",
        "text_link",
        "text_mention",
        "new",
    ];
    let offset = prop_oneof![4 => -2_i64..60, 1 => any::<i64>()];
    (prop::sample::select(&KINDS[..]), offset.clone(), offset, prop::option::of(Just("x y".to_owned()))).prop_map(
        |(kind, offset, length, language)| Entity {
            r#type: Some(kind.to_owned()),
            offset: Some(offset),
            length: Some(length),
            url: Some("https://example.com".to_owned()),
            user: serde_json::from_str(r#"{"username":"ann"}"#).ok(),
            language,
            unix_time: Some(offset),
        },
    )
}

proptest! {
    #[test]
    fn no_word_is_ever_lost(
        text in "(\\PC|[ \n😀👍🏽\u{200d}`>|~]){0,50}",
        entities in prop::collection::vec(entity(), 0..8),
    ) {
        prop_assert!(keeps(&text, &plain(&text, &entities)));
        prop_assert_eq!(plain(&text, &[]), text);
    }
}
