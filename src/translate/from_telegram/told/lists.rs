//! Polls and checklists.

use crate::{
    telegram::wire::Part,
    translate::from_telegram::{
        people,
        told::{
            amount::{count, when},
            bullets, headed, lines, row, worded,
        },
    },
};

/// What is said by a message of one of these kinds.
pub(super) fn line(kind: &str, what: &Part) -> Option<String> {
    Some(match kind {
        "poll" => poll(what),
        "poll_option_added" => option("poll option added", what),
        "poll_option_deleted" => option("poll option deleted", what),
        "checklist" => {
            lines([Some(headed("checklist", &title(what))), tasks(what).map(|tasks| lines(tasks.map(Some)))])
        }
        "checklist_tasks_done" => marked(what),
        "checklist_tasks_added" => {
            let title = title(&what.part("checklist_message").part("checklist"));
            let added = what.list::<Part>("tasks");
            lines([
                Some(headed("tasks added to a checklist", &title)),
                Some(bullets(added.iter().filter_map(|it| worded(it, "text")))),
            ])
        }
        _ => return None,
    })
}

fn poll(poll: &Part) -> String {
    let quiz = poll.text("type").as_deref() == Some("quiz");
    let closed = poll.flag("is_closed");
    let correct: Vec<usize> = poll.list("correct_option_ids");
    let options = poll.list::<Part>("options");
    let options = options.iter().enumerate().map(|(at, option)| {
        let votes = option.number("voter_count").filter(|votes| closed || *votes > 0);
        let right = correct.contains(&at).then(|| "correct".to_owned());
        let beside = row([votes.map(|votes| count(votes, "vote")), right, added(option)]);
        let text = row([worded(option, "text"), media(option)]);
        if beside.is_empty() { text } else { format!("{text} ({beside})") }
    });
    let end = poll.number("close_date").and_then(when).map(|when| format!("open until {when}"));
    let state = if closed { Some("closed".to_owned()) } else { end };
    let voters = poll.number("total_voter_count").filter(|voters| *voters > 0).map(|voters| count(voters, "voter"));
    let several = poll.flag("allows_multiple_answers").then(|| "several answers allowed".to_owned());
    let countries = row(poll.list("country_codes").into_iter().map(Some));
    let countries = (!countries.is_empty()).then(|| format!("only in {countries}"));
    lines([
        Some(headed(if quiz { "quiz" } else { "poll" }, &worded(poll, "question").unwrap_or_default())),
        worded(poll, "description"),
        media(poll),
        Some(bullets(options)),
        Some(row([state, voters, several, countries])),
        worded(poll, "explanation").map(|why| format!("explanation: {why}")),
        attached(&poll.part("explanation_media")),
    ])
}

/// What is attached to a poll or to one of its options (Bot API, `PollMedia`).
fn media(of: &Part) -> Option<String> {
    attached(&of.part("media"))
}

fn attached(media: &Part) -> Option<String> {
    if let Some(url) = media.part("link").text("url") {
        return Some(url);
    }
    let kind = media.names().find(|name| media.says(name))?;
    let what = media.part(kind);
    let named = ["performer", "title", "address", "emoji"].map(|field| what.text(field));
    let named = row(named.into_iter().map(|name| name.map(|name| people::one_line(&name))));
    let name = if named.is_empty() { what.text("file_name").unwrap_or_default() } else { named };
    Some(headed(&kind.replace('_', " "), &people::one_line(&name)))
}

/// Who has added an option to somebody else's poll.
fn added(option: &Part) -> Option<String> {
    let who = ["added_by_user", "added_by_chat"].into_iter().filter_map(|field| people::known(&option.part(field)));
    let who = row(who.map(Some));
    (!who.is_empty()).then(|| format!("added by {who}"))
}

fn option(what: &str, option: &Part) -> String {
    let question = worded(&option.part("poll_message").part("poll"), "question");
    lines([Some(headed(what, &question.unwrap_or_default())), Some(bullets(worded(option, "option_text")))])
}

fn title(list: &Part) -> String {
    worded(list, "title").unwrap_or_default()
}

fn tasks(list: &Part) -> Option<impl Iterator<Item = String>> {
    let tasks = list.list::<Part>("tasks");
    (!tasks.is_empty()).then(|| {
        tasks.into_iter().map(|task| self::task(&task, task.number("completion_date").is_some_and(|at| at > 0)))
    })
}

fn task(task: &Part, done: bool) -> String {
    let who = ["completed_by_user", "completed_by_chat"].into_iter().map(|field| people::known(&task.part(field)));
    let who = Some(row(who)).filter(|who| done && !who.is_empty()).map(|who| format!(" ({who})")).unwrap_or_default();
    let number = || format!("task {}", task.number("id").unwrap_or_default());
    format!("{} {}{who}", if done { "☑" } else { "☐" }, worded(task, "text").unwrap_or_else(number))
}

/// The tasks that were marked, by what the list itself says of them.
fn marked(what: &Part) -> String {
    let list = what.part("checklist_message").part("checklist");
    let known = list.list::<Part>("tasks");
    let named = |id: i64, done: bool| {
        let text = known.iter().find(|task| task.number("id") == Some(id)).and_then(|task| worded(task, "text"));
        format!("{} {}", if done { "☑" } else { "☐" }, text.unwrap_or_else(|| format!("task {id}")))
    };
    let of =
        |field: &str, done: bool| what.list::<i64>(field).into_iter().map(move |id| (id, done)).collect::<Vec<_>>();
    let all = [of("marked_as_done_task_ids", true), of("marked_as_not_done_task_ids", false)].concat();
    let all = lines(all.into_iter().map(|(id, done)| Some(named(id, done))));
    lines([Some(headed("checklist", &title(&list))), Some(all)])
}
