//! Several files, from Kommo to Telegram, as one album.

use futures_util::future::join_all;

use crate::{
    domain::{
        retry::Failure,
        work::{Call, Method, Work},
    },
    kommo::media::DownloadError,
    relay::{
        courier::{Courier, Step, done},
        outbound::{Errand, file::Opened},
    },
    store::Ending,
    telegram::{
        bot::Bot,
        place::{Detour, Sent, Trip},
        upload::{Album, Form, Parcel, UploadError},
    },
    translate::to_telegram::album::{caption, of_files},
};

/// How many times files are tried together before they go each by itself.
const TOGETHER: u32 = 3;

/// A file of an album that has begun to come in.
struct Item<'c> {
    call: &'c Call,
    opened: Opened,
    form: Form,
}

impl Errand<'_> {
    /// Sends files together. Where that cannot be, they become smaller albums, or go one by one; each of these is a job
    /// of its own, so that nothing is sent twice.
    pub(super) async fn send_album(&self, calls: &[Call]) -> Step {
        let Some(first) = calls.first() else { return Step::without_call(Ok(done())) };
        let mut trip = Trip::of(first, self.to.clone());
        loop {
            let detour = match self.send_together(calls, &trip).await {
                Ok(step) => return step,
                Err(detour) => detour,
            };
            self.handover.begin();
            if !trip.goes_on(detour) {
                return Step::without_call(Ok(Ending::Become(one_by_one(calls).collect())));
            }
            self.bot.turn().await;
        }
    }

    async fn send_together(&self, calls: &[Call], trip: &Trip) -> Result<Step, Detour> {
        let is_last_try = self.lease.attempts() + 1 >= TOGETHER;
        let (items, alone) = match open(self.courier, self.bot, calls, is_last_try).await {
            Ok(opened) => opened,
            Err(failure) => return Ok(Step::without_call(Err(failure))),
        };
        let mut runs = runs(items, self.bot.limit_bytes());
        let whole = if alone.is_empty() && runs.len() == 1 { runs.pop() } else { None };
        let Some(items) = whole else {
            let files = |run: Vec<Item<'_>>| of_files(run.into_iter().map(|item| item.call.clone()).collect());
            let works = runs.into_iter().filter_map(files).chain(one_by_one(alone)).collect();
            return Ok(Step::without_call(Ok(Ending::Become(works))));
        };
        let step = match self.send_items(items, trip).await {
            Ok(sent) => Step::called(Ok(self.sent(calls.iter().zip(sent)))),
            Err(UploadError::Failed(failure)) => Step::called(Err(failure)),
            // All of them are held open while one goes out: what Kommo does not keep open for so long may pass alone.
            Err(UploadError::Dried(why)) if !is_last_try => Step::without_call(Err(Failure::transient(why))),
            Err(UploadError::Elsewhere(detour)) => return Err(detour),
            Err(
                error @ (UploadError::Refused { .. }
                | UploadError::TooLarge
                | UploadError::TooLargeForServer
                | UploadError::Dried(_)),
            ) => {
                self.handover.begin();
                let first = calls.first().map(|call| &call.message);
                tracing::info!(?first, ?error, "Telegram does not take these files together: sent one by one");
                Step::called(Ok(Ending::Become(one_by_one(calls).collect())))
            }
        };
        Ok(step)
    }

    async fn send_items(&self, items: Vec<Item<'_>>, trip: &Trip) -> Result<Vec<Option<Sent>>, UploadError> {
        let Some(first) = items.first().map(|item| item.call) else { return Ok(Vec::new()) };
        let names: Vec<_> = items.iter().map(|item| item.opened.name.clone()).collect();
        let parcels = items.into_iter().zip(&names).map(|(item, name)| {
            let caption = caption(item.call);
            Parcel { form: item.form, name, caption, incoming: item.opened.incoming() }
        });
        let place = (first.to.chat, &trip.to);
        self.bot.upload_album(place, parcels.collect(), trip.reply_to(first), self.handover).await
    }
}

fn one_by_one<'c>(calls: impl IntoIterator<Item = &'c Call>) -> impl Iterator<Item = Work> {
    calls.into_iter().cloned().map(Work::Call)
}

/// Opens all files. Those that cannot be sent come back as they are: alone, each ends with its own reason. At the last try
/// those that Kommo does not give now are no reason for the others to wait.
async fn open<'c>(
    courier: &Courier,
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
        join_all(files.map(async |(call, file)| (call, file, courier.downloads.open(&file.url, limit).await))).await;
    let (mut items, mut alone, mut late) = (Vec::new(), Vec::new(), None);
    for (call, file, download) in downloads {
        match download {
            Ok(download) if download.size_bytes.is_none_or(|size| (1..=limit).contains(&size)) => {
                let opened = Opened::new(file, download);
                let form = Form::of(&opened.traits(file));
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
