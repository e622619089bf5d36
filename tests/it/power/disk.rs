//! A disk that keeps what was synced, and of the rest what it likes.
//!
//! Bytes that were not synced can be there, or not, or in part, each write by itself. Names that were not synced are
//! kept up to one of them, since every file system of today writes them to its journal in order.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::trace::Op;

const CREATE: u64 = 0o100;
const EMPTY: u64 = 0o1000;
const ROOT: usize = 0;
/// The least that a disk writes as a whole.
const SECTOR: usize = 512;

/// What a cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cut {
    /// Nothing.
    AllLost,
    /// Everything: the process alone has died.
    AllKept,
    /// Some writes, and the first names.
    SomeKept,
    /// The same, but each write may end in the middle.
    Torn,
    /// The files have their lengths, and zeros instead of what was written.
    Zeros,
}

pub(super) const CUTS: [Cut; 5] = [Cut::AllLost, Cut::SomeKept, Cut::Torn, Cut::Zeros, Cut::AllKept];

type Folder = BTreeMap<String, usize>;

enum Node {
    File { synced: Vec<u8>, pending: Vec<Change> },
    Folder,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

enum Naming {
    Set { folder: usize, name: String, node: usize },
    Unset { folder: usize, name: String },
    Move { from: (usize, String), to: (usize, String) },
}

impl Naming {
    fn touches(&self, it: usize) -> bool {
        match self {
            Self::Set { folder, .. } | Self::Unset { folder, .. } => *folder == it,
            Self::Move { from, to } => from.0 == it || to.0 == it,
        }
    }

    fn apply(&self, folders: &mut HashMap<usize, Folder>) {
        match self {
            Self::Set { folder, name, node } => {
                folders.entry(*folder).or_default().insert(name.clone(), *node);
            }
            Self::Unset { folder, name } => {
                folders.entry(*folder).or_default().remove(name);
            }
            Self::Move { from, to } => {
                if let Some(node) = folders.entry(from.0).or_default().remove(&from.1) {
                    folders.entry(to.0).or_default().insert(to.1.clone(), node);
                }
            }
        }
    }
}

/// The disk below one folder.
pub(super) struct Disk {
    root: String,
    nodes: Vec<Node>,
    /// As the process sees it.
    folders: HashMap<usize, Folder>,
    /// All names ever given, in order, and whether that is durable.
    names: Vec<(Naming, bool)>,
    open: HashMap<i32, usize>,
}

impl Disk {
    /// The folder `root` as it is, all of it durable.
    pub(super) fn of(root: &Path) -> Self {
        let (folders, names, open) = (HashMap::new(), Vec::new(), HashMap::new());
        let mut this =
            Self { root: root.to_str().unwrap().to_owned(), nodes: vec![Node::Folder], folders, names, open };
        this.read(root);
        this.names.iter_mut().for_each(|(_, is_durable)| *is_durable = true);
        this
    }

    fn read(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap();
            if path.is_dir() {
                self.make(name, Node::Folder);
                self.read(&path);
            } else {
                self.make(name, Node::File { synced: fs::read(&path).unwrap(), pending: Vec::new() });
            }
        }
    }

