//! Parsers of settings.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use reqwest::Url;

use crate::{
    config::{AskPhone, BaseUrl, Groups, WhenUncertain, error::Wrong},
    domain::phone::Country,
    net::Proxy,
    words::Language,
};

/// An address to bind.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new("is not an address to listen on: write an IP address and a port, such as \"127.0.0.1:8080\"")
    })
}

/// A display name: not empty, and in one line.
pub(super) fn line(text: &str) -> Result<String, Wrong> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err(Wrong::new("is not a name: write a word or a few, in one line"));
    }
    Ok(text.to_owned())
}

pub(super) fn folder(text: &str) -> Result<PathBuf, Wrong> {
    if text.is_empty() { Err(Wrong::new("is not a folder: write a path, such as \"data\"")) } else { Ok(text.into()) }
}

/// The name of a file, whether or not it exists.
pub(super) fn file_name(text: &str) -> Result<PathBuf, Wrong> {
    if text.is_empty() { Err(Wrong::new("is not the name of a file: write a path")) } else { Ok(text.into()) }
}

pub(super) fn flag(text: &str) -> Result<bool, Wrong> {
    text.parse().map_err(|_| Wrong::new("is neither true nor false: write one of them"))
}

pub(super) fn switch(text: &str) -> Result<bool, Wrong> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Wrong::new("is neither \"on\" nor \"off\": write one of them")),
    }
}

/// A language of the catalogue.
pub(super) fn language(text: &str) -> Result<Language, Wrong> {
    let exact = Language::of_code(text).filter(|language| language.code() == text);
    exact.ok_or_else(|| Wrong::new("is none of \"en\", \"es\", \"pt\" and \"ru\": write one of them"))
}

/// Whether customers are asked for their phone number.
pub(super) fn ask_phone(text: &str) -> Result<AskPhone, Wrong> {
    match text {
        "on_start" => Ok(AskPhone::OnStart),
        "never" => Ok(AskPhone::Never),
        _ => Err(Wrong::new("is neither \"never\" nor \"on_start\": write one of them")),
    }
}

/// A country with phone numbers.
pub(super) fn country(text: &str) -> Result<Country, Wrong> {
    Country::parse(text).ok_or_else(|| Wrong::new("is not a country: write its code of two letters, such as \"BR\""))
}

/// Display names, at least one.
pub(super) fn names(text: &str) -> Result<Vec<String>, Wrong> {
    text.split(',')
        .map(|name| line(name.trim()))
        .collect::<Result<_, _>>()
        .map_err(|_| Wrong::new("is not a list of names: write a word or a few for each, with commas between"))
}

/// Whether a name is safe everywhere: in links, messages and headers.
pub(super) fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=WORD_CHARS).contains(&text.len()) && text.bytes().all(fits)
}

/// The name of a campaign, which is part of its links.
pub(super) fn campaign(text: &str) -> Result<String, Wrong> {
    if !is_word(text) {
        return Err(Wrong::new("is not the name of a campaign: write 1 to 32 of A-Z, a-z, 0-9, _ and -"));
    }
    Ok(text.to_owned())
}

/// The longest such name.
const WORD_CHARS: usize = 32;

/// The code of a channel.
pub(super) fn origin_code(text: &str) -> Result<String, Wrong> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::new("is not a channel's code: write it as the support did, such as \"amo.ext.12345\""));
    }
    Ok(text.to_owned())
}

pub(super) fn groups(text: &str) -> Result<Groups, Wrong> {
    match text {
        "ignore" => Ok(Groups::Ignore),
        "relay" => Ok(Groups::Relay),
        _ => Err(Wrong::new("is neither \"ignore\" nor \"relay\": write one of them")),
    }
}

/// The proxy to one side.
pub(super) fn proxy(text: &str) -> Result<Proxy, Wrong> {
    Proxy::parse(text).map_err(|error| Wrong::new(error.to_string()))
}

/// A count of at least one.
pub(super) fn count(text: &str) -> Result<NonZeroU32, Wrong> {
    text.parse().map_err(|_| Wrong::new("is not a count: write a whole number above 0"))
}

pub(super) fn when_uncertain(text: &str) -> Result<WhenUncertain, Wrong> {
    match text {
        "report" => Ok(WhenUncertain::Report),
        "repeat" => Ok(WhenUncertain::Repeat),
        _ => Err(Wrong::new("is not a way to treat an answer that may have been sent: write report or repeat")),
    }
}

