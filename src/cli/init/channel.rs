//! The channel that Kommo's support has registered: its secret is tried, and it is connected.

use crate::{
    cli::{
        check, connect,
        init::{
            answers::Answers,
            draft::Draft,
            prompt::{Prompt, Question},
        },
    },
    config::{ChannelBotId, ChannelId, ChannelSecret},
};

const ABOUT: &str = "Kommo's support registers a chat channel for you, and answers with its id, its secret, its code \
    and the id of its bot. `telekommo register` writes the letter for that; an answer takes one to three working days. \
    If you have none yet, press Enter.";

const ID: Question = Question {
    key: "channel_id",
    text: "The channel's id",
    default: Some(""),
    check: |text| match text {
        "" => Ok(String::new()),
        text => ChannelId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string()),
    },
};
const SECRET: Question = Question {
    key: "channel_secret",
    text: "The channel's secret",
    default: None,
    check: |text| {
        ChannelSecret::parse(text).map(|secret| secret.expose().to_owned()).map_err(|wrong| wrong.to_string())
    },
};
const CODE: Question = Question {
    key: "origin_code",
    text: "The channel's code, such as amo.ext.12345",
    default: Some(""),
    check: |text| Ok(text.to_owned()),
};
const BOT: Question = Question {
    key: "bot_id",
    text: "The id of the channel's bot",
    default: Some(""),
    check: |text| match text {
        "" => Ok(String::new()),
        text => ChannelBotId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string()),
    },
};

/// Tries the channel that is there, or asks for one until Kommo accepts it; and connects it. Says whether there is one.
///
/// # Errors
/// If the input ends, or the channel of a file is not accepted.
pub(super) async fn set_up(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<bool> {
    prompt.begin("4. The channel", ABOUT);
    let mut asks = draft.get(&["kommo"], "channel_id").is_none() || !draft.has_secret(&["kommo"], "channel_secret");
    loop {
        if asks && !ask(draft, prompt)? {
            prompt.note(
                "Then the rest has to wait. What you have answered is kept. Run `telekommo register`, send the letter, \
                 and run `telekommo init` again when Kommo's support has answered.",
            );
            return Ok(false);
        }
        let config = draft.config()?;
        let found = check::of_channel(&config).await;
        let mut is_well = found.is_well();
        if is_well || found.is_wrong("Channel") {
            prompt.note(found.to_string().trim_end());
        } else {
            prompt.note("Kommo has not connected the channel to the account yet.");
            let given = prompt.answers().and_then(|answers| answers.connect);
            if !prompt.agrees("Connect the channel to the account now?", true, given)? {
                return Ok(true);
            }
            match connect::connect(&config).await {
                Ok(()) => is_well = true,
                Err(error) => prompt.note(&format!("{error:#}")),
            }
        }
        if is_well {
            return Ok(true);
        }
        anyhow::ensure!(prompt.answers().is_none(), "Kommo does not accept the channel");
        asks = true;
    }
}

/// Asks for the channel, and says whether there is one.
fn ask(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<bool> {
    let (section, answers) = (["kommo"], prompt.answers());
    let id = prompt.answer(&ID, answers.and_then(|answers| answers.channel_id.as_ref()))?;
    if id.is_empty() {
        return Ok(false);
    }
    let secret = prompt.secret(&SECRET, answers.map(Answers::channel_secret).transpose()?.flatten())?;
    draft.set(&section, "channel_id", &id)?;
    draft.set_secret(&section, "channel_secret", "channel-secret", &secret)?;
    let more = [
        ("origin_code", &CODE, answers.and_then(|answers| answers.origin_code.as_ref())),
        ("bot_id", &BOT, answers.and_then(|answers| answers.bot_id.as_ref())),
    ];
    for (key, question, given) in more {
        let answer = prompt.answer(question, given)?;
        if !answer.is_empty() {
            draft.set(&section, key, &answer)?;
        }
    }
    Ok(true)
}
