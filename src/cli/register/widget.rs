//! The archive of the widget, from the files in `widget/`. It shows nothing: Kommo offers the sources of an integration
//! only if it has a widget that says `lead_sources` ("Widget archive structure", "Sources").

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// The file that says what the widget is. Each operator's has other addresses for help.
const MANIFEST: &str = "manifest.json";

/// Takes files from `widget/`, under the names that they have in the archive.
macro_rules! files {
    ($($name:literal,)+) => { [$(($name, include_bytes!(concat!("widget/", $name)).as_slice())),+] };
}

const FILES: [(&str, &[u8]); 12] = files![
    "manifest.json",
    "script.js",
    "i18n/en.json",
    "i18n/es.json",
    "i18n/pt.json",
    "i18n/ru.json",
    "images/logo.png",
    "images/logo_dp.png",
    "images/logo_main.png",
    "images/logo_medium.png",
    "images/logo_min.png",
    "images/logo_small.png",
];

/// The archive, with addresses under which people find help.
///
/// # Errors
/// If it cannot be written, which is a mistake in here.
pub(super) fn archive(link: &str, email: &str) -> anyhow::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in FILES {
        archive.start_file(name, stored)?;
        if name == MANIFEST {
            archive.write_all(&manifest(bytes, link, email)?)?;
        } else {
            archive.write_all(bytes)?;
        }
    }
    Ok(archive.finish()?.into_inner())
}

fn manifest(bytes: &[u8], link: &str, email: &str) -> anyhow::Result<Vec<u8>> {
    let mut manifest: Value = serde_json::from_slice(bytes)?;
    manifest["widget"]["support"] = json!({ "link": link, "email": email });
    Ok(format!("{manifest:#}\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    fn file(archive: &[u8], name: &str) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_archive_has_what_kommo_asks_for() {
        let archive = archive("https://example.org", "ops@example.org").unwrap();
        let manifest: Value = serde_json::from_slice(&file(&archive, "manifest.json")).unwrap();
        assert!(manifest["locations"].as_array().unwrap().contains(&json!("lead_sources")));
        assert_eq!(manifest["widget"]["support"], json!({ "link": "https://example.org", "email": "ops@example.org" }));
        for language in ["en", "es", "pt", "ru"] {
            let words: Value = serde_json::from_slice(&file(&archive, &format!("i18n/{language}.json"))).unwrap();
            for name in ["name", "description", "short_description"] {
                assert!(words["widget"][name].is_string(), "{language} {name}");
            }
        }
        for (name, width, height) in [
            ("logo_main", 400, 272),
            ("logo_medium", 240, 84),
            ("logo_dp", 174, 109),
            ("logo", 130, 100),
            ("logo_small", 108, 108),
            ("logo_min", 84, 84),
        ] {
            let picture = file(&archive, &format!("images/{name}.png"));
            assert!(picture.len() <= 300 * 1024, "{name} is larger than Kommo allows");
            let reader = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
            assert_eq!((reader.info().width, reader.info().height), (width, height), "{name}");
        }
    }
}
