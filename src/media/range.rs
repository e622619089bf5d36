//! Reads the `Range` header (RFC 9110, 14.1.2).

use axum::http::HeaderValue;

/// The requested bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    All,
    /// From the first to the last, both included.
    Some(u64, u64),
    /// Not satisfiable.
    Beyond,
}

/// The bytes that a `Range` requests. Several ranges, or an invalid one, select the whole file (RFC 9110).
pub(crate) fn requested(range: Option<&HeaderValue>, length: u64) -> Bytes {
    let range_text = range.and_then(|value| value.to_str().ok()?.trim().strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = range_text.map(|(first, last)| (first.trim(), last.trim())) else { return Bytes::All };
    // `parse` would accept a sign.
    if ![first, last].iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
        return Bytes::All;
    }
    // No file is as large as a number that overflows.
    let number = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX));
    let end = length.saturating_sub(1);
    match (number(first), number(last)) {
        (None, None) => Bytes::All,
        (Some(first), Some(last)) if last < first => Bytes::All,
        (Some(first), _) if first >= length => Bytes::Beyond,
        (Some(first), last) => Bytes::Some(first, last.map_or(end, |last| last.min(end))),
        (None, Some(0)) => Bytes::Beyond,
        (None, Some(_)) if length == 0 => Bytes::All,
        (None, Some(count)) => Bytes::Some(length.saturating_sub(count), end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_by_the_standard() {
        for (range, want) in [
            ("bytes=0-1", Bytes::Some(0, 1)),
            ("bytes=2-", Bytes::Some(2, 9)),
            ("bytes=2-99", Bytes::Some(2, 9)),
            ("bytes=-3", Bytes::Some(7, 9)),
            ("bytes=-99", Bytes::Some(0, 9)),
            ("bytes=2-99999999999999999999", Bytes::Some(2, 9)),
            ("bytes=-99999999999999999999", Bytes::Some(0, 9)),
            ("bytes=99999999999999999999-", Bytes::Beyond),
            ("bytes=10-", Bytes::Beyond),
            ("bytes=-0", Bytes::Beyond),
            ("bytes=5-2", Bytes::All),
            ("bytes=12-11", Bytes::All),
            ("bytes=0-1,4-5", Bytes::All),
            ("lines=1-2", Bytes::All),
            ("bytes=x", Bytes::All),
            ("bytes=+2-5", Bytes::All),
            ("bytes=-+3", Bytes::All),
            ("bytes=10-x", Bytes::All),
            (" bytes= 2 - 5 ", Bytes::Some(2, 5)),
        ] {
            assert_eq!(requested(Some(&HeaderValue::from_static(range)), 10), want, "{range}");
        }
        assert_eq!(requested(None, 10), Bytes::All);
    }
}
