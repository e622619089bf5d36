//! Registers which secrets each fake may receive, and where.

use crate::sandbox::{
    harness::{CHANNEL_SECRET, LINES},
    kommo::FakeKommo,
    serve::Guarded,
    telegram::FakeTelegram,
};

/// A bot's token may be in the address of requests to Telegram, the account's token in one header of requests to the
/// account, and the channel's secret nowhere.
pub(super) fn guard(telegram: &FakeTelegram, kommo: &FakeKommo) {
    let guarded =
        |name: &str, text: &str, only_after| Guarded { name: name.to_owned(), text: text.to_owned(), only_after };
    // The part before the first dot is the same in all tokens of an account.
    let access_token = kommo.access_token();
    let access_token = access_token.split('.').next().unwrap_or_default();
    let account = |only_after| guarded("the account's token", access_token, only_after);
    let channel = guarded("the channel's secret", CHANNEL_SECRET, Vec::new());
    let [chats, rest] = kommo.leaks();
    for line in LINES {
        let bot = |only_after| guarded(&format!("the token of {}", line.source), line.secret(), only_after);
        let public = line.token.strip_suffix(line.secret()).unwrap_or_default();
        let address = |begin: &str| format!("{begin}{public}");
        telegram
            .leaks()
            .guard(&[bot(["get /bot", "post /bot", "get /file/bot", "head /file/bot"].map(address).to_vec())]);
        chats.guard(&[bot(Vec::new())]);
        rest.guard(&[bot(Vec::new())]);
    }
    telegram.leaks().guard(&[channel.clone(), account(Vec::new())]);
    chats.guard(&[channel.clone(), account(Vec::new())]);
    rest.guard(&[channel, account(vec!["authorization: bearer ".to_owned()])]);
}
