//! Payments and paid content.

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{
        content::kind_in_words,
        describe::{
            amount::{price, stars, when},
            headed, lines, row,
        },
        people::one_line,
    },
    words::{Language, described},
};

/// The description of one of these kinds.
pub(super) fn line(kind: &str, what: &RawObject, language: Language) -> Option<String> {
    Some(match kind {
        "invoice" => {
            let title = what.text("title").map(|title| one_line(&title));
            let head = headed(&described::invoice(), &row([title, total(what, language)]), language);
            lines([Some(head), what.text("description")])
        }
        "successful_payment" => payment(what, language),
        "refunded_payment" => lines([
            Some(headed(&described::payment_refunded(), &total(what, language).unwrap_or_default(), language)),
            what.text("invoice_payload").map(|order| described::order(order).say(language)),
        ]),
        "paid_media" => paid_media(what, language),
        "direct_message_price_changed" => {
            let on = what.flag("are_direct_messages_enabled");
            let cost = what.number("direct_message_star_count").unwrap_or_default();
            let text = if on { charge(cost, language) } else { described::turned_off().say(language) };
            headed(&described::direct_messages(), &text, language)
        }
        "paid_message_price_changed" => {
            let cost = what.number("paid_message_star_count").unwrap_or_default();
            headed(&described::messages(), &charge(cost, language), language)
        }
        _ => return None,
    })
}

fn charge(cost: i64, language: Language) -> String {
    let charge = if cost == 0 { described::free() } else { described::each(stars(cost, language)) };
    charge.say(language)
}

fn total(what: &RawObject, language: Language) -> Option<String> {
    Some(price(what.number("total_amount")?, &one_line(&what.text("currency")?), language))
}

/// A payment, with the customer's details. The ids of payment systems mean nothing to managers.
fn payment(what: &RawObject, language: Language) -> String {
    let order = what.part("order_info");
    let until = what.number("subscription_expiration_date").and_then(|date| when(date, language));
    lines([
        Some(headed(&described::payment(), &total(what, language).unwrap_or_default(), language)),
        what.text("invoice_payload").map(|order| described::order(order).say(language)),
        until.map(|until| described::subscription_until(until).say(language)),
        Some(row(["name", "phone_number", "email"].map(|field| order.text(field)))),
        Some(address(&order.part("shipping_address"))),
    ])
}

fn address(address: &RawObject) -> String {
    let fields = ["street_line1", "street_line2", "city", "state", "post_code", "country_code"];
    row(fields.map(|field| address.text(field)))
}

fn paid_media(what: &RawObject, language: Language) -> String {
    let cost = what.number("star_count").map(|cost| described::paid_media_for(stars(cost, language)));
    let items = what.list::<RawObject>("paid_media");
    let items = items.iter().map(|item| {
        let kind = item.text("type")?;
        let what = if kind == "preview" { described::not_paid_for() } else { kind_in_words(&one_line(&kind)) };
        Some(what.say(language))
    });
    let mut items: Vec<_> = items.collect();
    items.dedup();
    headed(&cost.unwrap_or_else(described::paid_media), &row(items), language)
}
