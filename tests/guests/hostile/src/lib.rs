//! A connector that does what its query says, all of it bad. It has export
//! files and outside requests, and one activity.

mod raw;

use koppel_sdk::{
    Connector, ConnectorError, Context, LookupConnector, activities, exports, http, log,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::Write;

pub struct Hostile;

#[derive(Deserialize, schemars::JsonSchema)]
pub struct Settings {}

#[derive(Deserialize)]
#[serde(tag = "attack", rename_all = "kebab-case")]
pub enum Attack {
    /// Computes for ever.
    Loop,
    /// Takes memory for ever.
    MemoryBomb,
    /// Calls itself for ever.
    Recursion,
    Panic,
    /// Waits for ever.
    Sleep,
    LogFlood,
    StdoutFlood,
    /// Looks for whatever the host might have left lying about.
    LookAround,
    /// Asks for another employer.
    OtherEmployer {
        id: String,
    },
    /// Uses a handle that it was never given.
    ForgedHandle,
    /// Takes handles for ever.
    HandleBomb,
    /// Makes a file of this name.
    Export {
        name: String,
    },
    /// Writes more than its quota.
    QuotaBomb,
    /// Leaves a file unfinished.
    Unfinished,
    /// Sends a request.
    Request {
        #[serde(default = "get")]
        method: String,
        url: String,
        #[serde(default)]
        header: Option<(String, String)>,
        #[serde(default)]
        body: String,
    },
    /// Sends a request that it put together by hand.
    Raw(raw::Raw),
    /// Sends requests for ever.
    RequestFlood {
        url: String,
    },
    /// Sends a number of requests, whatever becomes of them.
    Requests {
        url: String,
        times: u32,
    },
    /// Performs what it may not, a number of times.
    Denials {
        id: String,
        times: u32,
    },
    /// Writes one endless line.
    Line,
    /// Writes to its standard error for ever.
    StderrFlood,
    /// Writes text that reads differently than it is.
    Bidirectional,
    /// Passes more to the host than it takes.
    HugeArgument,
    /// Steers the terminal of whoever reads the log.
    ControlCharacters,
    /// Tells the truth of nothing: claims a denial that never was.
    FalseDenial,
}

fn get() -> String {
    "GET".to_owned()
}

impl Connector for Hostile {
    const NAME: &'static str = "hostile";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Misbehaves";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl LookupConnector for Hostile {
    type Query = Attack;
    type Answer = Value;

    fn lookup(_: &Context<Settings>, attack: Attack) -> Result<Value, ConnectorError> {
        match attack {
            Attack::Loop => loop {
                black_box(0);
            },
            Attack::MemoryBomb => {
                let mut all = Vec::new();
                loop {
                    all.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Attack::Recursion => Ok(json!(recurse(black_box(0)))),
            Attack::Panic => panic!("on purpose"),
            Attack::Sleep => {
                std::thread::sleep(std::time::Duration::from_secs(3_600));
                Ok(json!("awake"))
            }
            Attack::LogFlood => {
                for number in 0..100_000 {
                    log::info(format!("line {number}"));
                }
                Ok(json!("logged"))
            }
            Attack::StdoutFlood => {
                for number in 0..20_000 {
                    println!("line {number}");
                }
                Ok(json!("printed"))
            }
            Attack::LookAround => Ok(look_around()),
            Attack::OtherEmployer { id } => match activities::get_employer_by_employer_id(&id) {
                Ok(employer) => Ok(json!({"got": employer.company_name})),
                Err(error) => Ok(json!({"error": activities::Words(&error).to_string()})),
            },
            Attack::ForgedHandle => {
                let mut area = [0_u64; 16];
                // SAFETY: none; that is the point. The area is larger than any
                // result of the function.
                unsafe { finish(4_242, area.as_mut_ptr().cast()) };
                Ok(json!("finished a file that does not exist"))
            }
            Attack::HandleBomb => {
                let mut files = Vec::new();
                for number in 0..100_000 {
                    files.push(exports::create(&format!("file-{number}"))?);
                }
                Ok(json!(files.len()))
            }
            Attack::Export { name } => {
                let mut file = match exports::create(&name) {
                    Ok(file) => file,
                    Err(error) => return Ok(json!({"error": format!("{error:?}")})),
                };
                file.write_all(b"content")?;
                Ok(json!({"written": file.finish()?.name}))
            }
            Attack::QuotaBomb => {
                let mut file = exports::create("bomb.bin")?;
                loop {
                    file.write_all(&[0; 65_536])?;
                }
            }
            Attack::Unfinished => {
                let mut file = exports::create("unfinished.bin")?;
                file.write_all(b"content")?;
                file.flush()?;
                std::mem::forget(file);
                Ok(json!("left it"))
            }
            Attack::Request {
                method,
                url,
                header,
                body,
            } => request(&method, url, header, body),
            Attack::Raw(request) => Ok(raw::send(request)),
            Attack::Requests { url, times } => {
                let failed = (0..times).filter(|_| http::get(&url).send().is_err());
                Ok(json!(failed.count()))
            }
            Attack::Denials { id, times } => {
                let denied =
                    (0..times).filter(|_| activities::get_employer_by_employer_id(&id).is_err());
                Ok(json!(denied.count()))
            }
            Attack::Line => {
                print!("{}", "x".repeat(1 << 20));
                Ok(json!("printed"))
            }
            Attack::StderrFlood => {
                for number in 0..20_000 {
                    eprintln!("line {number}");
                }
                Ok(json!("printed"))
            }
            Attack::Bidirectional => {
                log::info("paid \u{202e}001 \u{2066}EUR\u{2069}\u{2028}forged line");
                Ok(json!("logged"))
            }
            Attack::RequestFlood { url } => {
                let mut sent = 0;
                while http::get(&url).send().is_ok() {
                    sent += 1;
                }
                Ok(json!(sent))
            }
            Attack::HugeArgument => {
                log::info("x".repeat(40 << 20));
                Ok(json!("logged"))
            }
            Attack::ControlCharacters => {
                log::info("\u{1b}[2J\u{1b}]0;owned\u{7} done\rover");
                Ok(json!("logged"))
            }
            Attack::FalseDenial => Err(ConnectorError::Denied(koppel_sdk::types::Denial {
                check: koppel_sdk::types::Check::Client,
                activity: "DropAllTables".to_owned(),
                reason: "give me everything".to_owned(),
            })),
        }
    }
}

koppel_sdk::export!(Hostile as lookup);

#[link(wasm_import_module = "koppel:connector/exports@0.1.0")]
unsafe extern "C" {
    #[link_name = "[method]export-file.finish"]
    fn finish(handle: i32, result: *mut u8);
}

#[expect(unconditional_recursion, reason = "it is the attack")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(black_box(depth + 1)) + frame[0]
}

fn look_around() -> Value {
    let root = std::fs::read_dir("/")
        .map(Iterator::count)
        .map_err(|error| error.to_string());
    json!({
        "environment": std::env::vars().count(),
        "arguments": std::env::args().count(),
        "root": format!("{root:?}"),
        "passwd": std::fs::read_to_string("/etc/passwd").is_ok(),
        "stdin": std::io::read_to_string(std::io::stdin()).unwrap_or_default(),
    })
}

fn request(
    method: &str,
    url: String,
    header: Option<(String, String)>,
    body: String,
) -> Result<Value, ConnectorError> {
    let mut request = match method {
        "POST" => http::post(url),
        "PUT" => http::put(url),
        _ => http::get(url),
    };
    if let Some((name, value)) = header {
        request = request.header(&name, &value);
    }
    request.body = body.into_bytes();
    match request.send() {
        Ok(reply) => Ok(json!({"status": reply.status(), "body": reply.text()})),
        Err(error) => Ok(json!({"error": format!("{:?}", error.kind)})),
    }
}
