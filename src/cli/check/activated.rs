//! Listeners that systemd keeps for a service: whoever connects to one starts it, which no check may do.
//!
//! The kernel tells who has made a listener, and to root which processes have it. One that systemd keeps is root's, and
//! nobody but the first process has it until the service runs.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

/// The state of a socket that listens.
const LISTENS: &str = "0A";
/// The process that starts all others.
const FIRST: u32 = 1;

/// Whether somebody may be started by a connection to an address.
pub(super) async fn is_kept(address: SocketAddr) -> bool {
    spawn_blocking(move || look(address).unwrap_or(false)).await.unwrap_or(false)
}

fn look(address: SocketAddr) -> io::Result<bool> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|file| fs::read_to_string(file).unwrap_or_default());
    let Some(listener) = tables.iter().find_map(|table| listener(table, address)) else { return Ok(false) };
    Ok(listener.user == 0 && holders(listener.inode)?.into_iter().all(|process| process == FIRST))
}

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listener {
    /// Who has made it.
    user: u32,
    inode: u64,
}

/// The listener at an address, in a table of the kernel's.
fn listener(table: &str, address: SocketAddr) -> Option<Listener> {
    table.lines().skip(1).find_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, local, _, LISTENS, _, _, _, user, _, inode, ..] = words.as_slice() else { return None };
        let (ip, port) = local.split_once(':')?;
        let (ip, port) = (ip_of(ip)?, u16::from_str_radix(port, 16).ok()?);
        let is_it = ip.to_canonical() == address.ip() || ip.is_unspecified() || address.ip().is_unspecified();
        let found = Listener { user: user.parse().ok()?, inode: inode.parse().ok()? };
        (is_it && port == address.port()).then_some(found)
    })
}

/// Words of 32 bits, each as this machine keeps it.
fn ip_of(hex: &str) -> Option<IpAddr> {
    let words = (0..hex.len() / 8).map(|at| u32::from_str_radix(hex.get(8 * at..8 * at + 8)?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<_>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

/// The processes that have a socket, as far as this user may know.
fn holders(inode: u64) -> io::Result<Vec<u32>> {
    let processes = fs::read_dir("/proc")?.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))
    });
    Ok(processes.filter(|(_, folder)| has(folder, inode)).map(|(process, _)| process).collect())
}

fn has(process: &Path, inode: u64) -> bool {
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().filter_map(Result::ok);
    let is_it = |to: PathBuf| to.to_str() == Some(&format!("socket:[{inode}]"));
    files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(is_it))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21337 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 21338 1 0 100 0 0 10 0
   2: 00000000:1F92 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 21339 1 0 100 0 0 10 0
";

    #[test]
    fn a_listener_is_found_by_its_address() {
        for (address, found) in [
            ("127.0.0.1:8080", Some((0, 21337))),
            ("0.0.0.0:8080", Some((0, 21337))),
            ("10.0.0.1:8080", None),
            ("127.0.0.1:8081", None),
            ("10.0.0.1:8082", Some((990, 21339))),
        ] {
            let want = found.map(|(user, inode)| Listener { user, inode });
            assert_eq!(listener(TABLE, address.parse().unwrap()), want, "{address}");
        }
    }

    #[test]
    fn whoever_has_a_listener_is_seen() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(ours) = TcpListener::bind(address) else { continue };
            let at = ours.local_addr().unwrap();
            let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|file| fs::read_to_string(file).unwrap_or_default());
            let found = tables.iter().find_map(|table| listener(table, at)).unwrap();
            assert!(holders(found.inode).unwrap().contains(&std::process::id()));
            assert!(!look(at).unwrap(), "it is not the first process that has it");
        }
    }
}
