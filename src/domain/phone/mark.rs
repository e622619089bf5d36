//! Digits that mark a phone as a mobile one, and are no part of its number.
//!
//! Until 2019, Mexico had "1" after its country code, and "044", "045" or "01" before a number. The library does not
//! know them any more, but contacts and Telegram still have them. Argentina has "9" after its country code, and "15"
//! behind the area code: the ten digits without them belong to one phone alone. Brazil's ninth digit is different: a
//! number without it is another number.

use rlibphonenumber::Region;

use super::Number;

const MEXICO: u16 = 52;
const ARGENTINA: u16 = 54;
/// The digits of a national number in both countries.
const DIGITS: usize = 10;
/// What people in Mexico dialled before a number.
const MEXICAN_PREFIXES: [&str; 3] = ["044", "045", "01"];

/// The mark of a country's mobile phones.
const fn of(country_code: u16) -> Option<char> {
    match country_code {
        MEXICO => Some('1'),
        ARGENTINA => Some('9'),
        _ => None,
    }
}

/// The number without its mark.
pub(super) fn without(number: Number) -> Number {
    let rest = of(number.country_code).and_then(|mark| number.national.strip_prefix(mark));
    match rest.filter(|rest| rest.len() == DIGITS).map(str::to_owned) {
        Some(national) => Number { national, ..number },
        None => number,
    }
}

/// The number without its mark, if it is valid with or without one: the library does not know some marks any more, and
/// requires others.
pub(super) fn understood(number: &Number, is_valid: impl Fn(&Number) -> bool) -> Option<Number> {
    let bare = without(number.clone());
    let is_known = bare.national.len() == DIGITS && [bare.clone(), with(&bare)?].iter().any(is_valid);
    is_known.then_some(bare)
}

fn with(number: &Number) -> Option<Number> {
    let mark = of(number.country_code)?;
    Some(Number { national: format!("{mark}{}", number.national), ..number.clone() })
}

/// Dialled digits without a prefix that the library does not know any more.
pub(super) fn dialled(digits: &str, region: Region) -> Option<&str> {
    let rest = MEXICAN_PREFIXES.iter().find_map(|prefix| digits.strip_prefix(prefix));
    rest.filter(|rest| region == Region::MX && rest.len() == DIGITS)
}

/// The digits by which Telegram may give the number: with a mark or without.
pub(super) fn spellings(number: &Number) -> impl Iterator<Item = String> {
    [Some(number.digits()), with(number).map(|marked| marked.digits())].into_iter().flatten()
}

/// The digits of a number that are adjacent in every spelling: in Argentina those behind the area code, which has two
/// digits in the capital and up to four elsewhere.
pub(super) fn common_digits(number: &Number) -> &str {
    let national = number.national.as_str();
    match number.country_code {
        ARGENTINA => national.strip_prefix("11").or_else(|| national.get(4..)).unwrap_or(national),
        _ => national,
    }
}
