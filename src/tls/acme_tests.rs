//! When a certificate is asked for.

use super::*;
use crate::config::BaseUrl;

const DAY: Duration = Duration::from_hours(24);
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn tries(failures: u32, tried_at: Option<UnixMillis>) -> Tries {
    Tries { failures, tried_at, why: None }
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
fn a_certificate_is_renewed_when_a_third_of_its_time_is_left() {
    let pair = pair();
    assert_eq!(due(Some(&pair), &Tries::default(), NOW), pair.ends_at().minus(DAY * 30));
    assert!(due(None, &Tries::default(), NOW) <= NOW, "at once where there is none");
}

#[test]
fn failures_are_tried_again_after_growing_waits_and_within_what_lets_encrypt_allows() {
    let mut at = NOW;
    let mut tried = vec![at];
    for failures in 1..12 {
        let next = due(None, &tries(failures, Some(at)), at);
        assert!(next > at);
        tried.push(next);
        at = next;
    }
    let waits: Vec<_> = tried.windows(2).map(|pair| pair[0].until(pair[1])).collect();
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!(waits.last(), Some(&Duration::from_hours(8)));
    for from in &tried {
        let within = tried.iter().filter(|at| **at >= *from && from.until(**at) < Duration::from_hours(1)).count();
        assert!(within <= 5, "{within} within an hour");
    }
    // A failure long before the end does not bring the renewal forward.
    let pair = pair();
    let early = pair.begins_at().plus(DAY);
    assert_eq!(due(Some(&pair), &tries(1, Some(early)), early), pair.ends_at().minus(DAY * 30));
    // Nor does a date of a clock that was ahead put it off, nor is one that seems due at once asked for again and
    // again.
    assert!(due(None, &tries(3, Some(NOW.plus(DAY * 365))), NOW) <= NOW);
    let late = pair.ends_at();
    assert_eq!(due(Some(&pair), &tries(0, Some(late)), late), late.plus(DAY));
}

#[test]
fn what_is_kept_is_there_again_and_nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().unwrap();
    let directory = BaseUrl::parse("https://acme.test/directory").unwrap();
    let acme = Acme { host: "a.test".to_owned(), email: None, directory };
    let shelf = Shelf::open(home.path(), &acme).unwrap();
    assert!(shelf.pair().unwrap().is_none() && shelf.account::<String>().unwrap().is_none());
    assert_eq!(shelf.tries(), Tries::default());
    shelf.keep_account(&"hush").unwrap();
    shelf.keep_tries(&tries(3, Some(NOW))).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
    let text = format!("{}{}", key.serialize_pem(), params.self_signed(&key).unwrap().pem());
    assert_eq!(shelf.keep_pair(&text).unwrap().names(), ["a.test"]);

    let other_key = rcgen::KeyPair::generate().unwrap();
    let foreign = text.replace(&key.serialize_pem(), &other_key.serialize_pem());
    for useless in ["", "hush", &key.serialize_pem(), &foreign] {
        let why = shelf.keep_pair(useless).unwrap_err();
        assert!(why.contains("cannot be used") && !why.contains("hush") && !why.contains("BEGIN"), "{why}");
    }

    let shelf = Shelf::open(home.path(), &acme).unwrap();
    assert_eq!((shelf.account().unwrap(), shelf.tries()), (Some("hush".to_owned()), tries(3, Some(NOW))));
    assert_eq!(shelf.pair().unwrap().unwrap().names(), ["a.test"]);
    let elsewhere = BaseUrl::parse("https://other.test/directory").unwrap();
    let other = Shelf::open(home.path(), &Acme { directory: elsewhere, ..acme.clone() }).unwrap();
    assert_eq!(other.account::<String>().unwrap(), None, "an account is that of one directory");
    assert!(other.pair().unwrap().is_none() && other.tries() == Tries::default(), "and so is all else");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = home.path().join("acme/acme.test_directory");
    assert_eq!(mode(&dir), 0o700);
    for name in ["account.json", "a.test.tries.json", "a.test.pem"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    std::fs::write(dir.join("account.json"), "hush").unwrap();
    let why = shelf.account::<String>().unwrap_err();
    assert!(why.contains("remove it to get another") && !why.contains("hush"), "{why}");
    std::fs::write(dir.join("a.test.pem"), "hush").unwrap();
    let why = shelf.pair().unwrap_err();
    assert!(why.contains("remove it to get another") && !why.contains("hush"), "{why}");
}
