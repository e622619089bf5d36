//! Who may talk to this server: the four headers and their signature, checked with code of its own.
//!
//! Chats API reference, "Подпись запросов": HMAC-SHA1 over the method, the three headers and the path, one a line.

use axum::http::{HeaderMap, Method};
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

use crate::domain::time::UnixMillis;

/// How long a signature is good, from its `Date`, either way.
const WINDOW_SECONDS: i64 = 15 * 60;

/// Whether `headers` sign this request with `secret`, at `now`.
pub(super) fn verify(
    secret: &str,
    (method, path, body): (&Method, &str, &[u8]),
    headers: &HeaderMap,
    now: UnixMillis,
) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (digest, kind, date) = (text("content-md5"), text("content-type"), text("date"));
    digest == hex(&Md5::digest(body))
        && kind == "application/json"
        && in_time(date, now)
        && text("x-signature") == sign(secret, lines(method, digest, kind, date, path).as_bytes())
}

fn lines(method: &Method, digest: &str, kind: &str, date: &str, path: &str) -> String {
    [method.as_str(), digest, kind, date, path].join("\n")
}

/// HMAC-SHA1 in lower-case hex. The secret is text: it is not decoded.
pub(super) fn sign(secret: &str, bytes: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(bytes);
    hex(&mac.finalize().into_bytes())
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// RFC 2822 with a numeric zone or `GMT`, not too old and not too early.
fn in_time(date: &str, now: UnixMillis) -> bool {
    let zone = date.rsplit(' ').next().unwrap_or_default();
    let known_zone = zone == "GMT" || zone.starts_with(['+', '-']);
    let at = DateTime::parse_from_rfc2822(date).ok().filter(|_| known_zone);
    at.is_some_and(|at| (at.timestamp() - now.seconds()).abs() <= WINDOW_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e";
    const CHANNEL: &str = "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7";
    const SCOPE: &str = "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";

    const OTHER_SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
    const OTHER_SCOPE: &str =
        "/v2/origin/custom/11111111-2222-4333-8444-555555555555_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    const OTHER_DATE: &str = "Thu, 06 Aug 2026 12:00:00 +0000";

    type Text = &'static str;
    type Example = (Text, Method, String, Text, Text, Text, Option<Text>);

    fn instant(date: &str) -> UnixMillis {
        UnixMillis::from_seconds(DateTime::parse_from_rfc2822(date).unwrap().timestamp())
    }

    fn headers(date: &str, md5: &str, signature: &str) -> HeaderMap {
        let fields =
            [("content-type", "application/json"), ("date", date), ("content-md5", md5), ("x-signature", signature)];
        fields.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// The documentation's seven examples, and one with Cyrillic and an emoji: method, path, date, MD5, signature, and
    /// the body where it is printed byte for byte.
    #[rustfmt::skip]
    fn examples() -> Vec<Example> {
        let connect = r#"{"account_id":"52e591f7-c98f-4255-8495-827210138c81","title":"ChatsIntegration","hook_api_version":"v2"}"#;
        let disconnect = r#"{"account_id":"52e591f7-c98f-4255-8495-827210138c81"}"#;
        let status = r#"{"msgid":"079e44fb-fc22-476b-9e8a-421b688ec53b","delivery_status":2,"error_code":905,"error":"Error text"}"#;
        let typing = r#"{"conversation_id":"my_int-d5a421f7f218","sender":{"id":"my_int-1376265f-86df-4c49-a0c3-a4816df41af8"}}"#;
        vec![
            (SECRET, Method::POST, format!("{CHANNEL}/connect"), "Wed, 15 Dec 2021 23:12:55 +0000",
             "2fbcb3c652b61e24e004daddfc73d0ce", "81211856ce0c5095f3e1a90c0a38dc9d736cfd55", Some(connect)),
            (SECRET, Method::DELETE, format!("{CHANNEL}/disconnect"), "Wed, 15 Dec 2021 23:59:28 +0000",
             "271fa2e4fb0ff84a3ef9689027bd1f38", "e1678e3b6aa674b5127f4feb448e6200ce0bfc72", Some(disconnect)),
            (SECRET, Method::POST, format!("{SCOPE}/079e44fb-fc22-476b-9e8a-421b688ec53b/delivery_status"),
             "Thu, 16 Dec 2021 12:58:40 +0000", "a0bbbac729c6341f0a521e2db7a8a236",
             "ca51f810785031385a801f41103244713c1a2352", Some(status)),
            (SECRET, Method::POST, format!("{SCOPE}/typing"), "Thu, 16 Dec 2021 16:01:21 +0000",
             "255a22566d68be207fa36804e78a523a", "e8263b1daf2b20396c02db6c8c846f95cc0f9540", Some(typing)),
            (SECRET, Method::POST, SCOPE.to_owned(), "Thu, 16 Dec 2021 13:15:29 +0000",
             "223ef85def871bc7cb58aa6f02f0a26e", "29b49e9eaf03f13a66ecaff315f2855b31b25eee", None),
            (SECRET, Method::POST, SCOPE.to_owned(), "Fri, 17 Dec 2021 10:59:28 +0000",
             "353178c993f09a8ec5f3eab4093b753e", "e895539b52051e1a8d3f89d454c7ad7406705234", None),
            (SECRET, Method::POST, format!("{SCOPE}/chats"), "Thu, 16 Dec 2021 23:22:49 +0000",
             "5139e573382c0eae38f476822abb2014", "a601e486d694c8e7e8a5b637660f949f8bb7efaf", None),
            (OTHER_SECRET, Method::POST, OTHER_SCOPE.to_owned(), OTHER_DATE,
             "58e0f7ba10de7b53e5e21d5502557038", "b1b558f489f3af6ead93991b9d7f45883b9dc5ef",
             Some(r#"{"event_type":"new_message","payload":{"timestamp":1786017600,"msec_timestamp":1786017600123,"msgid":"tg:777000111:42","conversation_id":"tg:777000111","sender":{"id":"tg-user:777000111","name":"Тест Client"},"message":{"type":"text","text":"Привет 👋"},"silent":false}}"#)),
            (OTHER_SECRET, Method::GET, format!("{OTHER_SCOPE}/chats/99999999-8888-4777-8666-555555555555/history"), OTHER_DATE,
             "d41d8cd98f00b204e9800998ecf8427e", "bc959ea932f05d88c34b3c65729e9c07924f0571", Some("")),
        ]
    }

    #[test]
    fn agrees_with_every_published_example() {
        let examples = examples();
        assert_eq!(examples.len(), 9);
        for (secret, method, path, date, md5, signature, body) in examples {
            let signed = lines(&method, md5, "application/json", date, &path);
            assert_eq!(sign(secret, signed.as_bytes()), signature, "{path}");
            if let Some(body) = body {
                let headers = headers(date, md5, signature);
                assert!(verify(secret, (&method, &path, body.as_bytes()), &headers, instant(date)), "{path}");
            }
        }
    }

    #[test]
    fn notices_any_change() {
        let (secret, method, path, date, md5, signature, body) = examples().remove(0);
        let (good, now) = (headers(date, md5, signature), instant(date));
        let body = body.unwrap().as_bytes();
        let check = |secret, method: &Method, path: &str, body: &[u8], headers: &HeaderMap| {
            verify(secret, (method, path, body), headers, now)
        };
        assert!(check(secret, &method, &path, body, &good));
        assert!(!check(OTHER_SECRET, &method, &path, body, &good));
        assert!(!check(secret, &Method::PUT, &path, body, &good));
        assert!(!check(secret, &method, &format!("{path}/"), body, &good));
        assert!(!check(secret, &method, &path, &[body, b"\n"].concat(), &good));
        for name in ["content-type", "date", "content-md5", "x-signature"] {
            let mut headers = good.clone();
            headers.remove(name);
            assert!(!check(secret, &method, &path, body, &headers), "without {name}");
        }
    }

    #[test]
    fn the_content_type_is_exact_even_if_signed() {
        let (secret, method, path, date, md5, _, body) = examples().remove(0);
        let kind = "application/json; charset=utf-8";
        let signature = sign(secret, lines(&method, md5, kind, date, &path).as_bytes());
        let mut headers = headers(date, md5, &signature);
        headers.insert("content-type", kind.parse().unwrap());
        assert!(!verify(secret, (&method, &path, body.unwrap().as_bytes()), &headers, instant(date)));
    }

    #[test]
    fn a_date_is_good_for_fifteen_minutes() {
        let date = "Thu, 06 Aug 2026 12:00:00 +0000";
        for (seconds, good) in [(0, true), (900, true), (-900, true), (901, false), (-901, false)] {
            assert_eq!(in_time(date, UnixMillis::from_seconds(instant(date).seconds() + seconds)), good, "{seconds}");
        }
        let now = instant(date);
        for (date, good) in [
            ("Thu, 06 Aug 2026 12:00:00 GMT", true),
            ("Thu, 06 Aug 2026 15:00:00 +0300", true),
            ("Thu, 06 Aug 2026 12:00:00 UT", false),
            ("Thu, 06 Aug 2026 12:00:00", false),
            ("2026-08-06T12:00:00+00:00", false),
            ("", false),
        ] {
            assert_eq!(in_time(date, now), good, "{date}");
        }
    }

    #[test]
    fn signs_a_hook_without_the_newline_at_its_end() {
        let hook = r#"{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","time":1786017601,"message":{"receiver":{"id":"2ed64e26-70a1-4857-8382-bb066a076219","phone":"","email":"","client_id":"tg-user:777000111"},"sender":{"id":"76fc2bea-902f-425c-9a3d-dcdac4766090"},"conversation":{"id":"8e4d4baa-9e6c-4a88-838a-5f62be227bdc","client_id":"tg:777000111"},"timestamp":1786017600,"msec_timestamp":1786017600980,"message":{"id":"0371a0ff-b78a-4c7b-8538-a7d547e10692","type":"text","text":"Hi"}}}"#;
        assert_eq!(sign(OTHER_SECRET, hook.as_bytes()), "231841b7af87d155745f3789b9a8896b953d3085");
    }
}
