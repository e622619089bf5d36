//! Numbers as people write them, against numbers as Telegram tells them.

use proptest::prelude::*;
use rlibphonenumber::{PhoneNumberFormat, PhoneNumberType};

use super::*;

const MOSCOW: &str = "79991110002";

fn same(text: &str, customers: &str) -> bool {
    is_same(text, customers, None)
}

/// All digits under which a customer may be known whose number a text means.
fn spellings(text: &str, home: Option<Country>) -> BTreeSet<String> {
    readings(text, home).into_iter().flatten().collect()
}

#[test]
fn a_number_is_the_same_however_it_is_written() {
    for (text, customers) in [
        ("+7 (999) 111-00-02", MOSCOW),
        ("7 999 111 00 02", MOSCOW),
        ("8 (999) 111-00-02", MOSCOW),
        ("89991110002", MOSCOW),
        ("9991110002", MOSCOW),
        ("(999) 111-00-02", MOSCOW),
        ("tel:+79991110002", MOSCOW),
        ("(+7) 999 111.00.02", MOSCOW),
        ("007 999 1110002", MOSCOW),
        ("011 7 999 1110002", MOSCOW),
        ("8~10 7 999 1110002", MOSCOW),
        ("\u{ff0b}7 999 111\u{2011}00\u{2011}02", MOSCOW),
        ("+7 999 111-00-02 ext. 12", MOSCOW),
        ("8 999 111-00-02 доб. 12", MOSCOW),
        ("8 999 111-00-02 д.12", MOSCOW),
        ("8 999 111-00-02 вн 12", MOSCOW),
        ("+7 999 111-00-02;ext=12", MOSCOW),
        ("+7 999 111-00-02 x12", MOSCOW),
        ("+7 999 111-00-02,,12#", MOSCOW),
        ("79991110002@c.us", MOSCOW),
        ("8 999 111-00-02 / 8 999 111-00-03", MOSCOW),
        ("8 777 123 45 67", "77771234567"),
        ("+7 777 123 45 67", "77771234567"),
        ("+55 11 91234-5679", "5511912345679"),
        ("(11) 91234-5679", "5511912345679"),
        ("011 91234-5679", "5511912345679"),
        ("0 15 11 91234-5679", "5511912345679"),
        ("+55 (0)11 91234-5679 ramal 7", "5511912345679"),
        ("+54 9 11 2345-6789", "5491123456789"),
        ("011 15 2345-6789", "5491123456789"),
        ("11 15 2345 6789", "5491123456789"),
        ("+54 11 15 2345-6789", "5491123456789"),
        ("11 2345-6789", "5491123456789"),
        ("+54 9 11 2345-6789", "541123456789"),
        ("02966 15 412345", "5492966412345"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("+52 55 1234 5678", "5215512345678"),
        ("5215512345678", "5215512345678"),
        ("55 1234 5678", "525512345678"),
        ("044 55 1234 5678", "525512345678"),
        ("01 55 1234 5678", "5215512345678"),
        ("(242) 365-1234", "12423651234"),
        ("1 (212) 555-2368", "12125552368"),
        ("020 7946 0958", "442079460958"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("0151 23456789", "4915123456789"),
        ("06 1234 5678", "390612345678"),
        ("8 029 123-45-67", "375291234567"),
        ("067 123 45 67", "380671234567"),
        // The library knows nothing of these.
        ("+888 0123 4567", "88801234567"),
        ("15550100", "15550100"),
    ] {
        assert!(same(text, customers), "{text} is {customers}");
        assert!(spellings(text, None).contains(customers), "{text}: {:?}", spellings(text, None));
    }
}

#[test]
fn another_number_is_never_the_same() {
    for (text, customers) in [
        ("8 (999) 111-00-03", MOSCOW),
        ("1110002", MOSCOW),
        ("111-00-02", MOSCOW),
        ("99 111 00 02", MOSCOW),
        ("19991110002", MOSCOW),
        ("+9 999 111 00 02", MOSCOW),
        ("+8 999 111 00 02", MOSCOW),
        ("+79991110002", "919991110002"),
        ("+91 9991110002", MOSCOW),
        ("899911100020", MOSCOW),
        ("79991110002 12", MOSCOW),
        ("11 1234-5679", "5511912345679"),
        ("+55 11 1234-5679", "5511912345679"),
        ("15 2345-6789", "5491123456789"),
        ("2345-6789", "5491123456789"),
        ("+1 55 1234 5678", "525512345678"),
        ("+39 6 1234 5678", "390612345678"),
        ("+888 0123 4567", "8880123456"),
        ("22158", "29022158"),
        ("", MOSCOW),
        ("", ""),
        ("ext. 79991110002 or so", ""),
        ("no number", MOSCOW),
        ("+", MOSCOW),
    ] {
        let is_empty = text.is_empty() && customers.is_empty();
        assert!(is_empty || !same(text, customers), "{text} is not {customers}");
        let found = spellings(text, None);
        assert!(!found.iter().any(|found| found == customers), "{text}: {found:?}");
    }
    assert!(!same(&"9".repeat(40), MOSCOW) && !same(&format!("{MOSCOW}{}", " ".repeat(200)), MOSCOW));
}

#[test]
fn a_number_without_a_country_code_is_first_of_the_operators_country() {
    let [russia, kazakhstan, india] = ["RU", "kz", "IN"].map(Country::parse);
    let indian = "919991110002";
    for (text, home, moscow, india) in [
        ("9991110002", None, true, true),
        ("9991110002", russia, true, false),
        ("8 999 111 00 02", kazakhstan, true, false),
        ("9991110002", india, false, true),
        ("0 99911 10002", None, false, true),
        // In Russia it is no number.
        ("0 99911 10002", russia, false, true),
        ("79991110002", india, true, false),
        ("+7 999 1110002", india, true, false),
    ] {
        assert_eq!((is_same(text, MOSCOW, home), is_same(text, indian, home)), (moscow, india), "{text} {home:?}");
        let found = spellings(text, home);
        assert_eq!((found.contains(MOSCOW), found.contains(indian)), (moscow, india), "{text} {home:?}");
    }
}

#[test]
fn what_is_a_number_at_home_is_no_number_of_another_country_with_the_same_digits() {
    let (brazil, of_brazil, of_peru) = (Country::parse("BR"), "5551987654321", "51987654321");
    for text in ["(51) 98765-4321", "51987654321"] {
        let found = spellings(text, brazil);
        assert!(found.contains(of_brazil) && !found.contains(of_peru), "{text}: {found:?}");
    }
    assert!(spellings("+51987654321", brazil).contains(of_peru) && spellings("51987654321", None).contains(of_peru));
}

#[test]
fn a_country_has_two_letters() {
    for code in ["RU", "br", "GB", "XK"] {
        assert!(Country::parse(code).is_some(), "{code}");
    }
    for code in ["", "R", "RUS", "XX", "ZZ", "001", "UK", "Ru "] {
        assert_eq!(Country::parse(code), None, "{code}");
    }
}

#[test]
fn a_search_asks_for_digits_that_every_way_to_write_a_number_has() {
    for (customers, digits) in [
        (MOSCOW, "9991110002"),
        ("5511912345679", "11912345679"),
        ("5491123456789", "23456789"),
        ("5492966412345", "412345"),
        ("5215512345678", "5512345678"),
        ("390612345678", "0612345678"),
        ("88801234567", "88801234567"),
    ] {
        assert_eq!(common_digits(customers), digits);
    }
}

#[test]
fn telegram_tells_one_number_in_several_ways() {
    for (digits, others) in [
        ("525512345678", ["525512345678", "5215512345678"]),
        ("5215512345678", ["525512345678", "5215512345678"]),
        ("541123456789", ["541123456789", "5491123456789"]),
    ] {
        assert_eq!(spellings_of_full(digits), others.map(str::to_owned).into(), "{digits}");
    }
    assert_eq!(spellings_of_full(MOSCOW), [MOSCOW.to_owned()].into());
    assert_eq!(spellings_of_full("491"), ["491".to_owned()].into());
}

/// A valid number of any country, made from an example by changing its last digits.
fn numbers() -> impl Strategy<Value = PhoneNumber> {
    let mut regions: Vec<_> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort_by_key(|region| format!("{region:?}"));
    let kinds = [PhoneNumberType::Mobile, PhoneNumberType::FixedLine];
    let made = (prop::sample::select(regions), prop::sample::select(kinds.to_vec()), 0_u64..10_000);
    made.prop_filter_map("no valid number", |(region, kind, last)| {
        let example = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind).ok()?;
        let national_number = example.national_number / 10_000 * 10_000 + last;
        let number = PhoneNumber { national_number, ..example };
        number.is_valid().then_some(number)
    })
}

fn customers(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164)[1..].to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_style_is_read_as_the_number_that_it_is(number in numbers(), style in 0_usize..6, extension in any::<bool>()) {
        use PhoneNumberFormat::{E164, International, National, RFC3966};
        let digits = customers(&number);
        let text = match style {
            0 => digits.clone(),
            1 => format!("00{digits}"),
            other => number.format_as([E164, International, National, RFC3966][other - 2]).into_owned(),
        };
        let text = if extension { format!("{text} ext. 12") } else { text };
        let is_long = Text::of(&text).unwrap().digits().len() >= LEAST_DIGITS;
        prop_assert!(!is_long || same(&text, &digits), "{text} is {digits}");
        prop_assert!(!is_long || spellings(&text, None).contains(&digits), "{text}");
        let asked = common_digits(&digits);
        let written: String = text.chars().filter(char::is_ascii_digit).collect();
        prop_assert!(written.contains(&asked), "{text} has {asked}");
    }

    #[test]
    fn numbers_of_different_countries_are_never_equal(one in numbers(), other in numbers(), style in 0_usize..2) {
        prop_assume!(one.country_code != other.country_code);
        let format = [PhoneNumberFormat::E164, PhoneNumberFormat::International][style];
        prop_assert!(!same(&one.format_as(format), &customers(&other)));
    }

    #[test]
    fn a_number_is_no_other_number_of_its_country(number in numbers(), other in 0_u64..10_000) {
        let national_number = number.national_number / 10_000 * 10_000 + other;
        prop_assume!(national_number != number.national_number);
        let other = PhoneNumber { national_number, ..number.clone() };
        prop_assert!(!same(&number.format_as(PhoneNumberFormat::National), &customers(&other)));
    }

    #[test]
    fn whatever_is_written_is_read_without_a_fault(text in "[ -~+0-9а-я\u{ff0b}]{0,120}|[+0-9 \
        ()~;x.-]{0,60}", customers in "[0-9]{0,40}") {
        let is_same = same(&text, &customers);
        prop_assert!(!is_same || spellings(&text, None).contains(&customers) || customers.is_empty());
        prop_assert!(is_same == is_same_in(&text, &customers) || Text::of(&text).is_none_or(|text| !text.is_international()));
    }
}

/// Where a number has its country code, the operator's country makes no difference.
fn is_same_in(text: &str, customers: &str) -> bool {
    is_same(text, customers, Country::parse("RU"))
}
