//! No circle of imports, neither between rooms nor within the relay.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ROOMS,
    source::{Source, within},
    sources,
};

/// Parts of rooms that are rooms of their own: leaves that others build on.
const LEAVES: [&str; 4] = ["kommo::sign", "kommo::wire", "media::link", "telegram::wire"];
/// No part of the program: it reaches into every room.
const FUZZ: &str = "fuzz";

/// Who imports whom.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Each file's node with those that it imports.
fn graph(files: &[Source], node: impl Fn(&str) -> Option<String>) -> Graph {
    let mut graph = Graph::new();
    for file in files {
        let Some(from) = node(&file.module()) else { continue };
        let to = file.paths().into_iter().filter_map(|path| node(&path)).filter(|to| *to != from);
        graph.entry(from.clone()).or_default().extend(to);
    }
    graph
}

/// What is left once whatever imports nothing that is left is taken away, again and again: the circles, and who leads
/// there.
fn circles(mut graph: Graph) -> BTreeSet<String> {
    loop {
        let left: BTreeSet<_> = graph.keys().cloned().collect();
        graph.retain(|_, imported| imported.iter().any(|it| left.contains(it)));
        if graph.len() == left.len() {
            return left;
        }
    }
}

fn room(path: &str) -> Option<String> {
    let rooms = ROOMS.iter().filter(|room| **room != FUZZ);
    LEAVES.iter().chain(rooms).find(|room| within(path, room)).map(ToString::to_string)
}

/// The file of the relay that a path leads to. The relay alone is named where something is visible in it.
fn file_of(files: &[Source], path: &str) -> Option<String> {
    let modules = files.iter().map(Source::module).filter(|module| within(module, "relay") && within(path, module));
    modules.max_by_key(String::len).filter(|module| module != "relay")
}

#[test]
fn no_room_imports_itself_by_way_of_others() {
    assert_eq!(circles(graph(&sources(), room)), BTreeSet::new());
}

#[test]
fn no_file_of_the_relay_imports_itself_by_way_of_others() {
    let files = sources();
    let graph = graph(&files, |path| file_of(&files, path));
    assert!(graph.len() > 30 && graph.values().map(BTreeSet::len).sum::<usize>() > 100, "{graph:?}");
    assert_eq!(circles(graph), BTreeSet::new());
}

#[test]
fn a_circle_is_found_and_a_ladder_is_none() {
    let files = |texts: [(&str, &str); 3]| texts.map(|(file, text)| Source::new(file, text));
    let ladder = files([
        ("relay/a.rs", "use crate::{relay::b, telegram::wire::Update};"),
        ("relay/b.rs", "use crate::relay::c::C; pub(in crate::relay) fn f() {}"),
        ("relay/c.rs", "use crate::telegram::bot::Bot;"),
    ]);
    assert_eq!(circles(graph(&ladder, |path| file_of(&ladder, path))), BTreeSet::new());
    let circle = files([
        ("relay/a.rs", "use crate::relay::b;"),
        ("relay/b.rs", "use crate::relay::c::C;"),
        ("relay/c.rs", "use crate::{kommo::wire::Hook, relay::a};"),
    ]);
    assert_eq!(circles(graph(&circle, |path| file_of(&circle, path))).len(), 3);
    let rooms = files([
        ("kommo/chats.rs", "use crate::kommo::wire::Hook;"),
        ("kommo/wire.rs", "use crate::domain::job::Job;"),
        ("domain/job.rs", "use crate::kommo::chats::Chats;"),
    ]);
    assert_eq!(circles(graph(&rooms, room)), ["domain", "kommo", "kommo::wire"].map(str::to_owned).into());
}
