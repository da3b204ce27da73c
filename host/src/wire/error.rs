//! Errors: from the contract's to Loket's replies and back.
//!
//! | Error | Status | Body |
//! |---|---|---|
//! | `denied` | 403 | `{"message": "Insufficient rights for this request, reason \"…\""}` |
//! | `not-found` | 404 | envelope, message of type `NotFound` |
//! | `invalid` | 400 | envelope, one message of type `BrokenBusinessRule` per problem |
//! | `conflict` | 409 | envelope, message of type `BrokenBusinessRule` |
//! | `unavailable` | 503 | envelope, message of type `Exception`; header `Retry-After` in seconds |
//! | `other` | 500 | envelope, message of type `Exception` |

use super::envelope::{Message, MessageKind, Version};
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial, Problem};
use crate::catalogue::Activity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Loket says to a request without a valid access token (401).
pub const UNAUTHORIZED: &str = "Authorization has been denied for this request.";

/// The longest text of an upstream that is passed on, in characters.
const LONGEST: usize = 500;

/// The body of a reply that refuses access: 401 and 403.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// Why.
    pub message: String,
}

/// The body of any other reply with an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// The version of the resource.
    #[serde(default)]
    pub version: Version,
    /// What is wrong.
    pub messages: Vec<Message>,
    /// Empty.
    #[serde(rename = "_embedded", default)]
    pub embedded: Vec<serde_json::Value>,
}

/// The body of a reply with an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Body {
    /// Access was refused.
    Refusal(Refusal),
    /// Anything else.
    Failed(Failed),
}

/// A reply with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: Body,
}

impl From<ActivityError> for ErrorReply {
    fn from(error: ActivityError) -> Self {
        let failed = |status, messages| Self {
            status,
            retry_after: None,
            body: Body::Failed(Failed {
                version: Version::default(),
                messages,
                embedded: Vec::new(),
            }),
        };
        let one = |status: u16, id, kind, description: String| {
            failed(
                status,
                vec![Message {
                    code: u32::from(status),
                    id,
                    kind,
                    description,
                    properties: Vec::new(),
                }],
            )
        };
        match error {
            ActivityError::Denied(denial) => Self {
                status: 403,
                retry_after: None,
                body: Body::Refusal(Refusal {
                    message: format!(
                        "Insufficient rights for this request, reason \"{}\"",
                        denial.reason
                    ),
                }),
            },
            ActivityError::NotFound(id) => {
                let description = format!("{id} does not exist");
                one(404, Some(id), MessageKind::NotFound, description)
            }
            ActivityError::Invalid(problems) => failed(
                400,
                problems
                    .into_iter()
                    .map(|problem| Message {
                        code: problem.code,
                        id: None,
                        kind: MessageKind::BrokenBusinessRule,
                        description: problem.description,
                        properties: problem.properties,
                    })
                    .collect(),
            ),
            ActivityError::Conflict(why) => one(409, None, MessageKind::BrokenBusinessRule, why),
            ActivityError::Unavailable(retry_after) => Self {
                retry_after,
                ..one(
                    503,
                    None,
                    MessageKind::Exception,
                    "not available now; try again later".to_owned(),
                )
            },
            ActivityError::Other(why) => one(500, None, MessageKind::Exception, why),
        }
    }
}

/// A reply with an error, as it came from a platform.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// What was asked.
    pub activity: Activity,
    /// The identifier that was asked for.
    pub id: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: &'a [u8],
}

impl Received<'_> {
    /// The error of the contract. A refusal (403) becomes a denial by check
    /// `entity`: koppel's own checks were green, so what is left is what the
    /// platform knows of user and entity. Texts are cut to 500 characters, and
    /// control characters in them replaced.
    pub fn into_error(self) -> ActivityError {
        match self.status {
            403 => ActivityError::Denied(Denial {
                check: Check::Entity,
                activity: self.activity.id().to_owned(),
                reason: format!("the platform refused: {}", self.refusal()),
            }),
            404 => ActivityError::NotFound(self.id.to_owned()),
            400 => ActivityError::Invalid(self.problems()),
            409 => ActivityError::Conflict(self.descriptions("it is in conflict")),
            429 | 503 => ActivityError::Unavailable(self.retry_after),
            status => ActivityError::Other(format!(
                "the platform answered {status}: {}",
                self.descriptions("without a message")
            )),
        }
    }

    /// The reason within Loket's sentence, or the whole message.
    fn refusal(self) -> String {
        let message = super::read::<Refusal>(self.body)
            .map_or_else(|_| "without a reason".to_owned(), |body| body.message);
        // Loket's own examples have a backslash before the quotes.
        let reason = message
            .split_once("reason ")
            .map_or(message.as_str(), |(_, reason)| {
                reason.trim_matches(['"', '\\'])
            });
        text(reason)
    }

    fn messages(self) -> Vec<Message> {
        #[derive(Deserialize)]
        struct Messages {
            messages: Vec<Message>,
        }
        super::read::<Messages>(self.body).map_or_else(|_| Vec::new(), |body| body.messages)
    }

    fn problems(self) -> Vec<Problem> {
        let problems: Vec<_> = self
            .messages()
            .into_iter()
            .filter(|message| message.kind != MessageKind::Warning)
            .map(|message| Problem {
                code: message.code,
                description: text(&message.description),
                properties: message.properties.iter().map(|p| text(p)).collect(),
            })
            .collect();
        if problems.is_empty() {
            return vec![Problem {
                code: 400,
                description: "the platform refused the request without saying why".to_owned(),
                properties: Vec::new(),
            }];
        }
        problems
    }

    fn descriptions(self, otherwise: &str) -> String {
        let all: Vec<_> = self
            .messages()
            .into_iter()
            .map(|message| message.description)
            .filter(|description| !description.is_empty())
            .collect();
        if all.is_empty() {
            otherwise.to_owned()
        } else {
            text(&all.join("; "))
        }
    }
}

/// Text of another party, fit to be shown.
fn text(text: &str) -> String {
    crate::text::one_line(&text.chars().take(LONGEST).collect::<String>())
}
