//! Plural forms (Unicode CLDR, "Language Plural Rules", cardinals of whole numbers).

use crate::words::Language;

/// A plural form, as CLDR names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    One,
    Few,
    Many,
    Other,
}

impl Form {
    const ALL: [Self; 4] = [Self::One, Self::Few, Self::Many, Self::Other];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }

    /// The forms that a language has.
    #[cfg(test)]
    pub(super) const fn of(language: Language) -> &'static [Self] {
        match language {
            Language::En | Language::Es | Language::Pt => &[Self::One, Self::Other],
            Language::Ru => &[Self::One, Self::Few, Self::Many],
        }
    }
}

/// The form for `n`. The form that CLDR has for whole millions in Spanish and Portuguese ("un millón **de** horas") is
/// left out: nothing here counts that far.
pub(super) const fn form(language: Language, n: u64) -> Form {
    match language {
        Language::En | Language::Es => match n {
            1 => Form::One,
            _ => Form::Other,
        },
        Language::Pt => match n {
            0 | 1 => Form::One,
            _ => Form::Other,
        },
        Language::Ru => match (n % 10, n % 100) {
            (1, 0..=10 | 12..) => Form::One,
            (2..=4, 0..=11 | 15..) => Form::Few,
            _ => Form::Many,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_has_three_forms() {
        for (n, want) in [
            (0, Form::Many),
            (1, Form::One),
            (2, Form::Few),
            (4, Form::Few),
            (5, Form::Many),
            (11, Form::Many),
            (12, Form::Many),
            (14, Form::Many),
            (20, Form::Many),
            (21, Form::One),
            (22, Form::Few),
            (25, Form::Many),
            (101, Form::One),
            (111, Form::Many),
            (112, Form::Many),
            (1_000_004, Form::Few),
        ] {
            assert_eq!(form(Language::Ru, n), want, "{n}");
        }
    }

    #[test]
    fn the_others_have_two() {
        for language in [Language::En, Language::Es, Language::Pt] {
            let zero = if language == Language::Pt { Form::One } else { Form::Other };
            let forms = [0, 1, 2, 11, 21].map(|n| form(language, n));
            assert_eq!(forms, [zero, Form::One, Form::Other, Form::Other, Form::Other], "{language:?}");
        }
    }
}
