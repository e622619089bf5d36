//! Contents that a person shares with the bot.

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{
        describe::{formatted, headed, lines, row},
        people::{self, one_line},
    },
    words::{Language, Sentence, described, passport},
};

/// The description of one of these kinds.
pub(super) fn line(kind: &str, message: &RawObject, what: &RawObject, language: Language) -> Option<String> {
    Some(match kind {
        "dice" => {
            let value = what.number("value").map(|value| value.to_string());
            let both = [what.text("emoji"), value].into_iter().flatten().collect::<Vec<_>>();
            headed(&described::dice(), &both.join(" "), language)
        }
        "game" => lines([
            Some(headed(&described::game(), &what.text("title").unwrap_or_default(), language)),
            what.text("description"),
            formatted(what, "text", "text_entities"),
        ]),
        "story" => story(what, language),
        "users_shared" => headed(&described::shared_contacts(), &people::all(&what.list("users"), language), language),
        "chat_shared" => headed(&described::shared_chat(), &people::named(what, language), language),
        "web_app_data" => {
            let data = what.text("data").unwrap_or_default();
            let button = what.text("button_text").map(|button| format!("{}: ", one_line(&button)));
            headed(&described::web_app(), &format!("{}{data}", button.unwrap_or_default()), language)
        }
        "passport_data" => passport(what, language),
        "proximity_alert_triggered" => {
            let [traveler, watcher] = ["traveler", "watcher"].map(|who| people::named(&what.part(who), language));
            let distance = what.number("distance").unwrap_or_default().to_string();
            let text = described::is_within(traveler, distance, watcher).say(language);
            headed(&described::proximity(), &text, language)
        }
        "connected_website" => headed(&described::logged_in(), &message.text(kind).unwrap_or_default(), language),
        "write_access_allowed" => {
            let app = what.text("web_app_name").map(|name| described::from_web_app(one_line(&name)));
            let menu = what.flag("from_attachment_menu").then(described::from_menu);
            let on_request = what.flag("from_request").then(described::when_asked);
            let source = row([app, menu, on_request].map(|source| source.map(|source| source.say(language))));
            headed(&described::write_allowed(), &source, language)
        }
        "managed_bot_created" => {
            headed(&described::bot_created(), &people::named(&what.part("bot"), language), language)
        }
        _ => return None,
    })
}

/// A story, which bots cannot open; one of a public chat has an address.
fn story(story: &RawObject, language: Language) -> String {
    let chat = story.part("chat");
    let link = chat.text("username").zip(story.number("id"));
    let link = link.map(|(name, id)| format!("https://t.me/{}/s/{id}", one_line(&name)));
    let author = described::of(people::named(&chat, language)).say(language);
    headed(&described::story(), &lines([Some(author), link]), language)
}

/// The shared elements of a passport. Only a phone number and an e-mail address are readable; the rest stays encrypted.
fn passport(what: &RawObject, language: Language) -> String {
    let elements = what.list::<RawObject>("data").into_iter().map(|element| {
        let kind = element_in_words(&element.text("type")?).say(language);
        let value = element.text("phone_number").or_else(|| element.text("email"));
        Some(value.map_or_else(|| one_line(&kind), |value| one_line(&format!("{kind} {value}"))))
    });
    headed(&described::passport(), &row(elements), language)
}

/// The type of an element of a passport (Bot API, `EncryptedPassportElement`).
fn element_in_words(kind: &str) -> Sentence {
    match kind {
        "personal_details" => passport::personal_details(),
        "passport" => passport::passport(),
        "driver_license" => passport::driver_license(),
        "identity_card" => passport::identity_card(),
        "internal_passport" => passport::internal_passport(),
        "address" => passport::address(),
        "utility_bill" => passport::utility_bill(),
        "bank_statement" => passport::bank_statement(),
        "rental_agreement" => passport::rental_agreement(),
        "passport_registration" => passport::passport_registration(),
        "temporary_registration" => passport::temporary_registration(),
        "phone_number" => passport::phone_number(),
        "email" => passport::email(),
        other => Sentence::plain(other.replace('_', " ")),
    }
}
