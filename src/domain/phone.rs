//! Comparison of phone numbers: "+7 999 111-00-02" and "8 (999) 111-00-02" are one number.
//!
//! `libphonenumber` knows the rules of each country. A number without a country code can be several numbers. It is read
//! in the country of the operator, if it is a number there, and else in the country of the number that it is compared
//! with. Numbers that merely end alike are never equal.

use std::collections::BTreeSet;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, Region};

mod mark;
mod text;

use text::Text;

/// The fewest digits of a number that is read in any country. Shorter ones are short codes, or lack their area code.
const LEAST_DIGITS: usize = 7;

/// The international prefixes that are dialled instead of "+": in most countries, in North America, and in Russia and
/// its neighbours.
const EXITS: [&str; 3] = ["00", "011", "810"];

/// A country, by whose rules a number without a country code is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(Region);

impl Country {
    /// Reads a code of two letters (ISO 3166-1); `None` if no country with phone numbers has it.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let region = code.to_ascii_uppercase().parse().ok()?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Self(region))
    }
}

/// A number with its country, without dialling prefixes. Two are equal if they reach the same phone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    country_code: u16,
    national: String,
}

impl Number {
    /// Reads a text in a region, or one with its country code and a "+" in none.
    fn read(text: &str, region: Option<Region>) -> Option<Self> {
        let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
        let country_code = u16::try_from(number.country_code).ok()?;
        let read = Self { country_code, national: number.get_national_significant_number() };
        if number.is_valid() { Some(mark::without(read)) } else { mark::understood(&read, Self::is_valid) }
    }

    /// Reads digits that begin with the country code.
    fn full(digits: &str) -> Option<Self> {
        Self::read(&format!("+{digits}"), None)
    }

    fn is_valid(&self) -> bool {
        self.to_library().is_some_and(|number| number.is_valid())
    }

    fn to_library(&self) -> Option<PhoneNumber> {
        PHONE_NUMBER_UTIL.parse(format!("+{}", self.digits()), None).ok()
    }

    fn digits(&self) -> String {
        format!("{}{}", self.country_code, self.national)
    }

    /// The regions by whose rules its owner may write it: its own, and the main one of those that share its country
    /// code.
    fn regions(&self) -> impl Iterator<Item = Region> {
        let main = PHONE_NUMBER_UTIL.get_region_for_country_code(self.country_code.into());
        let own = self.to_library().and_then(|own| own.get_region_code()).filter(|own| Some(*own) != main);
        main.into_iter().chain(own)
    }
}

/// Whether a text means the number of a customer. Telegram gives that with its country code, as digits alone.
///
/// A customer's number that the library does not know equals only the same digits.
#[must_use]
pub fn is_same(text: &str, customers: &str, home: Option<Country>) -> bool {
    let Some(text) = Text::of(text) else { return false };
    let Some(customer) = Number::full(customers) else { return text.digits() == customers };
    settled(&text, home).unwrap_or_else(|| possible(&text, customer.regions())).contains(&customer)
}

/// The numbers that a text may mean: without a country code it may be that of customers in several countries. Each has
/// all digits by which Telegram may give it.
#[must_use]
pub fn readings(text: &str, home: Option<Country>) -> Vec<BTreeSet<String>> {
    let Some(text) = Text::of(text) else { return Vec::new() };
    let settled = settled(&text, home);
    // If it is a number in the operator's country, it does not mean another number elsewhere with the same digits.
    let is_clear = settled.as_ref().is_some_and(|numbers| !numbers.is_empty());
    let numbers = settled.unwrap_or_else(|| possible(&text, PHONE_NUMBER_UTIL.get_supported_regions()));
    let as_it_is = Some(text.digits()).filter(|digits| !is_clear && !digits.is_empty());
    let mut readings: Vec<BTreeSet<_>> = numbers.iter().map(|number| mark::spellings(number).collect()).collect();
    let is_new = |digits: &String| !readings.iter().any(|reading| reading.contains(digits));
    let as_it_is = as_it_is.filter(is_new).map(|digits| BTreeSet::from([digits]));
    readings.extend(as_it_is);
    readings
}

/// All digits by which Telegram may give the number with these digits.
#[must_use]
pub fn spellings_of_full(digits: &str) -> BTreeSet<String> {
    let number = Number::full(digits);
    number.iter().flat_map(mark::spellings).chain([digits.to_owned()]).collect()
}

/// The digits that are adjacent in every spelling of a customer's number.
#[must_use]
pub fn common_digits(customers: &str) -> String {
    Number::full(customers).map_or_else(|| customers.to_owned(), |number| mark::common_digits(&number).to_owned())
}

/// The numbers that a text certainly means; `None` if that depends on the country.
fn settled(text: &Text, home: Option<Country>) -> Option<BTreeSet<Number>> {
    if text.is_international() {
        return Some(Number::read(text.as_str(), None).into_iter().collect());
    }
    let Country(home) = home?;
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(home)?;
    let regions = [Some(home), PHONE_NUMBER_UTIL.get_region_for_country_code(code)];
    let found: BTreeSet<_> = regions.into_iter().flatten().filter_map(|region| in_region(text, region)).collect();
    if found.is_empty() { None } else { Some(found) }
}

/// The numbers that a text without "+" can mean: one with its country code, or one of these regions.
fn possible(text: &Text, regions: impl Iterator<Item = Region>) -> BTreeSet<Number> {
    let digits = text.digits();
    if digits.len() < LEAST_DIGITS {
        return BTreeSet::new();
    }
    let without_exit = EXITS.iter().filter_map(|exit| digits.strip_prefix(exit));
    let full = without_exit.chain([digits.as_str()]).filter_map(Number::full);
    full.chain(regions.filter_map(|region| in_region(text, region))).collect()
}

fn in_region(text: &Text, region: Region) -> Option<Number> {
    let read = Number::read(text.as_str(), Some(region));
    read.or_else(|| mark::dialled(&text.digits(), region).and_then(|rest| Number::read(rest, Some(region))))
}

#[cfg(test)]
mod tests;
