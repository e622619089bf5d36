//! Money, dates and times in words.

use chrono::DateTime;

/// Currencies by how many digits their smallest unit has after the point, where it is not two (ISO 4217; the Bot API
/// names the smallest units in "payments"). Toncoins come in billionths.
const DIGITS: [(u32, &[&str]); 3] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (9, &["TON"]),
];

/// An amount in the smallest units of a currency.
pub(super) fn price(amount: i64, currency: &str) -> String {
    if currency == "XTR" {
        return stars(amount);
    }
    let digits = DIGITS.iter().find(|(_, codes)| codes.contains(&currency)).map_or(2, |(digits, _)| *digits);
    let unit = 10_u64.pow(digits);
    let (whole, rest) = (amount.unsigned_abs() / unit, amount.unsigned_abs() % unit);
    let sign = if amount < 0 { "-" } else { "" };
    let fraction = if digits == 0 { String::new() } else { format!(".{rest:0width$}", width = digits as usize) };
    // Nobody prices in billionths: "1.5", not "1.500000000".
    let fraction = if digits == 9 { fraction.trim_end_matches('0').trim_end_matches('.') } else { &fraction };
    format!("{sign}{}{fraction} {currency}", grouped(whole))
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Telegram's own currency.
pub(super) fn stars(amount: i64) -> String {
    count(amount, "Telegram Star")
}

/// A number of things.
pub(super) fn count(number: i64, thing: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{} {thing}{many}", grouped(number.unsigned_abs()))
}

/// An instant, given in seconds since the epoch.
pub(in crate::translate::from_telegram) fn when(seconds: i64) -> Option<String> {
    Some(DateTime::from_timestamp(seconds, 0)?.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// How long something lasts, in its largest unit that leaves no rest.
pub(super) fn lasting(seconds: i64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(length, _)| seconds > 0 && seconds % length == 0);
    let (length, name) = unit.unwrap_or((1, "second"));
    count(seconds / length, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_digits() {
        for (amount, currency, want) in [
            (14_500, "USD", "145.00 USD"),
            (123_456_789, "RUB", "1,234,567.89 RUB"),
            (5, "EUR", "0.05 EUR"),
            (-5, "EUR", "-0.05 EUR"),
            (1_500, "JPY", "1,500 JPY"),
            (1_500, "KWD", "1.500 KWD"),
            (1_500_000_000, "TON", "1.5 TON"),
            (2_000_000_000, "TON", "2 TON"),
            (1, "XTR", "1 Telegram Star"),
            (2500, "XTR", "2,500 Telegram Stars"),
            (i64::MIN, "XTR", "-9,223,372,036,854,775,808 Telegram Stars"),
        ] {
            assert_eq!(price(amount, currency), want);
        }
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(when(1_786_017_600).as_deref(), Some("2026-08-06 12:00 UTC"));
        assert_eq!(when(i64::MAX), None);
        assert_eq!(lasting(86_400 * 7), "7 days");
        assert_eq!(
            (lasting(3600), lasting(90), lasting(0)),
            ("1 hour".into(), "90 seconds".into(), "0 seconds".into())
        );
    }
}
