//! The methods that receive updates. They never reach Telegram, because telekommo is the only poller of each bot.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};

use crate::gateway::{Program, Shared, answer::Answer, forward, updates, webhooks};

/// Answers a call. `name` is spelled as in the Bot API.
pub(super) async fn answer(shared: &Shared, program: &Program, name: &str, request: Request<Body>) -> Response {
    let params = match forward::params(request).await {
        Ok(params) => params,
        Err(answer) => return answer.into_response(),
    };
    match name {
        "getUpdates" => updates::get(shared, program, &params).await,
        "setWebhook" => webhooks::set(shared, program, &params).await.into_response(),
        "deleteWebhook" => webhooks::delete(shared, program, &params).await.into_response(),
        "getWebhookInfo" => webhooks::info(shared, program).into_response(),
        _ => Answer::no_such_method().into_response(),
    }
}
