//! A second implementation of `Range` (RFC 9110, 14.1.2), which decides byte by byte. The bridge and the sandbox are
//! compared with it.

/// The requested bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requested {
    /// The whole file: the range is invalid, or has several parts.
    Whole,
    /// These bytes, both included.
    Part(u64, u64),
    /// Not satisfiable.
    Beyond,
}

/// Decides for each byte of a short file whether it is requested.
pub(crate) fn requested(range: &str, length: u64) -> Requested {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Requested::Whole;
    };
    let (Ok(first), Ok(last)) = (number(first.trim()), number(last.trim())) else { return Requested::Whole };
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
        _ if is_whole => Requested::Whole,
        (Some(first), Some(last)) => Requested::Part(*first, *last),
        (None, _) | (_, None) => Requested::Beyond,
    }
}

/// A number of digits, which saturates, or none; an error for any other text.
fn number(text: &str) -> Result<Option<u64>, char> {
    let mut number = None;
    for digit in text.chars() {
        let digit_value = u64::from(digit.to_digit(10).ok_or(digit)?);
        number = Some(number.unwrap_or(0_u64).saturating_mul(10).saturating_add(digit_value));
    }
    Ok(number)
}
