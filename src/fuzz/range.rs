//! What a `Range` asks for, as RFC 9110 (14.1.2) says it: a second reading, to hold the others against.

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

/// Reads a `Range` for a file of so many bytes.
pub(crate) fn asked(range: &str, length: u64) -> Asked {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(last) || (first.is_empty() && last.is_empty()) {
        return Asked::Whole;
    }
    let end = length.saturating_sub(1);
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => Asked::Whole,
        (Ok(first), _) if first >= length => Asked::Beyond,
        (Ok(first), Ok(last)) => Asked::Part(first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => Asked::Part(first, end),
        (Err(_), Ok(0)) if first.is_empty() => Asked::Beyond,
        (Err(_), Ok(count)) if first.is_empty() && length > 0 => Asked::Part(length.saturating_sub(count), end),
        // No file is as large as the number that does not fit.
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Asked::Whole,
    }
}
