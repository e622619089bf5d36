//! A web server in front of a bridge, as a proxy is; and one of another time.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use reqwest::Client;
use tokio::net::TcpListener;

/// What it answers itself; it passes everything else on.
pub(crate) type Answers = fn(&Method, &str) -> Option<StatusCode>;

/// A web server before what listens at `to`.
pub(crate) async fn open(answers: Answers, to: SocketAddr) -> SocketAddr {
    let client = Client::builder().no_proxy().build().unwrap();
    let pass = move |request: Request| {
        let client = client.clone();
        async move {
            match answers(request.method(), request.uri().path()) {
                Some(status) => (status, "<html><h1>nginx</h1></html>").into_response(),
                None => pass_on(&client, to, request).await,
            }
        }
    };
    serve(Router::new().fallback(pass)).await
}

/// A server that knows nothing, and lives at `date`.
pub(super) async fn of_another_time(date: &'static str) -> SocketAddr {
    let answer = move || async move {
        let date = HeaderValue::from_static(date);
        (StatusCode::NOT_FOUND, [(header::DATE, date)], "{}")
    };
    serve(Router::new().fallback(answer)).await
}

async fn pass_on(client: &Client, to: SocketAddr, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    head.headers.remove(header::HOST);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let asked = client.request(head.method, format!("http://{to}{}", head.uri)).headers(head.headers).body(body);
    match asked.send().await {
        Ok(answer) => {
            let status = answer.status();
            (status, Body::from(answer.bytes().await.unwrap())).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no lifecycle")]
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}
