//! telekommo connects Telegram bots to Kommo (formerly amoCRM): customers write to a bot, managers answer in the CRM.
//!
//! Three truths decide the design:
//!
//! 1. Kommo sends each hook once and never again.
//! 2. Telegram forgets an update when the next poll confirms it.
//! 3. People forgive slow messages, but not lost ones, doubled ones, or ones that went to the wrong customer.
//!
//! So nothing is acknowledged before it is on the disk, and everything that can fail happens behind a durable queue.
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
//! - [`docs::architecture`] follows a message both ways, and says where to look for what.
//! - [`docs::decisions`] says why it is built like this, [`docs::glossary`] what the words mean, [`docs::recipes`] how
//!   to add or change something.
//! - [`docs`] has the manual for users, too.
//!
//! # Modules, in reading order
//!
//! | Module | What it is | Imports |
//! |---|---|---|
//! | [`words`] | what managers and customers read, in four languages | nothing |
//! | [`domain`] | what the words of the bridge mean | [`words`] |
//! | [`translate`] | wire formats to the domain and back, pure | [`domain`], [`words`], both `wire` modules, [`media::link`] |
//! | [`telegram`], [`kommo`] | the two remotes | [`domain`], [`net`], [`words`]; never each other |
//! | [`media`] | customers' files: signed links, and what serves them | [`domain`], [`metrics`], [`telegram`] |
//! | [`store`] | the durable queue, links between ids, dumps; alone knows sled | [`domain`], [`files`] |
//! | [`trace`] | what became of each message, hop by hop, apart from the store | [`domain`], [`store`] |
//! | [`intake`] | polls Telegram, takes Kommo's hooks, pushes what comes in | all of the above |
//! | [`relay`] | claims a job, takes its step, settles it | all of the above |
//! | [`tls`] | the certificate of a listener that speaks HTTPS by itself | [`config`], [`metrics`], [`net`] |
//! | [`serve`] | the HTTP listeners | [`intake`], [`media`], [`tls`] |
//! | [`gateway`] | the Bot API for the owner's own programs, which share a bot with Kommo | [`serve`], [`store`], [`telegram`], [`translate`] |
//! | [`alerts`] | what is wrong right now, and whom it is told | [`config`], [`metrics`], [`store`], [`telegram`] |
//! | [`admin`] | the operator's side within the daemon: the admin listener, set-up in Kommo, upkeep, the log | the bridge |
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

// What goes to a terminal goes through `cli::terminal`, which knows what to do if nobody reads it.
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
