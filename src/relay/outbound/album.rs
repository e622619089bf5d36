//! Sends several files from Kommo to Telegram as one album.

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal, RefusalText},
        job::{Call, Job, Method},
        retry::Failure,
    },
    kommo::media::DownloadError,
    relay::{
        context::Context,
        outbound::{
            file::{MAX_FILE_ATTEMPTS, Opened},
            sending::Sending,
            text_fallback::{empty, too_large},
        },
        step::{Step, StepError, StepResult},
    },
    store::Outcome,
    telegram::{
        bot::Bot,
        routing::{Redirect, Routing},
        sent::Sent,
        upload::{Album, SendAs, Upload, UploadError},
    },
    translate::to_telegram::album::{caption, of_files},
    words::{Language, refusal},
};

/// The statuses of a server for a file that it does not have.
const MISSING: [StatusCode; 2] = [StatusCode::NOT_FOUND, StatusCode::GONE];
/// How many attempts the files are sent together before each is sent alone.
const MAX_ATTEMPTS: u32 = 3;

/// A file of an album whose download has started.
struct Item<'c> {
    call: &'c Call,
    opened: Opened,
    form: SendAs,
}

/// A file of an album.
enum Member<'c> {
    /// It can be sent.
    Open(Item<'c>),
    /// It cannot be downloaded now, and may arrive when it is tried alone.
    Late(&'c Call),
    /// It cannot be downloaded at all.
    Unavailable(&'c Call, Refusal),
}

/// Consecutive files.
enum Run<'c> {
    /// They can be sent together.
    Together(Vec<Item<'c>>),
    /// This one is sent alone.
    Alone(&'c Call),
    /// This one will not be sent. The others went without it.
    Unavailable(Box<Call>),
}

/// The result of an attempt to send files together.
enum Together {
    Over(Step),
    /// They have to be sent to another chat or topic.
    Elsewhere(Redirect),
}

impl Sending<'_> {
    /// Sends files together. If that is impossible, they become smaller albums or single files; each of these is a job
    /// of its own, so that nothing is sent twice.
    pub(super) async fn send_album(&self, calls: &[Call]) -> StepResult {
        let Some(first) = calls.first() else { return Ok(Step::done()) };
        let mut routing = Routing::of(first, self.to.clone());
        loop {
            let redirect = match self.send_together(calls, &routing).await? {
                Together::Over(step) => return Ok(step),
                Together::Elsewhere(redirect) => redirect,
            };
            self.body_sent.begin();
            if !routing.follow(redirect) {
                return Ok(Step::local(Outcome::Replace(one_by_one(calls).collect())));
            }
            self.bot.acquire().await;
        }
    }

    async fn send_together(&self, calls: &[Call], routing: &Routing) -> Result<Together, StepError> {
        let tries = self.lease.attempts() + 1;
        let is_last_try = tries >= MAX_ATTEMPTS;
        let members = open(self.context, self.bot, calls, tries).await.map_err(StepError::local)?;
        let mut runs = runs(members, self.bot.limit_bytes(), self.context.spoken.now());
        let items = match runs.pop() {
            Some(Run::Together(items)) if runs.is_empty() => items,
            last => {
                let jobs = runs.into_iter().chain(last).filter_map(Run::job).collect();
                return Ok(Together::Over(Step::local(Outcome::Replace(jobs))));
            }
        };
        let step = match self.send_items(items, routing).await {
            Ok(sent) => Step::remote(self.sent(calls.iter().zip(sent))),
            Err(UploadError::Failed(failure)) => return Err(StepError::remote(failure)),
            // All downloads are open while one file is sent: one that Kommo does not keep open for so long may pass
            // alone.
            Err(UploadError::SourceStalled(why)) if !is_last_try => {
                return Err(StepError::local(Failure::transient(why)));
            }
            Err(UploadError::Elsewhere(redirect)) => return Ok(Together::Elsewhere(redirect)),
            Err(
                error @ (UploadError::Refused { .. }
                | UploadError::TooLarge
                | UploadError::TooLargeForServer
                | UploadError::SourceStalled(_)),
            ) => {
                self.body_sent.begin();
                let first = calls.first().map(|call| &call.message);
                tracing::info!(?first, ?error, "Telegram refused the album: sending its files one by one");
                Step::remote(Outcome::Replace(one_by_one(calls).collect()))
            }
        };
        Ok(Together::Over(step))
    }

    async fn send_items(&self, items: Vec<Item<'_>>, routing: &Routing) -> Result<Vec<Option<Sent>>, UploadError> {
        let Some(first) = items.first().map(|item| item.call) else { return Ok(Vec::new()) };
        let names: Vec<_> = items.iter().map(|item| item.opened.name.clone()).collect();
        let uploads = items.into_iter().zip(&names).map(|(item, name)| {
            let caption = caption(item.call);
            Upload { form: item.form, name, caption, incoming: item.opened.incoming() }
        });
        let place = (first.to.chat, &routing.to);
        self.bot.upload_album(place, uploads.collect(), routing.reply_to(first), self.body_sent).await
    }
}

fn one_by_one<'c>(calls: impl IntoIterator<Item = &'c Call>) -> impl Iterator<Item = Job> {
    calls.into_iter().cloned().map(Job::from)
}

impl Run<'_> {
    /// The job that sends it.
    fn job(self) -> Option<Job> {
        match self {
            Self::Together(items) => of_files(items.into_iter().map(|item| item.call.clone()).collect()),
            Self::Alone(call) => Some(call.clone().into()),
            Self::Unavailable(call) => Some((*call).into()),
        }
    }
}

