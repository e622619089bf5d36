//! The bots: each token is tried at Telegram at once.

use crate::{
    cli::{
        check,
        init::{
            draft::Draft,
            prompt::{Prompt, Question},
        },
    },
    config::BotToken,
    domain::address::SourceId,
};

const ABOUT: &str = "Make a bot in Telegram: write /newbot to @BotFather. It asks for a name and gives you a token. A \
    bot that another program or Kommo's own Telegram channel uses has to be disconnected there first.";

const SOURCE: Question = Question {
    key: "the name of a section of bots",
    text: "A short name for this bot, in small letters",
    default: Some("sales"),
    check: |text| SourceId::parse(text).map(|source| source.to_string()).map_err(|wrong| wrong.to_string()),
};
const TOKEN: Question = Question {
    key: "the token of a bot",
    text: "The bot's token, from @BotFather",
    default: None,
    check: |text| BotToken::parse(text).map(|token| token.expose().to_owned()).map_err(|wrong| wrong.to_string()),
};
const NAME: Question = Question {
    key: "the name of a bot",
    text: "What managers call it in Kommo",
    default: Some("Telegram"),
    check: |text| if text.is_empty() { Err("write a name".to_owned()) } else { Ok(text.to_owned()) },
};

/// Tries the bots that are there, and asks for more.
///
/// # Errors
/// If the input ends, or an answer of a file does not work.
pub(super) async fn set_up(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<()> {
    prompt.begin("1. The bots", ABOUT);
    for source in draft.sources() {
        set_up_one(draft, prompt, &source).await?;
    }
    if let Some(answers) = prompt.answers() {
        let known = draft.sources();
        for name in answers.bots.keys() {
            let source = SourceId::parse(name).map_err(|wrong| anyhow::anyhow!("bots.{name}: {wrong}"))?;
            if !known.contains(&source) {
                set_up_one(draft, prompt, &source).await?;
            }
        }
        anyhow::ensure!(!draft.sources().is_empty(), "the answers lack a bot: write a section such as [bots.sales]");
        return Ok(());
    }
    while draft.sources().is_empty() || prompt.agrees("Is there another bot?", false, None)? {
        let source = prompt.answer(&SOURCE, None)?;
        let source = SourceId::parse(&source).map_err(|wrong| anyhow::anyhow!("{wrong}"))?;
        if draft.sources().contains(&source) {
            prompt.note(&format!("  {source} is there already: choose another name"));
            continue;
        }
        set_up_one(draft, prompt, &source).await?;
    }
    Ok(())
}

/// Asks for a bot until it works.
async fn set_up_one(draft: &mut Draft, prompt: &Prompt, source: &SourceId) -> anyhow::Result<()> {
    let section = ["sources", source.as_str()];
    if draft.get(&section, "name").is_none() {
        let given =
            prompt.answers().and_then(|answers| answers.bots.get(source.as_str())).and_then(|bot| bot.name.clone());
        let name = prompt.answer(&NAME, given.as_ref())?;
        draft.set(&section, "name", &name)?;
    }
    let mut is_known = draft.has_secret(&section, "token");
    let mut given = prompt.answers().map(|answers| answers.token(source.as_str())).transpose()?.flatten();
    loop {
        if !is_known {
            let token = prompt.secret(&TOKEN, given.take())?;
            draft.set_secret(&section, "token", &format!("token-{source}"), &token)?;
        }
        let found = check::of_bot(&draft.config()?, source).await?;
        prompt.note(found.to_string().trim_end());
        if found.is_well() {
            return Ok(());
        }
        if prompt.answers().is_some() && (given.is_none() || !found.is_wrong("Bot")) {
            anyhow::bail!("the bot of {source} does not work");
        }
        // Of a bot that is only used elsewhere, the token is right.
        is_known = !found.is_wrong("Bot")
            && !prompt.wait("Press Enter to try again, or write t for another token")?.starts_with('t');
    }
}
