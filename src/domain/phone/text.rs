//! What somebody has written as a phone number.

/// The longest text that is looked at. A number has 15 digits at most.
const MOST_CHARS: usize = 100;
/// How many digits go before an extension.
const BEFORE_EXTENSION: usize = 5;

/// A text up to its extension: "+7 999 111-00-02 доб. 12" is the number of whoever puts through to 12.
pub(super) struct Text(String);

impl Text {
    /// `None` if it is too long to be a number.
    pub(super) fn of(text: &str) -> Option<Self> {
        if text.chars().count() > MOST_CHARS {
            return None;
        }
        let text = text.trim();
        let text = text.get(..4).filter(|start| start.eq_ignore_ascii_case("tel:")).map_or(text, |_| &text[4..]);
        let (mut digits, mut end) = (0, text.len());
        for (at, sign) in text.char_indices() {
            digits += usize::from(sign.is_numeric());
            if digits >= BEFORE_EXTENSION && (sign.is_alphabetic() || ";,#/@\n".contains(sign)) {
                end = at;
                break;
            }
        }
        Some(Self(text[..end].to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says itself that it begins with a country code.
    pub(super) fn is_international(&self) -> bool {
        let start = self.0.trim_start_matches(|sign: char| !sign.is_numeric() && !is_plus(sign));
        start.starts_with(is_plus)
    }

    /// Its digits alone.
    pub(super) fn digits(&self) -> String {
        self.0.chars().filter(char::is_ascii_digit).collect()
    }
}

const fn is_plus(sign: char) -> bool {
    matches!(sign, '+' | '\u{ff0b}')
}
