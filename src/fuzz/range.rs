//! What a `Range` asks for, as RFC 9110 (14.1.2) says it: found out byte by byte, to hold the bridge and the sandbox
//! against.

/// What may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Everything: nothing is asked for that can be understood, or not one part alone.
    Whole,
    /// These bytes, both included, and nothing else.
    Part(u64, u64),
    /// None that is there.
    Beyond,
}

/// Asks of each byte of a short file whether it is wanted.
pub(crate) fn asked(range: &str, length: u64) -> Asked {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::Whole;
    };
    let (Ok(first), Ok(last)) = (number(first.trim()), number(last.trim())) else { return Asked::Whole };
    let is_wanted = |at: &u64| match (first, last) {
        (Some(first), Some(last)) => first <= *at && *at <= last,
        (Some(first), None) => first <= *at,
        (None, Some(count)) => length - at <= count,
        (None, None) => true,
    };
    let is_whole = match (first, last) {
        (Some(first), Some(last)) => last < first,
        (None, Some(count)) => count > 0 && length == 0,
        (None, None) => true,
        (Some(_), None) => false,
    };
    let wanted: Vec<u64> = (0..length).filter(is_wanted).collect();
    match (wanted.first(), wanted.last()) {
        _ if is_whole => Asked::Whole,
        (Some(first), Some(last)) => Asked::Part(*first, *last),
        (None, _) | (_, None) => Asked::Beyond,
    }
}

/// A number of digits alone, as large as it may be, or none; an error if it is anything else.
fn number(text: &str) -> Result<Option<u64>, char> {
    let mut number = None;
    for digit in text.chars() {
        let digit_value = u64::from(digit.to_digit(10).ok_or(digit)?);
        number = Some(number.unwrap_or(0_u64).saturating_mul(10).saturating_add(digit_value));
    }
    Ok(number)
}
