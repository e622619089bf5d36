//! HTTPS by telekommo itself.

use super::*;

fn with(lines: &str) -> Folder {
    Folder::new(&format!("{LEAST}[server.tls]\n{lines}"))
}

#[test]
fn a_certificate_and_its_key_are_files_beside_the_configuration() {
    let folder = with("certificate = \"cert.pem\"\nkey = \"/etc/ssl/key.pem\"\n");
    let tls = folder.load(&[]).unwrap().server.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), (folder.path().join("cert.pem"), "/etc/ssl/key.pem".into()));
    assert_eq!(with("").load(&[]).unwrap().server.tls, None);
    let variable = [("TELEKOMMO_SERVER__TLS__CERTIFICATE", "a.pem"), ("TELEKOMMO_SERVER__TLS__KEY", "a.key")];
    assert_eq!(load(LEAST, &variable).server.tls.map(|tls| tls.key.ends_with("a.key")), Some(true));
}

#[test]
fn half_a_pair_and_strange_keys_are_refused_with_the_remedy() {
    for (lines, says) in [
        (
            "certificate = \"cert.pem\"\n",
            "config.toml: server.tls.certificate: a certificate needs its key: write key, too",
        ),
        ("key = \"key.pem\"\n", "config.toml: server.tls.key: a key needs its certificate: write certificate, too"),
        ("certificate = \"\"\nkey = \"k\"\n", "config.toml: server.tls.certificate: \"\" is not the name of a file"),
        (
            "certifcate = \"a\"\n",
            "config.toml: unknown key server.tls.certifcate: did you mean server.tls.certificate?",
        ),
        ("colour = 5\n", "config.toml: unknown key server.tls.colour: the keys of [server.tls] are certificate, key"),
    ] {
        let said = with(lines).message(&[]);
        assert!(said.starts_with(says), "{said}");
    }
    let said = Folder::new(&least_with("[server]", "[server]\ntls = true")).message(&[]);
    assert_eq!(said, "config.toml: server.tls is a section: write [server.tls] and its keys below");
}

#[test]
fn a_key_that_others_can_read_is_taken_with_a_warning() {
    let folder = with("certificate = \"cert.pem\"\nkey = \"key.pem\"\n");
    folder.write("config.toml", fs::read(folder.path().join("config.toml")).unwrap(), 0o600);
    for (mode, is_told) in [(0o644, true), (0o640, false), (0o600, false)] {
        folder.write("key.pem", "", mode);
        folder.write("cert.pem", "", 0o644);
        let warning = "config.toml: server.tls.key: key.pem can be read by other users of this machine: run chmod 600 \
                       key.pem";
        let told: &[&str] = if is_told { &[warning] } else { &[] };
        assert_eq!(folder.warnings(&[]), told, "{mode:o}");
    }
}
