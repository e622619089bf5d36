//! The archive of the widget. It shows nothing: Kommo offers the sources of an integration only if it has a widget that
//! says `lead_sources` ("Widget archive structure", "Sources").

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::cli::register::logo;

/// The pictures: name, width and height in pixels. None may be larger than 300 KB.
const PICTURES: [(&str, u32, u32); 6] = [
    ("logo_main", 400, 272),
    ("logo_medium", 240, 84),
    ("logo_dp", 174, 109),
    ("logo", 130, 100),
    ("logo_small", 108, 108),
    ("logo_min", 84, 84),
];

/// The languages: code, what the widget is in a few words, and in a sentence.
const WORDS: [(&str, &str, &str); 4] = [
    ("en", "Telegram bots in Kommo", "Customers write to your Telegram bots, and you answer in Kommo."),
    ("es", "Bots de Telegram en Kommo", "Los clientes escriben a sus bots de Telegram y usted responde en Kommo."),
    ("pt", "Bots do Telegram no Kommo", "Os clientes escrevem para os seus bots do Telegram e você responde no Kommo."),
    ("ru", "Боты Telegram в Kommo", "Клиенты пишут вашим ботам в Telegram, а вы отвечаете в Kommo."),
];

/// All callbacks that Kommo calls. Each agrees and does nothing.
const SCRIPT: &str = "define([], function () {
  'use strict';

  // The bridge works on its own; this widget only makes its sources known.
  return function () {
    var agree = function () {
      return true;
    };
    this.callbacks = {
      render: agree,
      init: agree,
      bind_actions: agree,
      settings: agree,
      onSave: agree,
      onInstall: agree,
      onAddAsSource: agree,
      destroy: agree
    };
    return this;
  };
});
";

/// The archive, with addresses under which people find help.
///
/// # Errors
/// If it cannot be written, which is a mistake in here.
pub(super) fn archive(link: &str, email: &str) -> anyhow::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: String, bytes: &[u8]| -> anyhow::Result<()> {
        archive.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored))?;
        Ok(archive.write_all(bytes)?)
    };
    add("manifest.json".to_owned(), &text(&manifest(link, email)))?;
    add("script.js".to_owned(), SCRIPT.as_bytes())?;
    for (language, short, sentence) in WORDS {
        let words = json!({
            "widget": { "name": "telekommo", "short_description": short, "description": sentence },
            "settings": {},
        });
        add(format!("i18n/{language}.json"), &text(&words))?;
    }
    for (name, width, height) in PICTURES {
        add(format!("images/{name}.png"), &logo::png(width, height)?)?;
    }
    Ok(archive.finish()?.into_inner())
}

fn manifest(link: &str, email: &str) -> Value {
    json!({
        "widget": {
            "name": "widget.name",
            "description": "widget.description",
            "short_description": "widget.short_description",
            "version": "1.0.0",
            "interface_version": 2,
            "init_once": false,
            "locale": WORDS.map(|(language, ..)| language),
            "installation": true,
            "support": { "link": link, "email": email },
        },
        "locations": ["lead_sources", "settings"],
        "settings": {},
    })
}

fn text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
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
        let archive = archive("https://example.com", "ops@example.com").unwrap();
        let manifest: Value = serde_json::from_slice(&file(&archive, "manifest.json")).unwrap();
        assert!(manifest["locations"].as_array().unwrap().contains(&json!("lead_sources")));
        for language in ["en", "es", "pt", "ru"] {
            let words: Value = serde_json::from_slice(&file(&archive, &format!("i18n/{language}.json"))).unwrap();
            for name in ["name", "description", "short_description"] {
                assert!(words["widget"][name].is_string(), "{language} {name}");
            }
        }
        for (name, width, height) in PICTURES {
            let picture = file(&archive, &format!("images/{name}.png"));
            assert!(picture.len() <= 300 * 1024, "{name}");
            let reader = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
            assert_eq!((reader.info().width, reader.info().height), (width, height), "{name}");
        }
    }
}
