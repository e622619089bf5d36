//! One file, from Kommo to Telegram: in the form that fits it, or the nearest that Telegram takes.

use futures_util::StreamExt;

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        keyboard::Keyboard,
        retry::Failure,
        work::{Call, Method, RemoteFile, Work},
    },
    kommo::media::Download,
    relay::{courier::Step, outbound::Errand},
    store::{Ending, Lease, StoreError},
    telegram::upload::{Disliked, Form, Format, Incoming, Parcel, Traits, UploadError},
    translate::{buttons, file_name, text::CAPTION_UNITS, to_telegram::album::apart},
};

/// More than an answer and its neighbours in an album have parts.
const NEIGHBOURS: usize = 100;

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

    pub(super) fn traits(&self, file: &RemoteFile) -> Traits<'_> {
        Traits { kind: file.kind, format: self.format, size_bytes: self.download.size_bytes, name: &self.name }
    }

    pub(super) fn incoming(self) -> Incoming {
        let Download { size_bytes, first, rest } = self.download;
        let rest = rest.map(|piece| piece.map_err(|_| "the file broke off on its way from Kommo".to_owned()));
        Incoming { size_bytes, first, rest: rest.boxed() }
    }
}

/// What a file is tried with.
struct Attempt<'a> {
    /// `None` for what fits it best.
    form: Option<Form>,
    caption: String,
    keyboard: &'a Keyboard,
}

/// What follows from a refusal.
enum Next<'a> {
    Over(Result<Ending, Failure>),
    Again(Attempt<'a>),
}

static NO_BUTTONS: Keyboard = Keyboard(Vec::new());

impl Errand<'_> {
    /// Sends the file of a call. Each attempt fetches it anew: what went by is not kept.
    pub(super) async fn send_file(&self, call: &Call) -> Result<Step, StoreError> {
        let Method::SendFile { file, caption, keyboard, .. } = &call.method else {
            return Ok(Step::without_call(Err(Failure::transient("a call without a file"))));
        };
        let (bot, mut to) = (self.bot, self.to.clone());
        let mut attempt = Attempt { form: None, caption: caption.clone(), keyboard };
        loop {
            let opened = match self.courier.downloads.open(&file.url, bot.limit_bytes()).await {
                Ok(download) => Opened::new(file, download),
                Err(error) => return Ok(Step::without_call(Err(error.into()))),
            };
            let size_bytes = opened.download.size_bytes;
            if size_bytes == Some(0) {
                return without_file(call, self.lease).map(Step::without_call);
            }
            if size_bytes.is_some_and(|size| size > bot.limit_bytes()) {
                return Ok(Step::without_call(Err(too_large(size_bytes, bot.limit_bytes()))));
            }
            let form = attempt.form.unwrap_or_else(|| Form::of(&opened.traits(file)));
            let next_form = form.next(&opened.traits(file));
            if let Some(parts) = apart(call).filter(|_| form == Form::Sticker) {
                return Ok(Step::without_call(Ok(Ending::Become(parts.map(Work::Call).to_vec()))));
            }
            let name = opened.name.clone();
            let parcel = Parcel { form, name: &name, caption: &attempt.caption, incoming: opened.incoming() };
            let place = (call.to.chat, &to);
            let reply_to = call.reply_to_in(to.chat_id);
            let error = match bot.upload(place, parcel, attempt.keyboard, reply_to, self.handover).await {
                Ok(sent) => return Ok(Step::called(Ok(self.sent([(call, sent)])))),
                Err(error) => error,
            };
            self.handover.begin();
            let limit = (size_bytes, bot.limit_bytes());
            if let UploadError::Moved(chat_id) = error {
                to.chat_id = chat_id;
                bot.turn().await;
                continue;
            }
            match next(call, attempt, (form, next_form), error, limit) {
                Next::Over(outcome) => return Ok(Step::called(outcome)),
                Next::Again(next) => attempt = next,
            }
            bot.turn().await;
        }
    }
}

