//! telekommo connects Telegram bots to Kommo (formerly amoCRM): customers write to a bot, managers answer in the CRM.
//! Three facts decide the design:
//!
//! 1. Kommo sends each hook once and never again.
//! 2. Telegram forgets an update when the next poll confirms it.
//! 3. People forgive slow messages, but not lost, duplicate or misdirected ones.
//!
//! So nothing is acknowledged before it is on disk, and everything that can fail happens behind a durable queue.
//!
//! ```text
//!             getUpdates                          new_message
//!  Telegram ──────────────▶  ■ store ─▶ relay ──────────────▶  Kommo
//!  (bots)   ◀──────────────  relay ◀─ ■ store ◀──────────────  (Chats API)
//!             sendMessage                           hook        ▲
//!                               └── delivery status ────────────┘
//! ```
//!
//! ■ is a commit that survives a crash and a power cut. A lane is the queue of one conversation on one route: its
//! jobs run one after the other, and lanes run side by side.
//!
//! # Documents
//!
//! - [`docs::architecture`] follows a message both ways, and says what is where.
//! - [`docs::decisions`] gives the reasons, [`docs::glossary`] the terms, and [`docs::recipes`] the steps of common
//!   changes.
//! - [`docs`] also has the user manual.
//!
//! # Modules, in reading order
//!
//! | Module | What it is | Imports |
//! |---|---|---|
//! | [`words`] | texts for managers and customers, in four languages | nothing |
//! | [`domain`] | the types of the bridge | [`words`] |
//! | [`translate`] | pure conversion between wire formats and the domain | [`domain`], [`words`], both `wire` modules, [`media::link`] |
//! | [`telegram`], [`kommo`] | the two remotes | [`domain`], [`net`], [`words`]; never each other |
//! | [`media`] | customers' files: signed links, and their server | [`domain`], [`metrics`], [`telegram`] |
//! | [`store`] | the durable queue, links between ids, dumps; the only module that uses sled | [`domain`], [`files`] |
//! | [`trace`] | the history of each message, hop by hop, apart from the store | [`domain`], [`store`] |
//! | [`intake`] | polls Telegram, receives Kommo's hooks, pushes jobs | all of the above |
//! | [`relay`] | claims jobs, executes them, settles them | all of the above |
//! | [`tls`] | the certificate of a listener with HTTPS | [`config`], [`metrics`], [`net`] |
//! | [`serve`] | the HTTP listeners | [`intake`], [`media`], [`tls`] |
//! | [`gateway`] | the Bot API for the owner's own programs, which share a bot with Kommo | [`serve`], [`store`], [`telegram`], [`translate`] |
//! | [`alerts`] | current problems, and alerts about them | [`config`], [`metrics`], [`store`], [`telegram`] |
//! | [`admin`] | the operator's side of the daemon: the admin listener, set-up in Kommo, upkeep, the log | the bridge |
//! | [`app`], [`lifecycle`], [`config`] | composition, start and stop, configuration | |
//! | [`cli`] | the operator's commands, each a process of its own | [`admin`], [`app`] |
//! | [`sandbox`] | a fake Telegram, a fake Kommo, and a page that shows both | [`app`], [`cli`] |
//!
//! [`breaker`], [`clock`], [`files`], [`invite`], [`lenient`], [`metrics`], [`net`] and [`rate_limit`] are small
//! modules that several others use. There are no import cycles, if both `wire` modules, `kommo::sign` and
//! [`media::link`] count as modules of their own. The bridge never imports [`admin`], [`alerts`], [`cli`] or
//! [`sandbox`]; of the daemon, only [`app`], which puts all of it together, imports [`admin`]. No file names both a
//! Telegram wire type and a Kommo one: the domain is where both sides meet. `tests/it/layers.rs` enforces these rules.
//! The fuzz targets check every parser of outside input.
//!
//! # Tests
//!
//! Unit tests are beside what they test. `tests/it` has the integration tests, which run the bridge against [`sandbox`]
//! (its `harness`), and `tests/chaos` plays the real program in trouble. [`docs::recipes`] says how to run one of them.

// Terminal output goes through `cli::terminal`, which handles closed pipes.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod admin;
pub mod alerts;
pub mod app;
pub mod breaker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod docs;
pub mod domain;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod gateway;
pub mod intake;
pub mod invite;
pub mod kommo;
pub mod lenient;
pub mod lifecycle;
pub mod media;
pub mod metrics;
pub mod net;
pub mod rate_limit;
pub mod relay;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod serve;
pub mod store;
pub mod telegram;
pub mod tls;
pub mod trace;
pub mod translate;
pub mod words;
