//! Formats prices, dates and durations.

use chrono::DateTime;

use crate::words::{Language, Sentence, count};

/// Currencies whose smallest unit does not have two decimals (ISO 4217; the Bot API mentions the smallest units in
/// "payments"). Toncoins have nine.
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
pub(super) fn price(amount: i64, currency: &str, language: Language) -> String {
    if currency == "XTR" {
        return stars(amount, language);
    }
    let digits = DIGITS.iter().find(|(_, codes)| codes.contains(&currency)).map_or(2, |(digits, _)| *digits);
    let unit = 10_u64.pow(digits);
    let (whole, rest) = (amount.unsigned_abs() / unit, amount.unsigned_abs() % unit);
    let point = language.decimal_point();
    let fraction = if digits == 0 { String::new() } else { format!("{point}{rest:0width$}", width = digits as usize) };
    // "1.5", not "1.500000000".
    let fraction = if digits == 9 { fraction.trim_end_matches('0').trim_end_matches(point) } else { &fraction };
    format!("{}{}{fraction} {currency}", sign(amount), language.grouped(whole))
}

pub(super) fn stars(amount: i64, language: Language) -> String {
    counted(amount, count::stars, language)
}

/// Makes the phrase for a number of things.
type Thing = fn(u64) -> Sentence;

/// A number of things, phrased by `thing`.
pub(super) fn counted(number: i64, thing: Thing, language: Language) -> String {
    format!("{}{}", sign(number), thing(number.unsigned_abs()).say(language))
}

const fn sign(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

/// A date and time, given in seconds since the epoch.
pub(in crate::translate::from_telegram) fn when(seconds: i64, language: Language) -> Option<String> {
    let order = match language {
        Language::En => "%Y-%m-%d",
        Language::Es | Language::Pt => "%d/%m/%Y",
        Language::Ru => "%d.%m.%Y",
    };
    Some(DateTime::from_timestamp(seconds, 0)?.format(&format!("{order} %H:%M UTC")).to_string())
}

/// A duration in the largest unit that divides it.
pub(super) fn duration(seconds: i64, language: Language) -> String {
    let units: [(i64, Thing); 3] = [(86_400, count::days), (3600, count::hours), (60, count::minutes)];
    let unit = units.into_iter().find(|(length, _)| seconds > 0 && seconds % length == 0);
    let (length, thing) = unit.unwrap_or((1, count::seconds));
    counted(seconds / length, thing, language)
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
            assert_eq!(price(amount, currency, Language::En), want);
        }
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(when(1_786_017_600, Language::En).as_deref(), Some("2026-08-06 12:00 UTC"));
        assert_eq!(when(i64::MAX, Language::En), None);
        let duration = |language| [86_400 * 7, 3600, 90, 0].map(|seconds| duration(seconds, language));
        assert_eq!(duration(Language::En), ["7 days", "1 hour", "90 seconds", "0 seconds"]);
        assert_eq!(duration(Language::Ru), ["7 дней", "1 час", "90 секунд", "0 секунд"]);
    }

    #[test]
    fn each_language_writes_numbers_and_dates_its_own_way() {
        let formatted = |language| {
            let date = when(1_786_017_600, language).unwrap();
            (price(123_456_789, "RUB", language), stars(2503, language), date)
        };
        let want = |price: &str, stars: &str, date: &str| (price.to_owned(), stars.to_owned(), date.to_owned());
        assert_eq!(formatted(Language::Es), want("1,234,567.89 RUB", "2,503 Telegram Stars", "06/08/2026 12:00 UTC"));
        assert_eq!(formatted(Language::Pt), want("1.234.567,89 RUB", "2.503 Telegram Stars", "06/08/2026 12:00 UTC"));
        let narrow = "1\u{a0}234\u{a0}567,89 RUB";
        assert_eq!(formatted(Language::Ru), want(narrow, "2\u{a0}503 звезды Telegram", "06.08.2026 12:00 UTC"));
        assert_eq!(price(1_500_000_000, "TON", Language::Ru), "1,5 TON");
    }
}
