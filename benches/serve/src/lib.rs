//! What `asks` does, as a component that answers HTTP requests: it reads a
//! query, and answers. It has no activity to perform.

use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    times: u32,
}

#[derive(Serialize)]
struct Answer {
    name: String,
    times: u32,
    /// How often this instance was asked.
    asked: u32,
}

static ASKED: AtomicU32 = AtomicU32::new(0);

struct Asks;

wasip2::http::proxy::export!(Asks);

impl Guest for Asks {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let answer = match read(&request).and_then(|query| look_up(&query)) {
            Ok(answer) => answer,
            Err(error) => {
                let error = ErrorCode::InternalError(Some(error));
                return ResponseOutparam::set(out, Err(error));
            }
        };
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("the first time that it is taken");
        ResponseOutparam::set(out, Ok(response));
        let mut stream = body.write().expect("the first time that it is taken");
        let written = stream.write_all(&answer);
        let written = written.and_then(|()| Write::flush(&mut stream));
        drop(stream);
        if written.is_ok() {
            // Whoever asked may be gone.
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn read(request: &IncomingRequest) -> Result<Query, String> {
    let body = request.consume().map_err(|()| "no body".to_owned())?;
    let mut stream = body.stream().map_err(|()| "no body".to_owned())?;
    let mut text = Vec::new();
    stream
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

fn look_up(query: &Query) -> Result<Vec<u8>, String> {
    let answer = Answer {
        name: String::new(),
        times: query.times,
        asked: ASKED.fetch_add(1, Ordering::Relaxed) + 1,
    };
    serde_json::to_vec(&answer).map_err(|error| error.to_string())
}
