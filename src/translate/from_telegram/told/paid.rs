//! What costs money.

use crate::{
    telegram::wire::Part,
    translate::from_telegram::{
        people::one_line,
        told::{
            amount::{price, stars, when},
            headed, lines, row,
        },
    },
};

/// What is said by a message of one of these kinds.
pub(super) fn line(kind: &str, what: &Part) -> Option<String> {
    Some(match kind {
        "invoice" => {
            let title = what.text("title").map(|title| one_line(&title));
            lines([Some(headed("invoice", &row([title, total(what)]))), what.text("description")])
        }
        "successful_payment" => payment(what),
        "refunded_payment" => lines([
            Some(headed("payment refunded", &total(what).unwrap_or_default())),
            what.text("invoice_payload").map(|order| format!("order: {order}")),
        ]),
        "paid_media" => paid_media(what),
        "direct_message_price_changed" => {
            let on = what.flag("are_direct_messages_enabled");
            let cost = what.number("direct_message_star_count").unwrap_or_default();
            headed("direct messages", if on { charge(cost) } else { "turned off".to_owned() }.as_str())
        }
        "paid_message_price_changed" => {
            headed("messages", &charge(what.number("paid_message_star_count").unwrap_or_default()))
        }
        _ => return None,
    })
}

fn charge(cost: i64) -> String {
    if cost == 0 { "now free of charge".to_owned() } else { format!("now {} each", stars(cost)) }
}

fn total(what: &Part) -> Option<String> {
    Some(price(what.number("total_amount")?, &one_line(&what.text("currency")?)))
}

/// A payment, with what the customer filled in for it. Ids of the payment systems say nothing to a manager.
fn payment(what: &Part) -> String {
    let order = what.part("order_info");
    let until = what.number("subscription_expiration_date").and_then(when);
    lines([
        Some(headed("payment", &total(what).unwrap_or_default())),
        what.text("invoice_payload").map(|order| format!("order: {order}")),
        until.map(|until| format!("subscription until {until}")),
        Some(row(["name", "phone_number", "email"].map(|field| order.text(field)))),
        Some(address(&order.part("shipping_address"))),
    ])
}

fn address(address: &Part) -> String {
    let fields = ["street_line1", "street_line2", "city", "state", "post_code", "country_code"];
    row(fields.map(|field| address.text(field)))
}

fn paid_media(what: &Part) -> String {
    let cost = what.number("star_count").map(|cost| format!(" for {}", stars(cost))).unwrap_or_default();
    let items = what.list::<Part>("paid_media");
    let items = items.iter().map(|item| {
        let kind = item.text("type")?.replace('_', " ");
        Some(if kind == "preview" { "not paid for, so only Telegram can show it".to_owned() } else { one_line(&kind) })
    });
    let mut items: Vec<_> = items.collect();
    items.dedup();
    headed(&format!("paid media{cost}"), &row(items))
}