    /// Does what the process did.
    pub(super) fn apply(&mut self, op: &Op) {
        match op {
            Op::Open { fd, path, flags } => self.open(*fd, path, *flags),
            Op::Write { fd, offset, bytes } => {
                self.change(*fd, Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            Op::Truncate { fd, length } => self.change(*fd, Change::Length(*length)),
            Op::Sync { fd } => self.sync(*fd),
            Op::Rename { from, to } => {
                let [from, to] = [from, to].map(|path| self.place(path));
                self.name(Naming::Move { from, to });
            }
            Op::Remove { path } => {
                let (folder, name) = self.place(path);
                self.name(Naming::Unset { folder, name });
            }
            Op::MakeFolder { path } => {
                self.make(path, Node::Folder);
            }
        }
    }

    fn place(&self, path: &str) -> (usize, String) {
        let path = path.strip_prefix(&self.root).unwrap().trim_matches('/');
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let steps = folder.split('/').filter(|step| !step.is_empty());
        let folder = steps.fold(ROOT, |at, step| self.folders[&at][step]);
        (folder, name.to_owned())
    }

    fn make(&mut self, path: &str, node: Node) -> usize {
        let (folder, name) = self.place(path);
        self.nodes.push(node);
        let node = self.nodes.len() - 1;
        self.name(Naming::Set { folder, name, node });
        node
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.folders);
        self.names.push((naming, false));
    }

    fn open(&mut self, fd: i32, path: &str, flags: u64) {
        if path == self.root {
            self.open.insert(fd, ROOT);
            return;
        }
        let (folder, name) = self.place(path);
        let known = self.folders.get(&folder).and_then(|names| names.get(&name)).copied();
        let node = match known {
            Some(node) => node,
            None if flags & CREATE != 0 => self.make(path, Node::File { synced: Vec::new(), pending: Vec::new() }),
            None => panic!("{path} was opened, and nobody has made it"),
        };
        self.open.insert(fd, node);
        if flags & EMPTY != 0 && known.is_some() {
            self.change(fd, Change::Length(0));
        }
    }

    fn change(&mut self, fd: i32, change: Change) {
        match &mut self.nodes[self.open[&fd]] {
            Node::File { pending, .. } => pending.push(change),
            Node::Folder => panic!("a folder is written"),
        }
    }

    fn sync(&mut self, fd: i32) {
        let node = self.open[&fd];
        match &mut self.nodes[node] {
            Node::File { synced, pending } => pending.drain(..).for_each(|change| apply(synced, &change)),
            Node::Folder => {
                let touched = self.names.iter_mut().filter(|(naming, _)| naming.touches(node));
                touched.for_each(|(_, is_durable)| *is_durable = true);
            }
        }
    }

    /// Writes into the folder `to` what a cut leaves. The names below are left out.
    pub(super) fn cut(&self, cut: Cut, chance: &mut fastrand::Rng, to: &Path) {
        let last = match cut {
            Cut::AllLost => 0,
            Cut::AllKept => self.names.len(),
            Cut::SomeKept | Cut::Torn | Cut::Zeros => {
                let first = self.names.iter().position(|(_, is_durable)| !is_durable).unwrap_or(self.names.len());
                chance.usize(first..=self.names.len())
            }
        };
        let mut folders = HashMap::new();
        for (at, (naming, is_durable)) in self.names.iter().enumerate() {
            if *is_durable || at < last {
                naming.apply(&mut folders);
            }
        }
        self.write(ROOT, &folders, cut, chance, to);
    }

    fn write(&self, folder: usize, folders: &HashMap<usize, Folder>, cut: Cut, chance: &mut fastrand::Rng, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for (name, node) in folders.get(&folder).into_iter().flatten() {
            let to = to.join(name);
            match &self.nodes[*node] {
                Node::Folder => self.write(*node, folders, cut, chance, &to),
                Node::File { synced, pending } => fs::write(to, left(synced, pending, cut, chance)).unwrap(),
            }
        }
    }
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*offset..end].copy_from_slice(bytes);
        }
        Change::Length(length) => file.resize(*length, 0),
    }
}

fn left(synced: &[u8], pending: &[Change], cut: Cut, chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut file = synced.to_vec();
    for change in pending {
        match cut {
            Cut::AllKept => apply(&mut file, change),
            Cut::SomeKept if chance.bool() => apply(&mut file, change),
            Cut::AllLost | Cut::SomeKept => {}
            Cut::Torn => {
                if let Some(change) = torn(change, chance) {
                    apply(&mut file, &change);
                }
            }
            Cut::Zeros => {
                if let Change::Write { offset, bytes } = change
                    && offset + bytes.len() > file.len()
                {
                    file.resize(offset + bytes.len(), 0);
                }
            }
        }
    }
    file
}

fn torn(change: &Change, chance: &mut fastrand::Rng) -> Option<Change> {
    match change {
        Change::Write { offset, bytes } => {
            let sectors = chance.usize(0..=bytes.len().div_ceil(SECTOR));
            let bytes = bytes[..(sectors * SECTOR).min(bytes.len())].to_vec();
            Some(Change::Write { offset: *offset, bytes })
        }
        Change::Length(length) => chance.bool().then_some(Change::Length(*length)),
    }
}
