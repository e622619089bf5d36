//! What a visitor lets go wrong.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{done, read};
use crate::sandbox::{
    page::{PageError, View},
    switches::Switch,
};

#[derive(Deserialize)]
struct SwitchRequest {
    switch: Switch,
    on: bool,
}

pub(super) async fn switch(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let SwitchRequest { switch, on } = read(&body)?;
    let switched = view.switches.set((&view.telegram, &view.kommo), switch, on);
    switched.map_err(|sentence| PageError::new(StatusCode::CONFLICT, sentence))?;
    Ok(done(&json!({})))
}
