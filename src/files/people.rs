//! The users and groups of this machine, from its own two files. Those that only a directory service knows are shown as
//! numbers.

use std::{collections::BTreeSet, fs};

/// The lines of `/etc/passwd` or `/etc/group`, split into fields.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

/// A user for display, such as `telekommo (uid 998)`.
#[must_use]
pub fn user(uid: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name(&known, uid).map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

/// The ids of the user with this name, and of the user's group, if `/etc/passwd` has one.
#[must_use]
pub fn ids_of(name: &str) -> Option<(u32, u32)> {
    ids_in(&fs::read_to_string("/etc/passwd").unwrap_or_default(), name)
}

fn ids_in(text: &str, name: &str) -> Option<(u32, u32)> {
    let fields = lines(text).find(|fields| fields.first() == Some(&name))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// The name in the line whose third field is this id.
fn name(text: &str, number: u32) -> Option<String> {
    let number = number.to_string();
    lines(text)
        .find(|fields| fields.get(2) == Some(&number.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
}

/// A group for display, such as `staff (gid 50)`.
pub(super) fn group(gid: u32) -> String {
    let known = fs::read_to_string("/etc/group").unwrap_or_default();
    name(&known, gid).map_or_else(|| format!("gid {gid}"), |name| format!("{name} (gid {gid})"))
}

/// Whether a group has members besides root and the user `me`. Run by root, a group with one member counts as that
/// user's own: the service runs as that user.
pub(super) fn is_shared(gid: u32, me: u32) -> bool {
    let [users, groups] = ["/etc/passwd", "/etc/group"].map(|file| fs::read_to_string(file).unwrap_or_default());
    has_others(gid, me, &users, &groups)
}

fn has_others(gid: u32, me: u32, users: &str, groups: &str) -> bool {
    let (gid, me) = (gid.to_string(), me.to_string());
    let is_other = |fields: &[&str]| !matches!(fields.get(2), Some(uid) if *uid == me || *uid == "0");
    let mine = lines(users).filter(|fields| fields.get(3) == Some(&gid.as_str()) && is_other(fields));
    let mine = mine.filter_map(|fields| fields.first().map(|name| (*name).to_owned()));
    let member = |name: &str| lines(users).find(|fields| fields.first() == Some(&name));
    let members = lines(groups).filter(|fields| fields.get(2) == Some(&gid.as_str())).flat_map(|fields| {
        fields
            .get(3)
            .copied()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
    });
    // A member that `/etc/passwd` does not know counts as another.
    let named = members.filter(|name| member(name).is_none_or(|fields| is_other(&fields))).map(str::to_owned);
    let others: BTreeSet<_> = mine.chain(named).collect();
    others.len() > usize::from(me == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\ntelekommo:x:998:998::/:/bin/false\n\
                         anna:x:1000:1000::/:/bin/sh\nben:x:1001:100::/:/bin/sh\n";
    const GROUPS: &str = "root:x:0:\ntelekommo:x:998:\nanna:x:1000:\nusers:x:100:\nstaff:x:50:anna,telekommo\n\
                          own:x:51:telekommo,root\nfar:x:52:somebody\n";

    #[test]
    fn a_group_is_shared_if_another_person_is_in_it() {
        for (gid, shared, why) in [
            (998, false, "one's own"),
            (0, false, "root's"),
            (1000, true, "another's"),
            (100, true, "the first group of another"),
            (50, true, "another is a member"),
            (51, false, "root and we are members"),
            (52, true, "somebody whom no file knows is a member"),
            (2000, false, "a number that nobody has, as Kubernetes gives"),
        ] {
            assert_eq!(has_others(gid, 998, USERS, GROUPS), shared, "{why}");
        }
    }

    #[test]
    fn to_root_the_group_of_one_user_is_that_users_own() {
        for (gid, shared) in [(998, false), (1000, false), (100, false), (50, true), (51, false), (0, false)] {
            assert_eq!(has_others(gid, 0, USERS, GROUPS), shared, "{gid}");
        }
    }

    #[test]
    fn users_are_shown_by_name() {
        assert_eq!(name(USERS, 998).as_deref(), Some("telekommo"));
        assert_eq!(name(USERS, 2000), None);
        assert_eq!((ids_in(USERS, "ben"), ids_in(USERS, "nobody")), (Some((1001, 100)), None));
        assert_eq!(user(4_000_000), "uid 4000000");
        assert_eq!(user(0), "root (uid 0)");
    }
}
