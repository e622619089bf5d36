//! The languages of the catalogue.

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English, the default.
    #[default]
    En,
    /// Latin American Spanish.
    Es,
    /// Brazilian Portuguese.
    Pt,
    Ru,
}

impl Language {
    pub const ALL: [Self; 4] = [Self::En, Self::Es, Self::Pt, Self::Ru];

    /// The language of a code such as `pt`, `pt-BR` or `RU`; `None` if it is not in the catalogue.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        let main = code.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(main))
    }

    /// Its code (ISO 639-1).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Pt => "pt",
            Self::Ru => "ru",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_name_a_region_too() {
        for (code, language) in [
            ("en", Some(Language::En)),
            ("pt-br", Some(Language::Pt)),
            ("es_419", Some(Language::Es)),
            ("RU", Some(Language::Ru)),
            (" ru ", Some(Language::Ru)),
            ("uk", None),
            ("english", None),
            ("", None),
        ] {
            assert_eq!(Language::of_code(code), language, "{code}");
        }
    }
}
