//! Sends one file from Kommo to Telegram, in the form that fits it, or the nearest that Telegram accepts.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        job::{Call, Job, Method, RemoteFile},
        keyboard::Keyboard,
        retry::Failure,
    },
    kommo::media::{Download, DownloadError},
    relay::{
        outbound::{
            sending::Sending,
            text_fallback::{empty, not_given, too_large, too_large_for_server},
        },
        step::{Step, StepError, StepResult},
    },
    store::Outcome,
    telegram::{
        routing::{Redirect, Routing},
        upload::{FileTraits, Format, Incoming, RefusedPart, SendAs, Upload, UploadError},
    },
    translate::{
        buttons::{self, Retreat},
        file_name,
        text::CAPTION_UNITS,
        to_telegram::album::{apart, buttons_apart, caption},
    },
    words::{Sentence, refusal},
};

/// A file whose download has started.
pub(super) struct Opened {
    pub(super) download: Download,
    pub(super) format: Format,
    /// Its name, with an ending.
    pub(super) name: String,
}

impl Opened {
    pub(super) fn new(file: &RemoteFile, download: Download) -> Self {
        let format = Format::of(&download.first);
        let missing = format.ending().filter(|_| file_name::extension(&file.name).is_none());
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

/// The parameters of an attempt.
struct FileAttempt {
    /// `None` for the form that fits best.
    form: Option<SendAs>,
    caption: String,
    keyboard: Keyboard,
}

/// An attempt that has failed.
struct Tried<'c> {
    call: &'c Call,
    attempt: FileAttempt,
    form: SendAs,
    /// The next form that fits it, if there is one.
    next_form: Option<SendAs>,
    size_bytes: Option<u64>,
    limit_bytes: u64,
}

/// What follows from a refusal.
enum Next {
    Over(Outcome),
    Failed(Failure),
    /// The file cannot be sent in any form.
    WithoutFile(Refusal),
    /// Its download failed.
    DownloadFailed(DownloadError),
    Again(FileAttempt),
}

/// Attempts after which the text is sent without a file that Kommo fails to serve.
pub(super) const MAX_FILE_ATTEMPTS: u32 = 5;

impl Sending<'_> {
    /// Sends the file of a call. Each attempt downloads it again, since it is streamed and not kept.
    pub(super) async fn send_file(&self, call: &Call) -> StepResult {
        let Method::SendFile { file, caption, keyboard, .. } = &call.method else {
            return Err(StepError::local(Failure::transient("a call without a file")));
        };
        if let Some(why) = &file.unavailable {
            return self.without_file(call, Refusal::new(why.code, Sentence::plain(&why.sentence)), false);
        }
        let (bot, mut routing) = (self.bot, Routing::of(call, self.to.clone()));
        let mut retreat = Retreat::with_file(keyboard);
        let mut attempt = FileAttempt { form: None, caption: caption.clone(), keyboard: keyboard.clone() };
        loop {
            let opened = match self.context.downloads.open(&file.url, bot.limit_bytes()).await {
                Ok(download) => Opened::new(file, download),
                Err(error) => return self.download_failed(call, error),
            };
            let size_bytes = opened.download.size_bytes;
            if size_bytes == Some(0) {
                return self.without_file(call, empty(), false);
            }
            if size_bytes.is_some_and(|size| size > bot.limit_bytes()) {
                return self.without_file(call, too_large(size_bytes, bot.limit_bytes()), false);
            }
            let form = attempt.form.unwrap_or_else(|| SendAs::of(&opened.traits(file)));
            let next_form = form.next(&opened.traits(file));
            if let Some(parts) = apart(call).filter(|_| form == SendAs::Sticker) {
                return Ok(Step::local(replace_by(parts)));
            }
            let name = opened.name.clone();
            let upload = Upload { form, name: &name, caption: &attempt.caption, incoming: opened.incoming() };
            let (place, reply_to) = ((call.to.chat, &routing.to), routing.reply_to(call));
            let error = match bot.upload(place, upload, &attempt.keyboard, reply_to, self.body_sent).await {
                Ok(sent) => return Ok(Step::remote(self.sent([(call, sent)]))),
                Err(error) => error,
            };
            self.body_sent.begin();
            if let UploadError::Elsewhere(redirect) = error
                && routing.follow(redirect)
            {
                bot.acquire().await;
                continue;
            }
            let limit_bytes = bot.limit_bytes();
            let tried = Tried { call, attempt, form, next_form, size_bytes, limit_bytes };
            match tried.next(error, &mut retreat) {
                Next::Over(outcome) => return Ok(Step::remote(outcome)),
                Next::Failed(failure) => return Err(StepError::remote(failure)),
                Next::WithoutFile(why) => return self.without_file(call, why, true),
                Next::DownloadFailed(why) => return self.download_failed(call, why),
                Next::Again(next) => attempt = next,
            }
            bot.acquire().await;
        }
    }

