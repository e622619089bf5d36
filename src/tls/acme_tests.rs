//! When a certificate is ordered.

use super::*;
use crate::config::BaseUrl;

const DAY: Duration = Duration::from_hours(24);
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn attempts(failures: u32, last_at: Option<UnixMillis>) -> Attempts {
    Attempts { failures, last_at, why: None }
}

fn pair() -> Pair {
    let mut params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2027, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 4, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Pair::of(vec![certificate], key.serialize_der().try_into().unwrap()).unwrap()
}

#[test]
fn a_certificate_is_renewed_when_a_third_of_its_lifetime_is_left() {
    let pair = pair();
    assert_eq!(due(Some(&pair), &Attempts::default(), NOW), pair.ends_at().minus(DAY * 30));
    assert!(due(None, &Attempts::default(), NOW) <= NOW, "at once where there is none");
}

#[test]
fn failures_are_retried_after_growing_waits_within_the_limits_of_lets_encrypt() {
    let mut at = NOW;
    let mut orders = vec![at];
    for failures in 1..12 {
        let next = due(None, &attempts(failures, Some(at)), at);
        assert!(next > at);
        orders.push(next);
        at = next;
    }
    let waits: Vec<_> = orders.windows(2).map(|pair| pair[0].until(pair[1])).collect();
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!(waits.last(), Some(&Duration::from_hours(8)));
    for from in &orders {
        let within = orders.iter().filter(|at| **at >= *from && from.until(**at) < Duration::from_hours(1)).count();
        assert!(within <= 5, "{within} within an hour");
    }
    // A failure long before the end does not bring the renewal forward.
    let pair = pair();
    let early = pair.begins_at().plus(DAY);
    assert_eq!(due(Some(&pair), &attempts(1, Some(early)), early), pair.ends_at().minus(DAY * 30));
    // A date in the future does not delay it, and one that seems due at once is not ordered again and again.
    assert!(due(None, &attempts(3, Some(NOW.plus(DAY * 365))), NOW) <= NOW);
    let late = pair.ends_at();
    assert_eq!(due(Some(&pair), &attempts(0, Some(late)), late), late.plus(DAY));
}

#[test]
fn stored_files_are_loaded_again_and_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().unwrap();
    let directory = BaseUrl::parse("https://acme.test/directory").unwrap();
    let acme = Acme { host: "a.test".to_owned(), email: None, directory };
    let storage = Storage::open(home.path(), &acme).unwrap();
    assert!(storage.pair().unwrap().is_none() && storage.account::<String>().unwrap().is_none());
    assert_eq!(storage.attempts(), Attempts::default());
    storage.save_account(&"hush").unwrap();
    storage.save_attempts(&attempts(3, Some(NOW))).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
    let text = format!("{}{}", key.serialize_pem(), params.self_signed(&key).unwrap().pem());
    assert_eq!(storage.save_pair(&text).unwrap().names(), ["a.test"]);

    let other_key = rcgen::KeyPair::generate().unwrap();
    let foreign = text.replace(&key.serialize_pem(), &other_key.serialize_pem());
    for useless in ["", "hush", &key.serialize_pem(), &foreign] {
        let why = storage.save_pair(useless).unwrap_err();
        assert!(why.contains("cannot be used") && !why.contains("hush") && !why.contains("BEGIN"), "{why}");
    }

    let storage = Storage::open(home.path(), &acme).unwrap();
    assert_eq!((storage.account().unwrap(), storage.attempts()), (Some("hush".to_owned()), attempts(3, Some(NOW))));
    assert_eq!(storage.pair().unwrap().unwrap().names(), ["a.test"]);
    let elsewhere = BaseUrl::parse("https://other.test/directory").unwrap();
    let other = Storage::open(home.path(), &Acme { directory: elsewhere, ..acme.clone() }).unwrap();
    assert_eq!(other.account::<String>().unwrap(), None, "an account is that of one directory");
    assert!(other.pair().unwrap().is_none() && other.attempts() == Attempts::default(), "and so is all else");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = home.path().join("acme/acme.test_directory");
    assert_eq!(mode(&dir), 0o700);
    for name in ["account.json", "a.test.tries.json", "a.test.pem"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    std::fs::write(dir.join("account.json"), "hush").unwrap();
    let why = storage.account::<String>().unwrap_err();
    assert!(why.contains("remove it to get another") && !why.contains("hush"), "{why}");
    std::fs::write(dir.join("a.test.pem"), "hush").unwrap();
    let why = storage.pair().unwrap_err();
    assert!(why.contains("remove it to get another") && !why.contains("hush"), "{why}");
}
