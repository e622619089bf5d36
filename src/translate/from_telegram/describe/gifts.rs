//! Gifts and giveaways.

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{
        describe::{
            amount::{counted, price, stars, when},
            formatted, headed, lines, row, words_of,
        },
        people::{self, one_line},
    },
    words::{Language, Sentence, count, described},
};

/// The description of one of these kinds.
pub(super) fn line(kind: &str, what: &RawObject, language: Language) -> Option<String> {
    Some(match kind {
        "gift" => gift(&described::gift(), what, language),
        "gift_upgrade_sent" => gift(&described::gift_upgrade(), what, language),
        "unique_gift" => {
            let gift = unique(&what.part("gift"), language);
            lines([Some(gift), formatted(what, "text", "entities"), resold(what, language)])
        }
        "giveaway_created" => {
            headed(&described::giveaway_created(), &prize(what, language).unwrap_or_default(), language)
        }
        "giveaway" => giveaway(what, language),
        "giveaway_winners" => winners(what, language),
        "giveaway_completed" => {
            let counts = row([won(what, language), unclaimed(what, language)]);
            lines([
                Some(headed(&described::giveaway_completed(), &counts, language)),
                words_of(what, "giveaway_message", language),
            ])
        }
        _ => return None,
    })
}

fn gift(what: &Sentence, info: &RawObject, language: Language) -> String {
    let gift = info.part("gift");
    let emoji = gift.part("sticker").text("emoji").unwrap_or_default();
    let worth = gift.number("star_count").map(|cost| described::worth(stars(cost, language)).say(language));
    let worth = worth.unwrap_or_default();
    lines([
        Some(headed(what, format!("{emoji} {worth}").trim(), language)),
        publisher(&gift, language),
        formatted(info, "text", "entities"),
    ])
}

fn unique(gift: &RawObject, language: Language) -> String {
    let name = gift.text("base_name").map(|name| one_line(&name)).unwrap_or_default();
    let number = gift.number("number").map(|number| format!(" #{number}")).unwrap_or_default();
    let named = |field: &str| gift.part(field).text("name").map(|name| one_line(&name));
    let traits = [
        named("model").map(described::model),
        named("symbol").map(described::symbol),
        named("backdrop").map(described::backdrop),
    ];
    let page = gift.text("name").map(|name| format!("https://t.me/nft/{}", one_line(&name)));
    lines([
        Some(headed(&described::unique_gift(), &format!("{name}{number}"), language)),
        Some(row(traits.map(|it| it.map(|it| it.say(language))))),
        publisher(gift, language),
        page,
    ])
}

/// The chat that has published a gift.
fn publisher(gift: &RawObject, language: Language) -> Option<String> {
    people::known(&gift.part("publisher_chat")).map(|chat| described::published_by(chat).say(language))
}

/// The price of a gift that was resold.
fn resold(info: &RawObject, language: Language) -> Option<String> {
    let paid = info.number("last_resale_amount").zip(info.text("last_resale_currency"));
    let paid = paid.map(|(amount, currency)| price(amount, &one_line(&currency), language));
    paid.map(|price| described::bought_for(price).say(language))
}

fn prize(what: &RawObject, language: Language) -> Option<String> {
    let months = what.number("premium_subscription_month_count");
    let premium = months.map(|months| counted(months, count::months, language));
    let premium = premium.map(|time| described::premium_for(time).say(language));
    let in_stars = what.number("prize_star_count").map(|amount| stars(amount, language));
    let prizes = row([in_stars, premium, what.text("prize_description")]);
    (!prizes.is_empty()).then(|| described::prize(prizes).say(language))
}

fn won(what: &RawObject, language: Language) -> Option<String> {
    what.number("winner_count").map(|winners| counted(winners, count::winners, language))
}

fn unclaimed(what: &RawObject, language: Language) -> Option<String> {
    let left = what.number("unclaimed_prize_count").filter(|left| *left > 0)?;
    Some(counted(left, count::unclaimed_prizes, language))
}

fn giveaway(what: &RawObject, language: Language) -> String {
    let chosen = what.number("winners_selection_date").and_then(|date| when(date, language));
    let chosen = chosen.map(|date| described::chosen_on(date).say(language));
    let chats = what.list::<RawObject>("chats");
    let countries = row(what.list("country_codes").into_iter().map(Some));
    lines([
        Some(headed(&described::giveaway(), &row([won(what, language), chosen]), language)),
        prize(what, language),
        (!chats.is_empty()).then(|| described::chats_to_join(people::all(&chats, language)).say(language)),
        (!countries.is_empty()).then(|| described::only_in(countries).say(language)),
    ])
}

fn winners(what: &RawObject, language: Language) -> String {
    let names = what.list::<RawObject>("winners");
    let refunded = what.flag("was_refunded").then(|| described::canceled_and_refunded().say(language));
    let counts = row([won(what, language), unclaimed(what, language), refunded]);
    lines([
        Some(headed(&described::giveaway_winners(), &counts, language)),
        people::known(&what.part("chat")).map(|chat| described::of(chat).say(language)),
        prize(what, language),
        (!names.is_empty()).then(|| people::all(&names, language)),
    ])
}