    /// Ends a call whose file Kommo does not serve, for now or for good. Its caption and the calls behind it do not
    /// wait for as long as the file itself.
    fn download_failed(&self, call: &Call, error: DownloadError) -> StepResult {
        match Failure::from(error) {
            Failure::Permanent(why) => self.without_file(call, why, false),
            passing if passing.may_pass() && self.lease.attempts() + 1 >= MAX_FILE_ATTEMPTS => {
                match self.without_file(call, not_given(&passing.why()), false) {
                    // Without a text there is only the file to wait for.
                    Err(StepError::Failed { .. }) => Err(StepError::local(passing)),
                    step => step,
                }
            }
            later => Err(StepError::local(later)),
        }
    }
}

/// Replaces a call by its parts.
fn replace_by(parts: [Call; 2]) -> Outcome {
    Outcome::Replace(parts.map(Job::from).to_vec())
}

impl Tried<'_> {
    /// The next step after a refusal: the nearest form that Telegram may accept.
    fn next(self, error: UploadError, retreat: &mut Retreat<'_>) -> Next {
        let Self { call, attempt, form, next_form, size_bytes, limit_bytes } = self;
        let (of, why, refusal) = match error {
            UploadError::Failed(failure) => return Next::Failed(failure),
            UploadError::SourceStalled(why) => return Next::DownloadFailed(DownloadError::Later(why)),
            UploadError::Elsewhere(Redirect::Chat(_)) => {
                return Next::Failed(Failure::transient("the group has become a supergroup"));
            }
            UploadError::Elsewhere(Redirect::Within) => {
                let closed = Refusal::new(ErrorCode::Other, refusal::topic_closed());
                return Next::Failed(Failure::Permanent(closed));
            }
            UploadError::TooLarge if form == SendAs::Photo => {
                (RefusedPart::File, "too large".to_owned(), too_large(size_bytes, limit_bytes))
            }
            UploadError::TooLarge => return Next::WithoutFile(too_large(size_bytes, limit_bytes)),
            UploadError::TooLargeForServer => return Next::WithoutFile(too_large_for_server(size_bytes)),
            UploadError::Refused { of, why, refusal } => (of, why, refusal),
        };
        tracing::info!(message = %call.message, ?form, why, "Telegram refused the file in this form: sending it in \
            another");
        match (of, next_form) {
            (RefusedPart::Buttons, _) if !attempt.keyboard.is_empty() => {
                // A sticker has no caption.
                let kept = retreat.after(&why);
                let lines = buttons::as_lines(caption(call), &kept.as_text, CAPTION_UNITS);
                match lines.filter(|_| form != SendAs::Sticker) {
                    Some(caption) => Next::Again(FileAttempt { form: Some(form), caption, keyboard: kept.shown }),
                    None => in_two(buttons_apart(call), refusal),
                }
            }
            (RefusedPart::Caption, _) if !attempt.caption.is_empty() => {
                in_two(apart(call).or_else(|| buttons_apart(call)), refusal)
            }
            (RefusedPart::Buttons | RefusedPart::Caption | RefusedPart::File, Some(next)) => {
                Next::Again(FileAttempt { form: Some(next), ..attempt })
            }
            (RefusedPart::Buttons | RefusedPart::Caption | RefusedPart::File, None) => Next::WithoutFile(refusal),
        }
    }
}

fn in_two(parts: Option<[Call; 2]>, refusal: Refusal) -> Next {
    parts.map_or_else(|| Next::WithoutFile(refusal), |parts| Next::Over(replace_by(parts)))
}
