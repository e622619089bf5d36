//! Locations and contacts.

use crate::domain::{crm::digits, job::Method, message::Content};

/// The text above buttons without a text of their own.
pub(super) const POINTER: &str = "👇";

/// The minimum of digits of a phone number in a list of several.
const MIN_DIGITS: usize = 5;

/// The call for a location or a contact; `None` for anything else.
pub(super) fn of(content: &Content, reply_to: Option<i64>) -> Option<Method> {
    match content {
        Content::Location { latitude, longitude, .. } => Some(Method::SendLocation {
            latitude_microdegrees: microdegrees(*latitude),
            longitude_microdegrees: microdegrees(*longitude),
            reply_to,
        }),
        Content::Contact { name, phone, .. } => {
            let mut numbers = numbers(phone);
            let name = if name == phone { numbers[0].clone() } else { name.clone() };
            Some(Method::SendContact { phone: numbers.remove(0), name, more: numbers, reply_to })
        }
        Content::Text(_) | Content::Media(_) | Content::Unknown { .. } => None,
    }
}

/// The numbers of a contact, at least one. Several may be in one line. An extension is no number.
fn numbers(phone: &str) -> Vec<String> {
    let parts = phone.split([',', ';', '/', '\n']).map(str::trim);
    let numbers: Vec<_> = parts.filter(|part| digits(part).len() >= MIN_DIGITS).map(str::to_owned).collect();
    if numbers.len() > 1 { numbers } else { vec![phone.to_owned()] }
}

/// Microdegrees: precise to eleven centimetres, and an integer survives a round trip through JSON.
fn microdegrees(degrees: f64) -> i64 {
    format!("{:.0}", degrees * 1e6).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_can_have_several_numbers() {
        for (phone, want) in [
            ("+49 151 1, 030 123456", &["+49 151 1", "030 123456"][..]),
            ("8 999 111-00-02; 8 999 111-00-03/89991110004", &["8 999 111-00-02", "8 999 111-00-03", "89991110004"]),
            ("+7 999 111-00-02;ext=12", &["+7 999 111-00-02;ext=12"]),
            ("+7 999 111-00-02, 12", &["+7 999 111-00-02, 12"]),
            ("call me", &["call me"]),
        ] {
            assert_eq!(numbers(phone), want, "{phone}");
        }
    }

    #[test]
    fn a_coordinate_is_rounded_to_microdegrees() {
        for (degrees, want) in [(48.856_614_2, 48_856_614), (-2.352_2, -2_352_200), (0.0, 0), (-0.000_000_1, 0)] {
            assert_eq!(microdegrees(degrees), want, "{degrees}");
        }
    }
}
