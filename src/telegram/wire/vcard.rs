//! vCards (RFC 6350, and versions 2.1 and 3.0): reads phone numbers and e-mail addresses, and writes cards.

/// How many phone numbers and how many addresses of a card are read.
const MAX_CONTACTS: usize = 20;
/// The largest vCard that a bot may send (`sendContact`).
const MAX_BYTES: usize = 2048;

/// The phone numbers and e-mail addresses of a card, as written there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VcardContacts {
    pub phones: Vec<String>,
    pub emails: Vec<String>,
}

/// Reads a card. Unknown parts are skipped.
#[must_use]
pub fn read(card: &str) -> VcardContacts {
    let mut contacts = VcardContacts::default();
    for (name, value) in unfolded(card).iter().filter_map(|line| property(line)) {
        let list = match name.as_str() {
            "TEL" if value.contains(|sign: char| sign.is_numeric()) => &mut contacts.phones,
            "EMAIL" if value.contains('@') => &mut contacts.emails,
            _ => continue,
        };
        if list.len() < MAX_CONTACTS && !list.contains(&value) {
            list.push(value);
        }
    }
    contacts
}

/// Writes a card with a name and phone numbers; `None` if it would be too large.
#[must_use]
pub fn write<'p>(name: &str, phones: impl IntoIterator<Item = &'p str>) -> Option<String> {
    let name = escaped(name);
    let mut lines =
        vec!["BEGIN:VCARD".to_owned(), "VERSION:3.0".to_owned(), format!("N:;{name};;;"), format!("FN:{name}")];
    lines.extend(phones.into_iter().map(|phone| format!("TEL;TYPE=CELL:{}", escaped(phone))));
    lines.push("END:VCARD\r\n".to_owned());
    Some(lines.join("\r\n")).filter(|card| card.len() <= MAX_BYTES)
}

/// The lines of a card. A line that begins with a blank continues the one before it.
fn unfolded(card: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in card.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            (Some(_), None) | (None, _) => lines.push(line.to_owned()),
        }
    }
    lines
}

/// The name of a line's property, without its group and parameters, and its value, without the scheme of an address.
fn property(line: &str) -> Option<(String, String)> {
    let (head, value) = line.split_once(':')?;
    let name = head.split(';').next()?.rsplit('.').next()?.trim().to_ascii_uppercase();
    let value = value.trim().replace('\\', "");
    let schemes = ["uri:", "tel:", "mailto:"];
    let bare = schemes.iter().fold(value.as_str(), |value, scheme| value.strip_prefix(scheme).unwrap_or(value));
    Some((name, bare.to_owned()))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for sign in text.chars() {
        match sign {
            '\\' | ',' | ';' => escaped.extend(['\\', sign]),
            '\r' | '\n' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_and_addresses_of_every_version_are_read() {
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Doe;Ann;;;\r\nitem1.TEL;type=CELL;type=pref:+49 151 77000111\r\n\
                    TEL;HOME:030 12\r\n 3456\r\nTEL;VALUE=uri:tel:+1-202-555-0100\r\ntel:+49 151 77000111\r\nTEL:\r\n\
                    EMAIL;TYPE=INTERNET:ann@example.com\r\nEMAIL:nobody\r\nNOTE:call 5\r\nEND:VCARD\r\n";
        let phones = ["+49 151 77000111", "030 123456", "+1-202-555-0100"];
        let want =
            VcardContacts { phones: phones.map(str::to_owned).to_vec(), emails: vec!["ann@example.com".to_owned()] };
        assert_eq!(read(card), want);
        for nothing in ["", "BEGIN:VCARD\nEND:VCARD", " TEL", ":", "TEL"] {
            assert_eq!(read(nothing), VcardContacts::default(), "{nothing:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let card = write("Ann, Bob; & Co", ["+49 151 77000111", "030 123456"]).unwrap();
        assert_eq!(read(&card).phones, ["+49 151 77000111", "030 123456"]);
        assert!(card.contains("\r\nFN:Ann\\, Bob\\; & Co\r\n"), "{card}");
        assert_eq!(read(&write("x\r\nTEL:1", ["+1 202"]).unwrap()).phones, ["+1 202"], "a name adds no number");
        assert_eq!(write(&"x".repeat(2000), ["1"]), None);
    }
}
