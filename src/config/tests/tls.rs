//! HTTPS by telekommo itself.

use super::*;

fn with(lines: &str) -> Folder {
    Folder::new(&format!("{LEAST}[server.tls]\n{lines}"))
}

#[test]
fn a_certificate_and_its_key_are_files_beside_the_configuration() {
    let folder = with("certificate = \"cert.pem\"\nkey = \"/etc/ssl/key.pem\"\n");
    let files = PairFiles { certificate: folder.path().join("cert.pem"), key: "/etc/ssl/key.pem".into() };
    assert_eq!(folder.load(&[]).unwrap().server.tls, Some(ServerTls::Files(files)));
    assert_eq!(with("").load(&[]).unwrap().server.tls, None);
    let variable = [("TELEKOMMO_SERVER__TLS__CERTIFICATE", "a.pem"), ("TELEKOMMO_SERVER__TLS__KEY", "a.key")];
    assert!(matches!(load(LEAST, &variable).server.tls, Some(ServerTls::Files(files)) if files.key.ends_with("a.key")));
}

#[test]
fn acme_is_one_line() {
    let Some(ServerTls::Acme(acme)) = with("acme = \"Hooks.example.com\"\n").load(&[]).unwrap().server.tls else {
        panic!("it is acme")
    };
    assert_eq!((acme.host.as_str(), acme.email), ("hooks.example.com", None));
    assert_eq!(acme.directory.as_str(), "https://acme-v02.api.letsencrypt.org/directory");
    for (lines, expected) in [
        ("acme = \"10.0.0.1\"\n", "server.tls.acme: \"10.0.0.1\" is not the name of a host: write it alone, such as"),
        ("acme = \"https://a.example.com\"\n", "server.tls.acme: \"https://a.example.com\" is not the name of a host"),
        ("acme = \"*.example.com\"\n", "server.tls.acme: \"*.example.com\" is not the name of a host"),
        ("acme = \"bridge\"\n", "server.tls.acme: \"bridge\" is not the name of a host"),
        ("acme = \"a.test\"\nkey = \"k\"\n", "server.tls.acme: certificate or key is given as well: keep either acme"),
        ("acme_email = \"me@a.test\"\n", "server.tls.acme_email: it is for acme alone: write acme, the host of"),
        ("acme = \"a.test\"\nacme_email = \"me\"\n", "server.tls.acme_email: \"me\" is not an address for mail"),
        (
            "acme = \"a.test\"\nacme_directory = \"http://a.test/\"\n",
            "server.tls.acme_directory: \"http://a.test/\" is not the address of a directory: write one that begins",
        ),
    ] {
        let message = with(lines).message(&[]);
        assert!(message.starts_with(&format!("config.toml: {expected}")), "{message}");
    }
}

#[test]
fn half_a_pair_and_strange_keys_are_refused_with_the_remedy() {
    for (lines, expected) in [
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
        (
            "colour = 5\n",
            "config.toml: unknown key server.tls.colour: the keys of [server.tls] are certificate, key, acme",
        ),
    ] {
        let message = with(lines).message(&[]);
        assert!(message.starts_with(expected), "{message}");
    }
    let message = Folder::new(&least_with("[server]", "[server]\ntls = true")).message(&[]);
    assert_eq!(message, "config.toml: server.tls is a section: write [server.tls] and its keys below");
}

#[test]
fn a_key_that_others_can_read_is_taken_with_a_warning() {
    let folder = with("certificate = \"cert.pem\"\nkey = \"key.pem\"\n");
    folder.write("config.toml", fs::read(folder.path().join("config.toml")).unwrap(), 0o600);
    for (mode, is_warned) in [(0o644, true), (0o640, false), (0o600, false)] {
        folder.write("key.pem", "", mode);
        folder.write("cert.pem", "", 0o644);
        let warning = "config.toml: server.tls.key: key.pem can be read by other users of this machine: run chmod 600 \
                       key.pem";
        let warnings: &[&str] = if is_warned { &[warning] } else { &[] };
        assert_eq!(folder.warnings(&[]), warnings, "{mode:o}");
    }
}
