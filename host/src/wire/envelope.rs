//! What Loket puts around its data: versions, messages and pages.

use super::RESOURCE_VERSION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reply with a page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The number of this page, from 1.
    pub current_page: u64,
    /// The most items on a page.
    pub page_size: u64,
    /// How many pages there are.
    pub total_pages: u64,
    /// How many items there are on all pages.
    pub total_size: u64,
    /// The version of the items.
    #[serde(default)]
    pub version: Version,
    /// Warnings.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// The items.
    #[serde(rename = "_embedded")]
    pub embedded: Vec<T>,
}

impl<T> List<T> {
    /// The page with this number (from 1) of a list of `total_size` items, of
    /// which `page_size` (at least 1) are on a page.
    pub fn new(embedded: Vec<T>, current_page: u64, page_size: u64, total_size: u64) -> Self {
        Self {
            current_page,
            page_size,
            total_pages: total_size.div_ceil(page_size.max(1)),
            total_size,
            version: Version::default(),
            messages: Vec::new(),
            embedded,
        }
    }
}

/// A reply with one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Single<T> {
    /// The version of the content.
    #[serde(default)]
    pub version: Version,
    /// Warnings.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// The thing.
    pub content: T,
}

impl<T> Single<T> {
    /// A reply with this content.
    pub fn new(content: T) -> Self {
        Self {
            version: Version::default(),
            messages: Vec::new(),
            content,
        }
    }
}

/// Which version of a resource a reply holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The version: a date.
    #[serde(default)]
    pub resource_version: Option<String>,
    /// When it will no longer be there, if that is known.
    #[serde(default)]
    pub obsolete_date: Option<String>,
}

impl Default for Version {
    fn default() -> Self {
        Self {
            resource_version: Some(RESOURCE_VERSION.to_owned()),
            obsolete_date: None,
        }
    }
}

/// A message about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its code.
    pub code: u32,
    /// The entity that it is about, if it is about one of several.
    #[serde(default)]
    pub id: Option<String>,
    /// What kind of message it is.
    #[serde(rename = "type")]
    pub kind: MessageKind,
    /// What it says.
    #[serde(default)]
    pub description: String,
    /// The fields it is about.
    #[serde(default)]
    pub properties: Vec<String>,
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MessageKind {
    /// The request breaks a rule.
    BrokenBusinessRule,
    /// It was done, but.
    Warning,
    /// It could not be done.
    Exception,
    /// What was asked for does not exist.
    NotFound,
    /// A kind that koppel does not know.
    #[serde(other)]
    Other,
}
