//! Links lead to their files until they expire, and cannot be forged.

use proptest::prelude::*;

use super::*;
use crate::domain::message::MediaKind;

const MADE_AT: UnixMillis = UnixMillis(1_786_017_600_000);

fn links() -> Links {
    Links {
        key: LinkKey::derive("0123456789abcdef0123456789abcdef01234567"),
        public_url: Url::parse("https://bridge.example.com/telegram").unwrap(),
        valid_for: Duration::from_hours(24),
    }
}

fn media(file_name: &str) -> Media {
    Media {
        kind: MediaKind::File,
        file_id: "BQACAgIAAxkBAAM".to_owned(),
        file_name: file_name.to_owned(),
        mime_type: Some("application/pdf".to_owned()),
        size_bytes: Some(1234),
        duration_seconds: None,
        caption: None,
    }
}

fn at_telegram(target: Target) -> Linked {
    match target {
        Target::AtTelegram(linked) => linked,
        Target::Imported(file) => panic!("{file:?}"),
    }
}

fn sales() -> SourceId {
    SourceId::parse("sales: east").unwrap()
}

fn path_of(link: &str) -> String {
    link.strip_prefix("https://bridge.example.com/telegram").expect("under the public address").to_owned()
}

#[test]
fn a_link_leads_to_its_file_until_it_expires() {
    let links = links();
    let path = path_of(&links.made_at(MADE_AT).to(&sales(), &media("Договор 📄.pdf")));
    assert!(path.ends_with("/%D0%94%D0%BE%D0%B3%D0%BE%D0%B2%D0%BE%D1%80%20%F0%9F%93%84.pdf"), "{path}");
    let last = MADE_AT.plus(Duration::from_hours(24) - Duration::from_secs(1));
    let linked = at_telegram(links.key.open(&path, last).unwrap());
    assert_eq!((linked.source, linked.file_id.as_str()), (sales(), "BQACAgIAAxkBAAM"));
    assert_eq!((linked.file_name.as_str(), linked.size_bytes), ("Договор 📄.pdf", Some(1234)));
    assert_eq!(links.key.open(&path, MADE_AT.plus(Duration::from_hours(24))), Err(BadLink));
}

#[test]
fn a_link_to_an_imported_file_is_of_its_own_kind_and_expires_too() {
    let (links, until) = (links(), MADE_AT.plus(Duration::from_hours(24)));
    let file = ImportedFile {
        path: "1-2/7/5.jpg".to_owned(),
        file_name: "a.jpg".to_owned(),
        mime_type: None,
        expires_at_seconds: until.seconds(),
    };
    let path =
        path_of(&links.made_at(MADE_AT).to_imported(&ImportedFile { expires_at_seconds: i64::MAX, ..file.clone() }));
    assert_eq!(links.key.open(&path, MADE_AT), Ok(Target::Imported(file)));
    assert_eq!(links.key.open(&path, until), Err(BadLink));
}

#[test]
fn a_link_of_another_channel_leads_nowhere() {
    let path = path_of(&links().made_at(MADE_AT).to(&sales(), &media("a.pdf")));
    assert_eq!(LinkKey::derive("another").open(&path, MADE_AT), Err(BadLink));
    // The key is derived: a signature made with the channel secret itself, as hooks have, opens nothing.
    let payload = path.split(['/', '.']).nth(2).unwrap();
    let secret = keyed(b"0123456789abcdef0123456789abcdef01234567");
    let signature = BASE64.encode(secret.chain_update(payload).finalize().into_bytes());
    assert_eq!(links().key.open(&format!("/media/{payload}.{signature}/a.pdf"), MADE_AT), Err(BadLink));
}

#[test]
fn repeated_slashes_and_another_name_at_the_end_do_no_harm() {
    let path = path_of(&links().made_at(MADE_AT).to(&sales(), &media("a.pdf")));
    for same in [path.replace('/', "//"), path.replace("a.pdf", "b.exe"), path.replace("/a.pdf", "")] {
        assert_eq!(at_telegram(links().key.open(&same, MADE_AT).unwrap()).file_name, "a.pdf", "{same}");
    }
}

#[test]
fn invalid_paths_lead_nowhere() {
    for path in ["", "/media", "/media/", "/media/.", "/media/e30./x", "/media/e30.AAAA/x", "/media/ü.ü/x"] {
        assert_eq!(links().key.open(path, MADE_AT), Err(BadLink), "{path}");
    }
}

proptest! {
    #[test]
    fn no_character_of_a_link_can_be_changed(at in 0_usize..1000, to in "[A-Za-z0-9_.-]") {
        let path = path_of(&links().made_at(MADE_AT).to(&sales(), &media("a.pdf")));
        let sealed = path.split('/').nth(2).unwrap();
        let at = at % sealed.len();
        prop_assume!(sealed[at..=at] != *to);
        let changed = format!("/media/{}{to}{}/a.pdf", &sealed[..at], &sealed[at + 1..]);
        prop_assert_eq!(links().key.open(&changed, MADE_AT), Err(BadLink));
    }

    #[test]
    fn any_name_makes_a_link(name in "\\PC{1,60}") {
        let links = links();
        let path = path_of(&links.made_at(MADE_AT).to(&sales(), &media(&name)));
        prop_assert_eq!(at_telegram(links.key.open(&path, MADE_AT).unwrap()).file_name, name);
    }
}
