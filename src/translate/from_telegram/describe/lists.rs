//! Polls and checklists.

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{
        content::kind_in_words,
        describe::{
            amount::{counted, when},
            bullets, headed, lines, row, worded,
        },
        people,
    },
    words::{Language, Sentence, count, described},
};

/// The description of one of these kinds.
pub(super) fn line(kind: &str, what: &RawObject, language: Language) -> Option<String> {
    Some(match kind {
        "poll" => poll(what, language),
        "poll_option_added" => option(&described::option_added(), what, language),
        "poll_option_deleted" => option(&described::option_deleted(), what, language),
        "checklist" => {
            let head = headed(&described::checklist(), &title(what), language);
            lines([Some(head), tasks(what, language).map(|tasks| lines(tasks.map(Some)))])
        }
        "checklist_tasks_done" => marked(what, language),
        "checklist_tasks_added" => {
            let title = title(&what.part("checklist_message").part("checklist"));
            let added = what.list::<RawObject>("tasks");
            lines([
                Some(headed(&described::tasks_added(), &title, language)),
                Some(bullets(added.iter().filter_map(|it| worded(it, "text")))),
            ])
        }
        _ => return None,
    })
}

fn poll(poll: &RawObject, language: Language) -> String {
    let quiz = poll.text("type").as_deref() == Some("quiz");
    let closed = poll.flag("is_closed");
    let correct: Vec<usize> = poll.list("correct_option_ids");
    let options = poll.list::<RawObject>("options");
    let options = options.iter().enumerate().map(|(at, option)| {
        let votes = option.number("voter_count").filter(|votes| closed || *votes > 0);
        let right = correct.contains(&at).then(|| described::correct().say(language));
        let votes = votes.map(|votes| counted(votes, count::votes, language));
        let beside = row([votes, right, added(option, language)]);
        let text = row([worded(option, "text"), media(option, language)]);
        if beside.is_empty() { text } else { format!("{text} ({beside})") }
    });
    let end = poll.number("close_date").and_then(|date| when(date, language));
    let end = end.map(|date| described::open_until(date).say(language));
    let state = if closed { Some(described::closed().say(language)) } else { end };
    let voters = poll.number("total_voter_count").filter(|voters| *voters > 0);
    let voters = voters.map(|voters| counted(voters, count::voters, language));
    let several = poll.flag("allows_multiple_answers").then(|| described::several_answers().say(language));
    let countries = row(poll.list("country_codes").into_iter().map(Some));
    let countries = (!countries.is_empty()).then(|| described::only_in(countries).say(language));
    let kind = if quiz { described::quiz() } else { described::poll() };
    lines([
        Some(headed(&kind, &worded(poll, "question").unwrap_or_default(), language)),
        worded(poll, "description"),
        media(poll, language),
        Some(bullets(options)),
        Some(row([state, voters, several, countries])),
        worded(poll, "explanation").map(|why| described::explanation(why).say(language)),
        attached(&poll.part("explanation_media"), language),
    ])
}

/// Media of a poll or of one of its options (Bot API, `PollMedia`).
fn media(of: &RawObject, language: Language) -> Option<String> {
    attached(&of.part("media"), language)
}

fn attached(media: &RawObject, language: Language) -> Option<String> {
    if let Some(url) = media.part("link").text("url") {
        return Some(url);
    }
    let kind = media.names().find(|name| media.is_set(name))?;
    let what = media.part(kind);
    let named = ["performer", "title", "address", "emoji"].map(|field| what.text(field));
    let named = row(named.into_iter().map(|name| name.map(|name| people::one_line(&name))));
    let name = if named.is_empty() { what.text("file_name").unwrap_or_default() } else { named };
    Some(headed(&kind_in_words(kind), &people::one_line(&name), language))
}

/// The author of an option that was added to a poll.
fn added(option: &RawObject, language: Language) -> Option<String> {
    let who = ["added_by_user", "added_by_chat"].into_iter().filter_map(|field| people::known(&option.part(field)));
    let who = row(who.map(Some));
    (!who.is_empty()).then(|| described::added_by(who).say(language))
}

fn option(what: &Sentence, option: &RawObject, language: Language) -> String {
    let question = worded(&option.part("poll_message").part("poll"), "question");
    lines([Some(headed(what, &question.unwrap_or_default(), language)), Some(bullets(worded(option, "option_text")))])
}

fn title(list: &RawObject) -> String {
    worded(list, "title").unwrap_or_default()
}

fn tasks(list: &RawObject, language: Language) -> Option<impl Iterator<Item = String>> {
    let tasks = list.list::<RawObject>("tasks");
    (!tasks.is_empty()).then(|| {
        let is_done = |task: &RawObject| task.number("completion_date").is_some_and(|at| at > 0);
        tasks.into_iter().map(move |task| self::task(&task, is_done(&task), language))
    })
}

fn task(task: &RawObject, done: bool, language: Language) -> String {
    let who = ["completed_by_user", "completed_by_chat"].into_iter().map(|field| people::known(&task.part(field)));
    let who = Some(row(who)).filter(|who| done && !who.is_empty()).map(|who| format!(" ({who})")).unwrap_or_default();
    let number = || numbered(task.number("id").unwrap_or_default(), language);
    format!("{} {}{who}", if done { "☑" } else { "☐" }, worded(task, "text").unwrap_or_else(number))
}

fn numbered(id: i64, language: Language) -> String {
    described::task(id.to_string()).say(language)
}

/// The tasks that were marked, with their texts from the list.
fn marked(what: &RawObject, language: Language) -> String {
    let list = what.part("checklist_message").part("checklist");
    let known = list.list::<RawObject>("tasks");
    let named = |id: i64, done: bool| {
        let text = known.iter().find(|task| task.number("id") == Some(id)).and_then(|task| worded(task, "text"));
        format!("{} {}", if done { "☑" } else { "☐" }, text.unwrap_or_else(|| numbered(id, language)))
    };
    let of =
        |field: &str, done: bool| what.list::<i64>(field).into_iter().map(move |id| (id, done)).collect::<Vec<_>>();
    let all = [of("marked_as_done_task_ids", true), of("marked_as_not_done_task_ids", false)].concat();
    let all = lines(all.into_iter().map(|(id, done)| Some(named(id, done))));
    lines([Some(headed(&described::checklist(), &title(&list), language)), Some(all)])
}
