//! The manual, and what contributors should know. `telekommo help TOPIC` prints a chapter.
//!
//! A chapter names others like `[operate]`, and defines the link targets at its end. The link targets defined here
//! override those at the end of each chapter, so in this documentation such names lead to modules, and to files of the
//! repository.

#![expect(clippy::doc_markdown, reason = "chapters are for operators: a name like BotFather is no code there")]

/// Declares a module for each chapter, and the list of them.
macro_rules! chapters {
    ($($name:ident: $about:literal,)+) => {
        /// All chapters, in reading order.
        pub const CHAPTERS: &[Chapter] = &[$(Chapter {
            name: stringify!($name),
            about: $about,
            text: include_str!(concat!("docs/", stringify!($name), ".md")),
        }),+];
        $(
            #[doc = concat!(
                "[architecture]: crate::docs::architecture\n[benchmarks]: crate::docs::benchmarks\n",
                "[configure]: crate::docs::configure\n[connect]: crate::docs::connect\n",
                "[customers]: crate::docs::customers\n[decisions]: crate::docs::decisions\n[examples]: crate::docs::examples\n[history]: crate::docs::history\n",
                "[install]: crate::docs::install\n[limits]: crate::docs::limits\n[operate]: crate::docs::operate\n[programs]: crate::docs::programs\n",
                "[troubleshoot]: crate::docs::troubleshoot\n",
                "[container]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/systemd/Containerfile\n",
                "[credentials]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/systemd/credentials.conf\n",
                "[example]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/config.toml.example\n",
                "[security]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/.github/SECURITY.md\n",
                "[unit]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/systemd/telekommo.service\n",
            )]
            #[doc = include_str!(concat!("docs/", stringify!($name), ".md"))]
            pub mod $name {}
        )+
    };
}

#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// The topic by which a user asks for it.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    /// Its text in Markdown.
    pub text: &'static str,
}

chapters! {
    install: "the program, the package, the sandbox, containers",
    connect: "from the program to the first message",
    configure: "files, environment, secrets, proxies, groups, own chats",
    customers: "links, campaigns, phone numbers, contacts, forgetting a customer",
    history: "importing old chats, reading a conversation",
    templates: "chat templates from a file",
    programs: "your own bot program on the same bot",
    examples: "a shop, bookings and a menu beside Kommo",
    operate: "checks, alerts, metrics, updates, outages, parked messages, backup",
    troubleshoot: "what is wrong, and what to do",
    limits: "what is relayed and what is not, sizes, rates, open questions",
    glossary: "the words",
    architecture: "how a message travels, and where to look in the code",
    decisions: "why it is built like this",
    recipes: "how to add or change something",
    proof: "what the tests have shown, and what is open",
    benchmarks: "how fast it is, what it takes, and why",
    dependencies: "what each dependency is for",
}
