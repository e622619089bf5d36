//! The manual, and what contributors should know. `telekommo help TOPIC` prints a chapter.
//!
//! A chapter names others like `[operate]`, and says at its end where they are. What stands here in front of each
//! chapter comes first, so in this documentation such names lead to modules instead of files.

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
                "[configure]: crate::docs::configure\n[connect]: crate::docs::connect\n[customers]: crate::docs::customers\n",
                "[decisions]: crate::docs::decisions\n[history]: crate::docs::history\n[limits]: crate::docs::limits\n",
                "[operate]: crate::docs::operate\n[troubleshoot]: crate::docs::troubleshoot\n",
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
    install: "the program, the sandbox, the service, containers",
    connect: "channel, bot, token, web server",
    configure: "files, environment, secrets, proxies, groups, people's chats",
    customers: "links, campaigns, phone numbers, contacts, forgetting somebody",
    history: "importing old chats, reading a conversation",
    templates: "chat templates from a file",
    operate: "checks, metrics, outages, parked messages, backup, a full disk",
    troubleshoot: "what is wrong, and what to do",
    limits: "what crosses and what does not, sizes, rates, open questions",
    glossary: "the words",
    architecture: "how a message travels, and where to look in the code",
    decisions: "why it is built like this",
    recipes: "how to add or change something",
    dependencies: "what each dependency is for",
}
