//! Checks the server of customers' files, with a file that does not exist.

use std::collections::BTreeMap;

use crate::{
    cli::check::{finding::Finding, fine, wrong},
    domain::address::SourceId,
    telegram::{bot::Bot, file::NoFile},
};

/// Telegram's own server, which serves the files of its bots.
const CLOUD: &str = "api.telegram.org";

/// What the server's answer for a file that nobody has tells of those that somebody has, beside that it can be reached.
/// With any bot it is the same.
pub(super) async fn served(bots: &BTreeMap<SourceId, Bot>, host: Option<&str>) -> Option<Finding> {
    shown(bots.values().next()?.ask_for_no_file().await?, host == Some(CLOUD))
}

fn shown(answer: NoFile, is_cloud: bool) -> Option<Finding> {
    let about = "Files";
    Some(match answer {
        NoFile::BotApi(404) if is_cloud => return None,
        // Of a token that is not accepted it is told with the bot.
        NoFile::BotApi(401) => return None,
        NoFile::BotApi(404) => fine(
            about,
            "the server at telegram.api_url does not have a made-up file, as expected. Your own Bot API server serves \
             no files at all: if it is one, run it with --local and set telegram.local and telegram.local_dir, or let \
             a web server in front of it serve them under /file. If it passes everything on to api.telegram.org, \
             nothing needs to be done",
        ),
        NoFile::Foreign(404) if !is_cloud => {
            fine(about, "a web server serves them at telegram.api_url; the first file will show whether it has them")
        }
        NoFile::Foreign(403) => wrong(
            about,
            "the server at telegram.api_url refuses them (HTTP 403): let the web server in front of it read what the \
             Bot API server keeps",
        ),
        NoFile::BotApi(status) | NoFile::Foreign(status) => wrong(
            about,
            format!(
                "the server at telegram.api_url answers HTTP {status} instead of 404 to a file that does not exist"
            ),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::finding::State;

    #[test]
    fn what_a_made_up_file_tells() {
        for (answer, is_cloud) in
            [(NoFile::BotApi(404), true), (NoFile::BotApi(401), true), (NoFile::BotApi(401), false)]
        {
            assert_eq!(shown(answer, is_cloud), None);
        }
        for (answer, is_cloud, is_wrong, words) in [
            (NoFile::BotApi(404), false, false, "run it with --local"),
            (NoFile::Foreign(404), false, false, "the first file will show"),
            (NoFile::Foreign(404), true, true, "HTTP 404"),
            (NoFile::Foreign(403), false, true, "let the web server"),
            (NoFile::Foreign(200), false, true, "HTTP 200 instead of 404"),
            (NoFile::BotApi(500), true, true, "HTTP 500"),
        ] {
            let finding = shown(answer, is_cloud).unwrap();
            assert!(
                (finding.state == State::Wrong) == is_wrong && finding.text.contains(words),
                "{answer:?}: {finding:?}"
            );
        }
    }
}
