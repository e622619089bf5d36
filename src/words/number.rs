//! Numbers as each language writes them.

use crate::words::Language;

impl Language {
    /// A whole number in groups of three digits.
    #[must_use]
    pub fn grouped(self, number: u64) -> String {
        let digits = number.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
        groups.join(match self {
            Self::En | Self::Es => ",",
            Self::Pt => ".",
            // A no-break space.
            Self::Ru => "\u{a0}",
        })
    }

    /// The decimal separator.
    #[must_use]
    pub const fn decimal_point(self) -> char {
        match self {
            Self::En | Self::Es => '.',
            Self::Pt | Self::Ru => ',',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (number, en, pt, ru) in [
            (0, "0", "0", "0"),
            (999, "999", "999", "999"),
            (1_000, "1,000", "1.000", "1\u{a0}000"),
            (9_223_372, "9,223,372", "9.223.372", "9\u{a0}223\u{a0}372"),
        ] {
            let grouped_by_language =
                [Language::En, Language::Es, Language::Pt, Language::Ru].map(|it| it.grouped(number));
            assert_eq!(grouped_by_language, [en, en, pt, ru]);
        }
    }
}
