//! Alert targets: valid and refused ones.

use super::*;

/// Keys below a target of alerts, and what is wrong with them.
#[test]
fn targets_of_alerts_have_what_their_kind_needs_and_nothing_else() {
    let of = |keys: &str| Folder::new(&format!("{LEAST}\n[alert_targets.ops]\n{keys}\n")).message(&[]);
    for (keys, expected) in [
        ("chat = 5", "kind is missing"),
        ("kind = \"sms\"", "write telegram, webhook, ntfy or email"),
        ("kind = \"telegram\"\nsource = \"sales\"", "chat is missing: a target of the kind telegram needs it"),
        ("kind = \"telegram\"\nchat = 5", "write the source whose bot is to write, or token"),
        ("kind = \"telegram\"\nchat = 5\nsource = \"other\"", "is none of the sources"),
        ("kind = \"telegram\"\nchat = 5\nsource = \"sales\"\ntoken = \"1:hush\"", "keep one of the two"),
        ("kind = \"telegram\"\nchat = 5\ntoken = \"hush\"", "the value is not a bot token"),
        ("kind = \"webhook\"", "url is missing"),
        ("kind = \"webhook\"\nurl = \"hush\"", "the value is not an address"),
        ("kind = \"webhook\"\nurl = \"https://hush:hush@acme.test\"", "the value has a user or a password"),
        ("kind = \"ntfy\"\nurl = \"https://ntfy.test/hush\"\nchat = 5", "is not for a target of the kind ntfy"),
        ("kind = \"email\"\nhost = \"a.test\"\nfrom = \"a@a.test\"", "to is missing"),
        ("kind = \"email\"\nhost = \"a.test\"\nto = \"a@a.test\"", "from is missing"),
        ("kind = \"email\"\nhost = \"a.test:465\"", "is not a host"),
        ("kind = \"email\"\nfrom = \"nobody\"", "is not an address of mail"),
        ("kind = \"email\"\nto = [\"a@a.test\", \"b\"]", "is not an address of mail"),
        (
            "kind = \"email\"\nhost = \"a.test\"\nfrom = \"a@a.test\"\nto = \"a@a.test\"\nuser = \"a\"",
            "password is missing",
        ),
        (
            "kind = \"email\"\nhost = \"a.test\"\nfrom = \"a@a.test\"\nto = \"a@a.test\"\nuser = \"a\"\npassword = \
\"hush\"\ntls = \"none\"",
            "would send the password as it is",
        ),
    ] {
        let message = of(keys);
        assert!(message.contains(expected) && message.contains("alert_targets.ops"), "{keys}: {message}");
        assert!(!message.contains("hush"), "{message}");
    }
    let named = format!("{LEAST}\n[alert_targets.\"a b\"]\nkind = \"webhook\"\nurl = \"https://acme.test\"\n");
    assert!(Folder::new(&named).message(&[]).contains("write 1 to 32 of"));
    for (line, expected) in [
        ("daily_at = \"25:00\"", "is not a time of day"),
        ("failed_percent = 0", "is not a share in percent"),
        ("after = \"0s\"", "is not a duration"),
    ] {
        let message = Folder::new(&format!("{LEAST}\n[alerts]\n{line}\n")).message(&[]);
        assert!(message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn each_kind_of_target_is_read() {
    let config = load(
        &format!(
            "{LEAST}
[alert_targets.me]
kind = \"telegram\"
chat = -100123
source = \"sales\"
[alert_targets.hook]
kind = \"webhook\"
url = \"https://hooks.acme.test/T0/B0?x=hush\"
token = \"hush\"
[alert_targets.mail]
kind = \"email\"
host = \"mail.acme.test\"
tls = \"starttls\"
user = \"bridge\"
password = \"open hush\"
from = \"telekommo <bridge@acme.test>\"
to = [\"a@acme.test\", \"Bea <b@acme.test>\"]
[alerts]
daily_at = \"never\"
heartbeat_url = \"https://hc.test/hush\"
"
        ),
        &[],
    );
    let alerts = config.alerts;
    assert!(!format!("{alerts:?}").contains("hush"), "{alerts:?}");
    assert!(alerts.daily_at.is_none() && alerts.heartbeat.is_some());
    let AlertTarget::Telegram { chat: -100_123, bot: AlertBot::Source(source) } = &alerts.targets["me"] else {
        panic!("{alerts:?}")
    };
    assert_eq!(source.as_str(), "sales");
    let AlertTarget::Webhook(hook) = &alerts.targets["hook"] else { panic!("{alerts:?}") };
    assert_eq!(hook.url.expose().as_str(), "https://hooks.acme.test/T0/B0?x=hush");
    let AlertTarget::Email(mail) = &alerts.targets["mail"] else { panic!("{alerts:?}") };
    assert_eq!((mail.tls, mail.port, mail.to.len()), (MailTls::StartTls, None, 2));
    assert_eq!(
        mail.login.as_ref().map(|(user, password)| (user.as_str(), password.expose())),
        Some(("bridge", "open hush"))
    );
}