/// What to do about a refusal: the nearest thing that Telegram may take.
fn next<'a>(
    call: &'a Call,
    attempt: Attempt<'a>,
    (form, next_form): (Form, Option<Form>),
    error: UploadError,
    (size_bytes, limit_bytes): (Option<u64>, u64),
) -> Next<'a> {
    let (of, why) = match error {
        UploadError::Failed(failure) => return Next::Over(Err(failure)),
        UploadError::Moved(_) => return Next::Over(Err(Failure::transient("the group has become a supergroup"))),
        UploadError::TooLarge if form == Form::Photo => (Disliked::File, "too large".to_owned()),
        UploadError::TooLarge => return Next::Over(Err(too_large(size_bytes, limit_bytes))),
        UploadError::Refused { of, why } => (of, why),
    };
    tracing::info!(message = %call.message, ?form, why, "Telegram does not take a file like this: sent another way");
    match (of, next_form) {
        (Disliked::Buttons, _) if !attempt.keyboard.is_empty() => {
            let caption = buttons::as_lines(&attempt.caption, attempt.keyboard, CAPTION_UNITS);
            Next::Again(Attempt { form: Some(form), caption, keyboard: &NO_BUTTONS })
        }
        (Disliked::Caption, _) if !attempt.caption.is_empty() => {
            let parts = apart(call).map(|parts| Ending::Become(parts.map(Work::Call).to_vec()));
            Next::Over(parts.ok_or_else(|| refused(&why)))
        }
        (Disliked::Buttons | Disliked::Caption | Disliked::File, Some(next)) => {
            Next::Again(Attempt { form: Some(next), ..attempt })
        }
        (Disliked::Buttons | Disliked::Caption | Disliked::File, None) => Next::Over(Err(refused(&why))),
    }
}

/// The end of a call whose file is empty: the customer gets the text that came with it, and the manager is told.
fn without_file(call: &Call, lease: &Lease) -> Result<Result<Ending, Failure>, StoreError> {
    let own = apart(call).map(|[_, text]| Call { part: call.part, parts: call.parts, ..text });
    let behind = lease.behind(NEIGHBOURS)?;
    let is_last = |work: &Work| matches!(work, Work::Call(it) if it.message == call.message && it.is_last());
    let until = behind.iter().position(|(work, _)| is_last(work)).map_or(0, |last| last + 1);
    if own.is_none() && until == 0 {
        let sentence = "Not sent: the file is empty (0 bytes). Attach it again.";
        return Ok(Err(Failure::Permanent(Refusal::new(ErrorCode::Other, sentence))));
    }
    let sentence = "The file was not sent, for it is empty (0 bytes): the customer has got the text alone.";
    let lost = Some(Refusal::new(ErrorCode::Other, sentence));
    let marked = |work: Work| match work {
        Work::Call(it) if it.message == call.message => Work::Call(Call { lost: lost.clone(), ..it }),
        other => other,
    };
    let stay = behind.into_iter().take(until).map(|(work, _)| work);
    let works = own.map(Work::Call).into_iter().chain(stay).map(marked).collect();
    Ok(Ok(Ending::Unite { behind: until, works }))
}

fn too_large(size_bytes: Option<u64>, limit_bytes: u64) -> Failure {
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let size = size_bytes
        .map_or_else(|| format!("more than {} MB", megabytes(limit_bytes)), |size| format!("{} MB", megabytes(size)));
    let limit = megabytes(limit_bytes);
    let sentence = format!(
        "Not sent: the file has {size}, and Telegram takes up to {limit} MB from bots. Send a link to it instead."
    );
    Failure::Permanent(Refusal::new(ErrorCode::Other, sentence))
}

fn refused(why: &str) -> Failure {
    let sentence = format!("Not delivered: Telegram does not take the file ({why}).");
    Failure::Permanent(Refusal::new(ErrorCode::Other, sentence))
}
