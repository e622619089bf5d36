//! One file, from Kommo to Telegram: in the form that fits it, or the nearest that Telegram takes.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        job::{Call, Job, Method, RemoteFile},
        keyboard::Keyboard,
        retry::Failure,
    },
    kommo::media::{Download, DownloadError},
    relay::{
        context::Step,
        outbound::{
            Sending,
            text_fallback::{empty, not_given, too_large, too_large_for_server},
        },
    },
    store::{Outcome, StoreError},
    telegram::{
        place::{Redirect, Routing},
        upload::{Disliked, FileTraits, Format, Incoming, SendAs, Upload, UploadError},
    },
    translate::{
        buttons::{self, Retreat},
        file_name,
        text::CAPTION_UNITS,
        to_telegram::album::{apart, buttons_apart, caption},
    },
    words::refusal,
};

/// A file that has begun to come in.
pub(super) struct Opened {
    pub(super) download: Download,
    pub(super) format: Format,
    /// Its name, with an ending.
    pub(super) name: String,
}

impl Opened {
    pub(super) fn new(file: &RemoteFile, download: Download) -> Self {
        let format = Format::of(&download.first);
        let missing = format.ending().filter(|_| file_name::ending(&file.name).is_none());
        let name = missing.map_or_else(|| file.name.clone(), |ending| format!("{}.{ending}", file.name));
        Self { download, format, name }
    }

    pub(super) fn traits(&self, file: &RemoteFile) -> FileTraits<'_> {
        FileTraits { kind: file.kind, format: self.format, size_bytes: self.download.size_bytes, name: &self.name }
    }

    pub(super) fn incoming(self) -> Incoming {
        let Download { size_bytes, first, rest } = self.download;
        Incoming { size_bytes, first, rest }
    }
}

/// What a file is tried with.
struct Attempt {
    /// `None` for what fits it best.
    form: Option<SendAs>,
    caption: String,
    keyboard: Keyboard,
}

/// What follows from a refusal.
enum Next {
    Over(Result<Outcome, Failure>),
    /// The file will not go in any form.
    WithoutFile(Refusal),
    /// It broke off on its way here.
    NotFetched(DownloadError),
    Again(Attempt),
}

/// Attempts after which the text is sent without a file that Kommo fails to serve.
const TRIES_WITH_FILE: u32 = 5;

impl Sending<'_> {
    /// Sends the file of a call. Each attempt fetches it anew: what went by is not kept.
    pub(super) async fn send_file(&self, call: &Call) -> Result<Step, StoreError> {
        let Method::SendFile { file, caption, keyboard, .. } = &call.method else {
            return Ok(Step::local(Err(Failure::transient("a call without a file"))));
        };
        let (bot, mut routing) = (self.bot, Routing::of(call, self.to.clone()));
        let mut retreat = Retreat::with_file(keyboard);
        let mut attempt = Attempt { form: None, caption: caption.clone(), keyboard: keyboard.clone() };
        loop {
            let opened = match self.context.downloads.open(&file.url, bot.limit_bytes()).await {
                Ok(download) => Opened::new(file, download),
                Err(error) => return self.not_fetched(call, error).map(Step::local),
            };
            let size_bytes = opened.download.size_bytes;
            if size_bytes == Some(0) {
                return self.without_file(call, empty()).map(Step::local);
            }
            if size_bytes.is_some_and(|size| size > bot.limit_bytes()) {
                return self.without_file(call, too_large(size_bytes, bot.limit_bytes())).map(Step::local);
            }
            let form = attempt.form.unwrap_or_else(|| SendAs::of(&opened.traits(file)));
            let next_form = form.next(&opened.traits(file));
            if let Some(parts) = apart(call).filter(|_| form == SendAs::Sticker) {
                return Ok(Step::local(Ok(in_place(parts))));
            }
            let name = opened.name.clone();
            let upload = Upload { form, name: &name, caption: &attempt.caption, incoming: opened.incoming() };
            let (place, reply_to) = ((call.to.chat, &routing.to), routing.reply_to(call));
            let error = match bot.upload(place, upload, &attempt.keyboard, reply_to, self.body_sent).await {
                Ok(sent) => return Ok(Step::remote(Ok(self.sent([(call, sent)])))),
                Err(error) => error,
            };
            self.body_sent.begin();
            let limit = (size_bytes, bot.limit_bytes());
            if let UploadError::Elsewhere(redirect) = error
                && routing.goes_on(redirect)
            {
                bot.acquire().await;
                continue;
            }
            match next((call, &mut retreat), attempt, (form, next_form), error, limit) {
                Next::Over(outcome) => return Ok(Step::remote(outcome)),
                Next::WithoutFile(why) => return self.without_file(call, why).map(Step::remote),
                Next::NotFetched(why) => return self.not_fetched(call, why).map(Step::local),
                Next::Again(next) => attempt = next,
            }
            bot.acquire().await;
        }
    }

    /// The end of a call whose file Kommo does not give, for now or for good. A text with it does not wait for as long as
    /// the file itself, nor does what comes behind it.
    fn not_fetched(&self, call: &Call, error: DownloadError) -> Result<Result<Outcome, Failure>, StoreError> {
        match Failure::from(error) {
            Failure::Permanent(why) => self.without_file(call, why),
            passing if passing.may_pass() && self.lease.attempts() + 1 >= TRIES_WITH_FILE => {
                let without = self.without_file(call, not_given(&passing.why()))?;
                Ok(without.map_err(|_| passing))
            }
            later => Ok(Err(later)),
        }
    }
}

