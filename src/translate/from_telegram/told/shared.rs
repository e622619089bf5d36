//! What a person shows or hands to the bot.

use crate::{
    telegram::wire::Part,
    translate::from_telegram::{
        people::{self, one_line},
        told::{formatted, headed, lines, row},
    },
};

/// What is said by a message of one of these kinds.
pub(super) fn line(kind: &str, message: &Part, what: &Part) -> Option<String> {
    Some(match kind {
        "dice" => {
            let value = what.number("value").map(|value| value.to_string());
            let both = [what.text("emoji"), value].into_iter().flatten().collect::<Vec<_>>();
            headed("dice", &both.join(" "))
        }
        "game" => lines([
            Some(headed("game", &what.text("title").unwrap_or_default())),
            what.text("description"),
            formatted(what, "text", "text_entities"),
        ]),
        "story" => story(what),
        "users_shared" => headed("shared contacts", &people::all(&what.list("users"))),
        "chat_shared" => headed("shared chat", &people::named(what)),
        "web_app_data" => {
            let data = what.text("data").unwrap_or_default();
            let button = what.text("button_text").map(|button| format!("{}: ", one_line(&button)));
            headed("Web App", &format!("{}{data}", button.unwrap_or_default()))
        }
        "passport_data" => passport(what),
        "proximity_alert_triggered" => {
            let (traveler, watcher) = (people::named(&what.part("traveler")), people::named(&what.part("watcher")));
            let distance = what.number("distance").unwrap_or_default();
            headed("proximity alert", &format!("{traveler} is within {distance} m of {watcher}"))
        }
        "connected_website" => headed("logged in", &message.text(kind).unwrap_or_default()),
        "write_access_allowed" => {
            let app = what.text("web_app_name").map(|name| format!("from the Web App {}", one_line(&name)));
            let menu = what.flag("from_attachment_menu").then(|| "from the attachment menu".to_owned());
            let asked = what.flag("from_request").then(|| "when asked by the Web App".to_owned());
            headed("the bot was allowed to write", &row([app, menu, asked]))
        }
        "managed_bot_created" => headed("bot created", &people::named(&what.part("bot"))),
        _ => return None,
    })
}

/// A story, which bots cannot open; one of a public chat has an address.
fn story(story: &Part) -> String {
    let chat = story.part("chat");
    let link = chat.text("username").zip(story.number("id"));
    let link = link.map(|(name, id)| format!("https://t.me/{}/s/{id}", one_line(&name)));
    headed("story", &lines([Some(format!("of {}", people::named(&chat))), link]))
}

/// What was handed over of a passport. Only a phone number and an address are readable; the rest is encrypted, and stays
/// that way.
fn passport(what: &Part) -> String {
    let elements = what.list::<Part>("data").into_iter().map(|element| {
        let kind = element.text("type")?.replace('_', " ");
        let value = element.text("phone_number").or_else(|| element.text("email"));
        Some(value.map_or_else(|| one_line(&kind), |value| one_line(&format!("{kind} {value}"))))
    });
    headed("Telegram Passport", &row(elements))
}
