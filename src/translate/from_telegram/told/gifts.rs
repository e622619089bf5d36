//! Gifts and giveaways.

use crate::{
    telegram::wire::Part,
    translate::from_telegram::{
        people::{self, one_line},
        told::{
            amount::{count, price, stars, when},
            formatted, headed, lines, row, words_of,
        },
    },
};

/// What is said by a message of one of these kinds.
pub(super) fn line(kind: &str, what: &Part) -> Option<String> {
    Some(match kind {
        "gift" => gift("gift", what),
        "gift_upgrade_sent" => gift("gift upgrade", what),
        "unique_gift" => lines([Some(unique(&what.part("gift"))), formatted(what, "text", "entities"), resold(what)]),
        "giveaway_created" => headed("giveaway created", &prize(what).unwrap_or_default()),
        "giveaway" => giveaway(what),
        "giveaway_winners" => winners(what),
        "giveaway_completed" => lines([
            Some(headed("giveaway completed", &row([won(what), unclaimed(what)]))),
            words_of(what, "giveaway_message"),
        ]),
        _ => return None,
    })
}

fn gift(what: &str, info: &Part) -> String {
    let gift = info.part("gift");
    let emoji = gift.part("sticker").text("emoji").unwrap_or_default();
    let worth = gift.number("star_count").map(|cost| format!("worth {}", stars(cost))).unwrap_or_default();
    lines([
        Some(headed(what, format!("{emoji} {worth}").trim())),
        publisher(&gift),
        formatted(info, "text", "entities"),
    ])
}

fn unique(gift: &Part) -> String {
    let name = gift.text("base_name").map(|name| one_line(&name)).unwrap_or_default();
    let number = gift.number("number").map(|number| format!(" #{number}")).unwrap_or_default();
    let trait_of = |field: &str| gift.part(field).text("name").map(|name| format!("{field} {}", one_line(&name)));
    let page = gift.text("name").map(|name| format!("https://t.me/nft/{}", one_line(&name)));
    lines([
        Some(headed("unique gift", &format!("{name}{number}"))),
        Some(row(["model", "symbol", "backdrop"].map(trait_of))),
        publisher(gift),
        page,
    ])
}

/// Whose gift it is, of one that a chat has made.
fn publisher(gift: &Part) -> Option<String> {
    people::known(&gift.part("publisher_chat")).map(|chat| format!("published by {chat}"))
}

/// What a gift was bought for from somebody else.
fn resold(info: &Part) -> Option<String> {
    let paid = info.number("last_resale_amount").zip(info.text("last_resale_currency"));
    paid.map(|(amount, currency)| format!("bought for {}", price(amount, &one_line(&currency))))
}

fn prize(what: &Part) -> Option<String> {
    let months = what.number("premium_subscription_month_count");
    let premium = months.map(|months| format!("Telegram Premium for {}", count(months, "month")));
    let prizes = row([what.number("prize_star_count").map(stars), premium, what.text("prize_description")]);
    (!prizes.is_empty()).then(|| format!("prize: {prizes}"))
}

fn won(what: &Part) -> Option<String> {
    what.number("winner_count").map(|winners| count(winners, "winner"))
}

fn unclaimed(what: &Part) -> Option<String> {
    let left = what.number("unclaimed_prize_count").filter(|left| *left > 0)?;
    Some(format!("{} unclaimed", count(left, "prize")))
}

fn giveaway(what: &Part) -> String {
    let chosen = what.number("winners_selection_date").and_then(when).map(|when| format!("chosen on {when}"));
    let chats = what.list::<Part>("chats");
    let countries = row(what.list("country_codes").into_iter().map(Some));
    lines([
        Some(headed("giveaway", &row([won(what), chosen]))),
        prize(what),
        (!chats.is_empty()).then(|| format!("chats to join: {}", people::all(&chats))),
        (!countries.is_empty()).then(|| format!("only in {countries}")),
    ])
}

fn winners(what: &Part) -> String {
    let names = what.list::<Part>("winners");
    let refunded = what.flag("was_refunded").then(|| "canceled and refunded".to_owned());
    lines([
        Some(headed("giveaway winners", &row([won(what), unclaimed(what), refunded]))),
        people::known(&what.part("chat")).map(|chat| format!("of {chat}")),
        prize(what),
        (!names.is_empty()).then(|| people::all(&names)),
    ])
}
