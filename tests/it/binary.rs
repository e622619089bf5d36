//! The real binary: its command line, its signals, and what it leaves behind when it is killed.

mod command_line;
mod compact;
mod crowd;
mod foreign_files;
mod help;
mod history;
mod import;
mod kill;
mod kommo;
mod links;
mod log;
mod machine;
mod memory;
mod own_bridge;
mod parked;
mod paths;
mod private;
pub(crate) mod process;
mod register;
mod restore;
mod secrets;
mod signals;
mod start;
mod stop;
mod systemd;
mod templates;
mod terminal;
