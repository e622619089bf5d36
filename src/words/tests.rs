use std::collections::BTreeSet;

use super::{catalogue::Entry, plural::Form, *};

/// Sentences that are rightly the same in English and another language.
const SAME: &[(&str, &[Language])] = &[
    ("what.videos", &[Language::Es]),
    ("kind.video", &[Language::Es]),
    ("kind.sticker", &[Language::Es]),
    ("count.stars", &[Language::Es, Language::Pt]),
    ("described.kilobytes", &[Language::Es, Language::Pt]),
    ("described.megabytes", &[Language::Es, Language::Pt]),
    ("described.via", &[Language::Pt]),
    ("described.video", &[Language::Es]),
    ("described.audio", &[Language::Es]),
    ("described.sticker", &[Language::Es]),
    ("described.quiz", &[Language::Pt]),
    ("described.story", &[Language::Pt]),
    ("described.web_app", &[Language::Es, Language::Pt, Language::Ru]),
    ("described.passport", &[Language::Es, Language::Pt, Language::Ru]),
    ("described.collage", &[Language::Es]),
    ("described.link", &[Language::Pt]),
];

/// What is wrong with the catalogue of a language, sentence by sentence.
fn faults(language: Language, catalogue: &catalogue::Catalogue) -> Vec<String> {
    let code = language.code();
    let known: BTreeSet<&str> = list::ALL.iter().map(|(name, _)| *name).collect();
    let extra = catalogue.keys().filter(|name| !known.contains(name.as_str()));
    let mut faults: Vec<String> = extra.map(|name| format!("{code}: {name} is used nowhere")).collect();
    for (name, places) in list::ALL {
        let Some(entry) = catalogue.get(*name) else {
            faults.push(format!("{code}: {name} is missing"));
            continue;
        };
        let want: BTreeSet<&str> = places.iter().copied().collect();
        let texts: Vec<_> = match entry {
            Entry::Single(text) => vec![text],
            Entry::Forms(forms) => {
                if !forms.keys().eq(Form::of(language)) {
                    faults.push(format!("{code}: {name} has other forms than the language"));
                }
                forms.values().collect()
            }
        };
        for text in texts {
            if text.places() != want {
                faults.push(format!("{code}: {name} has the places {:?} and not {want:?}", text.places()));
            }
            let words = text.fill(|place| Some(format!("<{place}>")));
            if words.trim() != words || words.is_empty() || words.contains("  ") {
                faults.push(format!("{code}: {name} has loose spaces, or says nothing"));
            }
        }
    }
    faults
}

#[test]
fn every_language_has_every_sentence_with_the_same_places() {
    assert!(list::ALL.len() > 5);
    let faults: Vec<_> = Language::ALL.into_iter().flat_map(|it| faults(it, catalogue::of(it))).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_missing_left_over_or_filled_differently_is_named() {
    let whole = catalogue::source(Language::Ru);
    let broken = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        let catalogue = catalogue::read(&whole.replacen(from, to, 1));
        catalogue.map_or_else(|why| vec![why], |catalogue| faults(Language::Ru, &catalogue))
    };
    for (from, to, want) in [
        ("thanks = ", "thank = ", "ru: phone.thanks is missing"),
        ("thanks = ", "thank = ", "ru: phone.thank is used nowhere"),
        ("{parts}", "{ports}", r#"ru: refusal.part has the places {"part", "ports", "sentence"}"#),
        (" из {parts}", "", r#"ru: refusal.part has the places {"part", "sentence"}"#),
        ("few = \"{n} часа\", ", "", "ru: count.hours has other forms than the language"),
        ("few = \"{n} часа\"", "some = \"{n} часа\"", "count.hours: some is no form"),
        ("{parts}", "{parts", "refusal.part: {parts: {sentence} is no place"),
        ("Спасибо!", "", "ru: phone.thanks has loose spaces, or says nothing"),
    ] {
        let faults = broken(from, to);
        assert!(faults.iter().any(|fault| fault.starts_with(want)), "{want}: {faults:?}");
    }
}

#[test]
fn no_sentence_was_left_in_english() {
    let english = catalogue::of(Language::En);
    for language in [Language::Es, Language::Pt, Language::Ru] {
        for (name, entry) in catalogue::of(language) {
            let is_same = english.get(name) == Some(entry);
            let is_listed = SAME.iter().any(|(same, of)| same == name && of.contains(&language));
            assert_eq!(is_same, is_listed, "{}: {name}", language.code());
        }
    }
}

#[test]
fn a_sentence_is_rendered_in_one_language_with_all_that_is_in_it() {
    let sentence = refusal::part(2_u32, 3_u32, refusal::blocked());
    assert_eq!(
        sentence.say(Language::En),
        "Part 2 of 3: Not delivered: the customer has blocked the bot. Messages arrive again once they unblock it."
    );
    assert_eq!(
        sentence.say(Language::Ru),
        "Часть 2 из 3: Не доставлено: клиент заблокировал бота. Сообщения снова будут доходить, когда он его \
         разблокирует."
    );
}

#[test]
fn what_is_counted_has_the_form_that_goes_with_the_number() {
    let hours = |language| [1, 2, 5, 21].map(|n: u64| count::hours(n).say(language)).join(", ");
    assert_eq!(hours(Language::En), "1 hour, 2 hours, 5 hours, 21 hours");
    assert_eq!(hours(Language::Es), "1 hora, 2 horas, 5 horas, 21 horas");
    assert_eq!(hours(Language::Pt), "1 hora, 2 horas, 5 horas, 21 horas");
    assert_eq!(hours(Language::Ru), "1 час, 2 часа, 5 часов, 21 час");
}

#[test]
fn words_that_come_from_elsewhere_are_no_places() {
    let hostile = refusal::part("{parts}", "{sentence}", Sentence::plain("{part}"));
    assert_eq!(hostile.say(Language::En), "Part {parts} of {sentence}: {part}");
    assert_eq!(Sentence::plain("a").and(phone::thanks()).say(Language::Pt), "a Obrigado!");
}