/// A size in mebibytes, as bytes.
pub(super) fn mebibytes(text: &str) -> Result<u64, Wrong> {
    let size: NonZeroU32 =
        text.parse().map_err(|_| Wrong::new("is not a size: write a whole number of megabytes above 0"))?;
    Ok(u64::from(size.get()) * 1024 * 1024)
}

/// A list of hosts, which may be empty.
pub(super) fn hosts(text: &str) -> Result<Vec<String>, Wrong> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(host).collect()
}

fn host(text: &str) -> Result<String, Wrong> {
    let url = Url::parse(&format!("https://{text}/")).ok();
    let host =
        url.filter(|url| url.as_str().strip_prefix("https://") == url.host_str().map(|it| format!("{it}/")).as_deref());
    host.and_then(|url| url.host_str().map(str::to_owned)).filter(|host| !host.contains('*')).ok_or_else(|| {
        Wrong::new("is not a list of hosts: write names or IP addresses alone, such as \"files.example.com\"")
    })
}

/// The name of one host, not an IP address.
pub(super) fn host_name(text: &str) -> Result<String, Wrong> {
    let wrong = || Wrong::new("is not the name of a host: write it alone, such as \"hooks.example.com\"");
    let name = host(text).map_err(|_| wrong())?;
    let is_name = name.contains('.') && name.parse::<IpAddr>().is_err() && !name.starts_with('[');
    if is_name { Ok(name) } else { Err(wrong()) }
}

/// An email address.
pub(super) fn email(text: &str) -> Result<String, Wrong> {
    let address = text.parse::<lettre::Address>();
    address
        .map(|_| text.to_owned())
        .map_err(|_| Wrong::new("is not an address for mail: write one such as \"me@example.com\""))
}

/// The URL of an ACME directory, which has to be HTTPS.
pub(super) fn directory(text: &str) -> Result<BaseUrl, Wrong> {
    BaseUrl::parse(text)
        .ok()
        .filter(|url| url.url().scheme() == "https")
        .ok_or_else(|| Wrong::new("is not the address of a directory: write one that begins with https://"))
}

/// A list of IP addresses and networks, which may be empty. A network of all addresses is refused.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, Wrong> {
    let network = |item: &str| item.parse().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from));
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let read = |item| network(item).filter(|network| network.prefix_len() > 0);
    let networks: Vec<IpNet> = items.map(read).collect::<Option<_>>().ok_or_else(|| {
        Wrong::new(
            "is not a list of addresses: write IP addresses and networks alone, such as \"127.0.0.1\", \"10.0.0.0/8\"",
        )
    })?;
    networks.iter().try_for_each(|network| {
        let is_mapped = matches!(network, IpNet::V6(network) if network.addr().to_ipv4_mapped().is_some());
        if is_mapped {
            return Err(Wrong::new("has an IPv4 network in the form of IPv6: write \"10.0.0.0/8\""));
        }
        if network.addr() == network.network() {
            return Ok(());
        }
        let whole = network.trunc();
        Err(Wrong::new(format!("names a network by an address within it: write \"{whole}\" for the whole network")))
    })?;
    Ok(networks)
}

/// The id of a pipeline.
pub(super) fn pipeline(text: &str) -> Result<u64, Wrong> {
    text.parse().map_err(|_| Wrong::new("is not a pipeline: write its number, such as 123"))
}

/// Parses a duration above zero.
///
/// # Errors
/// If it is none, has no unit, or is too long to be counted in nanoseconds.
pub fn duration(text: &str) -> Result<Duration, Wrong> {
    humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero()).ok_or_else(|| {
        Wrong::new("is not a duration: write a number above 0 and a unit, such as \"20s\", \"5m\" or \"1h\"")
    })
}

/// How long something is kept; zero for not at all.
pub(super) fn keep(text: &str) -> Result<Duration, Wrong> {
    humantime::parse_duration(text).map_err(|_| {
        Wrong::new("is not a duration: write a number and a unit, such as \"7d\", or \"0s\" to keep nothing")
    })
}

/// The range that Telegram accepts (Bot API, getUpdates).
const POLL_SECONDS: RangeInclusive<u64> = 1..=50;

