//! A chat in Telegram.

use futures_util::{FutureExt as _, future::BoxFuture};

use crate::{
    alerts::{alert_message::AlertMessage, target::Target},
    telegram::bot::Bot,
};

pub(super) struct Chat {
    pub(super) bot: Bot,
    pub(super) chat: i64,
}

impl Target for Chat {
    fn send<'a>(&'a self, alert: &'a AlertMessage) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let text = format!("{}\n\n{}", alert.title, alert.text);
            self.bot.notify(self.chat, text).await.map_err(|failure| failure.why().into_owned())
        }
        .boxed()
    }
}