/// Opens all files, in order. At the last attempt, a file that Kommo does not serve now does not keep the others from
/// being sent together. If Kommo serves none of them, no single file is the cause: they stay together, but their
/// captions wait no longer than that of a single file.
async fn open<'c>(context: &Context, bot: &Bot, calls: &'c [Call], tries: u32) -> Result<Vec<Member<'c>>, Failure> {
    let limit = bot.limit_bytes();
    let files = calls.iter().filter_map(|call| match &call.method {
        Method::SendFile { file, .. } => Some((call, file)),
        Method::SendText { .. } | Method::SendLocation { .. } | Method::SendContact { .. } => None,
    });
    let downloads =
        join_all(files.map(async |(call, file)| (call, file, context.downloads.open(&file.url, limit).await))).await;
    let (mut members, mut late, mut is_down) = (Vec::new(), None, false);
    for (call, file, download) in downloads {
        match download {
            Ok(download) if download.size_bytes.is_none_or(|size| (1..=limit).contains(&size)) => {
                let opened = Opened::new(file, download);
                let form = SendAs::of(&opened.traits(file));
                members.push(Member::Open(Item { call, opened, form }));
            }
            Err(DownloadError::Later(why)) => {
                members.push(Member::Late(call));
                (late, is_down) = (Some(Failure::transient(why)), true);
            }
            // A proxy may have refused it, and may not do so again.
            Err(DownloadError::Refused(status)) if !MISSING.contains(&status) => {
                members.push(Member::Late(call));
                late.get_or_insert_with(|| Failure::transient(format!("the server for files answered {status}")));
            }
            Ok(download) if download.size_bytes == Some(0) => members.push(Member::Unavailable(call, empty())),
            Ok(download) => members.push(Member::Unavailable(call, too_large(download.size_bytes, limit))),
            Err(DownloadError::Refused(status)) => members.push(Member::Unavailable(call, not_there(status))),
            // A redirect may come from a proxy, like a refusal.
            Err(error @ (DownloadError::Foreign { .. } | DownloadError::Circles)) => {
                members.push(Member::Late(call));
                late.get_or_insert_with(|| Failure::transient(error.to_string()));
            }
        }
    }
    let has_open = members.iter().any(|member| matches!(member, Member::Open(_)));
    let has_words = calls.iter().any(|call| !caption(call).is_empty());
    let may_wait = is_down && !has_open && !(has_words && tries >= MAX_FILE_ATTEMPTS);
    match late {
        Some(later) if tries < MAX_ATTEMPTS || may_wait => Err(later),
        Some(_) | None => Ok(members),
    }
}

/// Groups the files that are sent together, in order: files of kinds that Telegram mixes, and not more than it accepts
/// at once. A file that is sent alone separates those before and behind it, unless nothing of it will arrive, not even
/// a caption.
fn runs(members: Vec<Member<'_>>, limit_bytes: u64, language: Language) -> Vec<Run<'_>> {
    let (mut runs, mut without_file): (Vec<Run<'_>>, _) = (Vec::new(), Vec::new());
    // Which kinds the last run mixes, and its size.
    let mut last: (Option<Album>, u64) = (None, 0);
    for member in members {
        let item = match member {
            Member::Open(item) => item,
            Member::Unavailable(call, why) if caption(call).is_empty() => {
                without_file.extend(unavailable(call, why.in_language(language)).map(Run::Unavailable));
                continue;
            }
            Member::Late(call) | Member::Unavailable(call, _) => {
                runs.push(Run::Alone(call));
                continue;
            }
        };
        let (album, size) = (item.form.album(), item.opened.download.size_bytes.unwrap_or(0));
        match runs.last_mut() {
            Some(Run::Together(run))
                if album.is_some() && last.0 == album && last.1.saturating_add(size) <= limit_bytes =>
            {
                last.1 += size;
                run.push(item);
            }
            Some(_) | None => {
                runs.push(Run::Together(vec![item]));
                last = (album, size);
            }
        }
    }
    runs.append(&mut without_file);
    runs
}

/// A call whose file will not be sent, and why. The file is not tried again: it would arrive behind the others.
fn unavailable(call: &Call, why: RefusalText) -> Option<Box<Call>> {
    let mut call = call.clone();
    let Method::SendFile { file, .. } = &mut call.method else { return None };
    file.unavailable = Some(why);
    Some(Box::new(call))
}

fn not_there(status: StatusCode) -> Refusal {
    Refusal::new(ErrorCode::Other, refusal::file_gone(status.as_u16()))
}