/// The timeout of a long poll.
pub(super) fn poll_timeout(text: &str) -> Result<Duration, Wrong> {
    duration(text)
        .ok()
        .filter(|wait| wait.subsec_nanos() == 0 && POLL_SECONDS.contains(&wait.as_secs()))
        .ok_or_else(|| Wrong::new("is not a time to poll: write whole seconds, from \"1s\" to \"50s\""))
}

/// The longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_hours(6);

/// A wait between two attempts.
pub(super) fn wait(text: &str) -> Result<Duration, Wrong> {
    duration(text)
        .ok()
        .filter(|wait| *wait <= MAX_WAIT)
        .ok_or_else(|| Wrong::new("is not a wait: write a duration above 0 and up to \"6h\", such as \"1m\""))
}

/// A list of waits, at least one.
pub(super) fn waits(text: &str) -> Result<Vec<Duration>, Wrong> {
    text.split(',').map(|item| wait(item.trim())).collect::<Result<_, _>>().map_err(|_| {
        Wrong::new(
            "is not a list of waits: write at least one duration above 0 and up to \"6h\", such as \"1s\", \"5m\"",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_above_zero_and_has_a_unit() {
        for (text, seconds) in [("20s", 20), ("5m", 300), ("1h 30m", 5400), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "20", "0s", "-5s", "soon", "5 parsecs", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_poll_waits_whole_seconds_up_to_fifty() {
        assert_eq!(poll_timeout("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(poll_timeout("50s"), Ok(Duration::from_secs(50)));
        for bad in ["51s", "1500ms", "999ms", "0s", "1m"] {
            assert!(poll_timeout(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_are_names_alone() {
        assert_eq!(hosts(""), Ok(vec![]));
        let list = ["files.example.com", "10.0.0.1", "[::1]"];
        assert_eq!(hosts("Files.example.com, 10.0.0.1, [::1]"), Ok(list.map(str::to_owned).to_vec()));
        for bad in ["https://a.com", "a.com/x", "a.com:8080", "*.a.com", "u@a.com", "a b", "?"] {
            assert!(hosts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_are_addresses_with_or_without_a_length() {
        let list = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8", "::1/128"].map(|network| network.parse().unwrap());
        assert_eq!(networks(" 127.0.0.1, 10.0.0.0/8,fd00::/8, ::1"), Ok(list.to_vec()));
        assert_eq!(networks(""), Ok(vec![]));
        for bad in
            ["localhost", "10.0.0.1:80", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.0/", "10.0.0.*", "[::1]", "all"]
        {
            assert!(networks(bad).is_err(), "{bad}");
        }
        // What would match nobody, or others than it seems to.
        for (bad, expected) in [
            ("::ffff:10.0.0.0/104", "has an IPv4 network in the form of IPv6"),
            ("::1, ::ffff:127.0.0.1", "has an IPv4 network in the form of IPv6"),
            ("10.1.2.3/8", "names a network by an address within it: write \"10.0.0.0/8\" for the whole network"),
            ("fd00::1/8", "write \"fd00::/8\""),
        ] {
            let message = networks(bad).unwrap_err().to_string();
            assert!(message.contains(expected), "{bad}: {message}");
        }
    }

    #[test]
    fn waits_are_at_least_one_and_all_good() {
        assert_eq!(waits("1s, 5m"), Ok(vec![Duration::from_secs(1), Duration::from_mins(5)]));
        for bad in ["", ",", "1s,", "1s 5m, soon", "0s"] {
            assert!(waits(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_switch_is_on_or_off_and_a_code_is_no_number() {
        assert_eq!((switch("on"), switch("off")), (Ok(true), Ok(false)));
        assert_eq!(origin_code("amo.ext.12345"), Ok("amo.ext.12345".to_owned()));
        assert!(["true", "ON", ""].iter().all(|text| switch(text).is_err()));
        assert!(["", "12345", "amo ext"].iter().all(|text| origin_code(text).is_err()));
    }

    #[test]
    fn sizes_become_bytes_and_counts_are_above_zero() {
        assert_eq!(mebibytes("32"), Ok(33_554_432));
        for bad in ["0", "-1", "1.5", "", "lots", "4294967296"] {
            assert!(mebibytes(bad).is_err() && count(bad).is_err(), "{bad}");
        }
    }
}
