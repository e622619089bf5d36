//! What is neither a text nor a file: places and people.

use crate::domain::{message::Content, work::Method};

/// What stands above buttons that have no text of their own.
pub(super) const POINTER: &str = "👇";

/// The call that shows a place or somebody's card; `None` for anything else.
pub(super) fn of(content: &Content, reply_to: Option<i64>) -> Option<Method> {
    match content {
        Content::Location { latitude, longitude, .. } => Some(Method::SendLocation {
            latitude_microdegrees: microdegrees(*latitude),
            longitude_microdegrees: microdegrees(*longitude),
            reply_to,
        }),
        Content::Contact { name, phone, .. } => {
            Some(Method::SendContact { phone: phone.clone(), name: name.clone(), reply_to })
        }
        Content::Text(_) | Content::Media(_) | Content::Unknown { .. } => None,
    }
}

/// Eleven centimetres are near enough, and a whole number reads back as it was written.
fn microdegrees(degrees: f64) -> i64 {
    format!("{:.0}", degrees * 1e6).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_rounded_to_a_millionth_of_a_degree() {
        for (degrees, want) in [(48.856_614_2, 48_856_614), (-2.352_2, -2_352_200), (0.0, 0), (-0.000_000_1, 0)] {
            assert_eq!(microdegrees(degrees), want, "{degrees}");
        }
    }
}