/// Parts of a call in its place.
fn in_place(parts: [Call; 2]) -> Outcome {
    Outcome::Replace(parts.map(Job::Call).to_vec())
}

/// What to do about a refusal: the nearest thing that Telegram may take.
fn next(
    (call, retreat): (&Call, &mut Retreat<'_>),
    attempt: Attempt,
    (form, next_form): (SendAs, Option<SendAs>),
    error: UploadError,
    (size_bytes, limit_bytes): (Option<u64>, u64),
) -> Next {
    let (of, why, refusal) = match error {
        UploadError::Failed(failure) => return Next::Over(Err(failure)),
        UploadError::Dried(why) => return Next::NotFetched(DownloadError::Later(why)),
        UploadError::Elsewhere(Redirect::Chat(_)) => {
            return Next::Over(Err(Failure::transient("the group has become a supergroup")));
        }
        UploadError::Elsewhere(Redirect::Within) => {
            let closed = Refusal::new(ErrorCode::Other, refusal::topic_closed());
            return Next::Over(Err(Failure::Permanent(closed)));
        }
        UploadError::TooLarge if form == SendAs::Photo => {
            (Disliked::File, "too large".to_owned(), too_large(size_bytes, limit_bytes))
        }
        UploadError::TooLarge => return Next::WithoutFile(too_large(size_bytes, limit_bytes)),
        UploadError::TooLargeForServer => return Next::WithoutFile(too_large_for_server(size_bytes)),
        UploadError::Refused { of, why, refusal } => (of, why, refusal),
    };
    tracing::info!(message = %call.message, ?form, why, "Telegram refused the file in this form: sending it in another");
    match (of, next_form) {
        (Disliked::Buttons, _) if !attempt.keyboard.is_empty() => {
            // No text can stand below a sticker.
            let kept = retreat.after(&why);
            let lines = buttons::as_lines(caption(call), &kept.told, CAPTION_UNITS);
            match lines.filter(|_| form != SendAs::Sticker) {
                Some(caption) => Next::Again(Attempt { form: Some(form), caption, keyboard: kept.shown }),
                None => in_two(buttons_apart(call), refusal),
            }
        }
        (Disliked::Caption, _) if !attempt.caption.is_empty() => {
            in_two(apart(call).or_else(|| buttons_apart(call)), refusal)
        }
        (Disliked::Buttons | Disliked::Caption | Disliked::File, Some(next)) => {
            Next::Again(Attempt { form: Some(next), ..attempt })
        }
        (Disliked::Buttons | Disliked::Caption | Disliked::File, None) => Next::WithoutFile(refusal),
    }
}

fn in_two(parts: Option<[Call; 2]>, refusal: Refusal) -> Next {
    parts.map_or_else(|| Next::WithoutFile(refusal), |parts| Next::Over(Ok(in_place(parts))))
}
