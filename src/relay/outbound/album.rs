//! Several files, from Kommo to Telegram, as one album.

use futures_util::future::join_all;

use crate::{
    domain::{
        job::{Call, Job, Method},
        retry::Failure,
    },
    kommo::media::DownloadError,
    relay::{
        context::{Context, Step, done},
        outbound::{Sending, file::Opened},
    },
    store::Outcome,
    telegram::{
        bot::Bot,
        place::{Redirect, Routing, Sent},
        upload::{Album, SendAs, Upload, UploadError},
    },
    translate::to_telegram::album::{caption, of_files},
};

/// How many times files are tried together before they go each by itself.
const TOGETHER: u32 = 3;

/// A file of an album that has begun to come in.
struct Item<'c> {
    call: &'c Call,
    opened: Opened,
    form: SendAs,
}

impl Sending<'_> {
    /// Sends files together. Where that cannot be, they become smaller albums, or go one by one; each of these is a job
    /// of its own, so that nothing is sent twice.
    pub(super) async fn send_album(&self, calls: &[Call]) -> Step {
        let Some(first) = calls.first() else { return Step::local(Ok(done())) };
        let mut routing = Routing::of(first, self.to.clone());
        loop {
            let redirect = match self.send_together(calls, &routing).await {
                Ok(step) => return step,
                Err(redirect) => redirect,
            };
            self.body_sent.begin();
            if !routing.goes_on(redirect) {
                return Step::local(Ok(Outcome::Replace(one_by_one(calls).collect())));
            }
            self.bot.acquire().await;
        }
    }

    async fn send_together(&self, calls: &[Call], routing: &Routing) -> Result<Step, Redirect> {
        let is_last_try = self.lease.attempts() + 1 >= TOGETHER;
        let (items, alone) = match open(self.context, self.bot, calls, is_last_try).await {
            Ok(opened) => opened,
            Err(failure) => return Ok(Step::local(Err(failure))),
        };
        let mut runs = runs(items, self.bot.limit_bytes());
        let whole = if alone.is_empty() && runs.len() == 1 { runs.pop() } else { None };
        let Some(items) = whole else {
            let files = |run: Vec<Item<'_>>| of_files(run.into_iter().map(|item| item.call.clone()).collect());
            let jobs = runs.into_iter().filter_map(files).chain(one_by_one(alone)).collect();
            return Ok(Step::local(Ok(Outcome::Replace(jobs))));
        };
        let step = match self.send_items(items, routing).await {
            Ok(sent) => Step::remote(Ok(self.sent(calls.iter().zip(sent)))),
            Err(UploadError::Failed(failure)) => Step::remote(Err(failure)),
            // All of them are held open while one goes out: what Kommo does not keep open for so long may pass alone.
            Err(UploadError::Dried(why)) if !is_last_try => Step::local(Err(Failure::transient(why))),
            Err(UploadError::Elsewhere(redirect)) => return Err(redirect),
            Err(
                error @ (UploadError::Refused { .. }
                | UploadError::TooLarge
                | UploadError::TooLargeForServer
                | UploadError::Dried(_)),
            ) => {
                self.body_sent.begin();
                let first = calls.first().map(|call| &call.message);
                tracing::info!(?first, ?error, "Telegram does not take these files together: sent one by one");
                Step::remote(Ok(Outcome::Replace(one_by_one(calls).collect())))
            }
        };
        Ok(step)
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
    calls.into_iter().cloned().map(Job::Call)
}

/// Opens all files. Those that cannot be sent come back as they are: alone, each ends with its own reason. At the last try
/// those that Kommo does not give now are no reason for the others to wait.
async fn open<'c>(
    context: &Context,
    bot: &Bot,
    calls: &'c [Call],
    is_last_try: bool,
) -> Result<(Vec<Item<'c>>, Vec<&'c Call>), Failure> {
    let limit = bot.limit_bytes();
    let files = calls.iter().filter_map(|call| match &call.method {
        Method::SendFile { file, .. } => Some((call, file)),
        Method::SendText { .. } | Method::SendLocation { .. } | Method::SendContact { .. } => None,
    });
    let downloads =
        join_all(files.map(async |(call, file)| (call, file, context.downloads.open(&file.url, limit).await))).await;
    let (mut items, mut alone, mut late) = (Vec::new(), Vec::new(), None);
    for (call, file, download) in downloads {
        match download {
            Ok(download) if download.size_bytes.is_none_or(|size| (1..=limit).contains(&size)) => {
                let opened = Opened::new(file, download);
                let form = SendAs::of(&opened.traits(file));
                items.push(Item { call, opened, form });
            }
            Err(later @ DownloadError::Later(_)) => {
                alone.push(call);
                late = Some(later);
            }
            Ok(_) | Err(DownloadError::Foreign { .. } | DownloadError::Circles | DownloadError::Refused(_)) => {
                alone.push(call);
            }
        }
    }
    match late {
        // Where Kommo gives none of them, it is not for one of them.
        Some(later) if !is_last_try || items.is_empty() => Err(later.into()),
        Some(_) | None => Ok((items, alone)),
    }
}

/// Files that follow each other and can go together: of kinds that Telegram mixes, and not more than it takes at once.
fn runs(items: Vec<Item<'_>>, limit_bytes: u64) -> Vec<Vec<Item<'_>>> {
    let mut runs: Vec<(Option<Album>, u64, Vec<Item<'_>>)> = Vec::new();
    for item in items {
        let (album, size) = (item.form.album(), item.opened.download.size_bytes.unwrap_or(0));
        match runs.last_mut() {
            Some((kind, total, run))
                if album.is_some() && *kind == album && total.saturating_add(size) <= limit_bytes =>
            {
                *total += size;
                run.push(item);
            }
            Some(_) | None => runs.push((album, size, vec![item])),
        }
    }
    runs.into_iter().map(|(.., run)| run).collect()
}
