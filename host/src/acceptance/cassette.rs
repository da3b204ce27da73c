//! Answers of an outside party that were recorded: a file like the answers that
//! are written by hand, so that they can be looked at and changed.

use super::answers::{Answer, WrittenAnswer};
use super::scenario::ScenarioError;
use crate::egress::{Hop, Reply};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The first lines of a cassette.
const HEAD: &str = "# Recorded by `koppel dev --record`. Look at it before you share it: it holds what\n# the outside party answered.\n\n";

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    answers: Vec<WrittenAnswer>,
}

/// Recorded answers.
#[derive(Debug)]
pub struct Cassette {
    path: PathBuf,
    written: Written,
}

impl Cassette {
    /// Reads a cassette; an empty one if there is no file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let failed = |why: String| ScenarioError {
            path: path.to_owned(),
            why,
        };
        let written = match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| failed(error.to_string().trim().to_owned()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Written::default(),
            Err(error) => return Err(failed(format!("cannot be read: {error}"))),
        };
        Ok(Self {
            path: path.to_owned(),
            written,
        })
    }

    /// The answers, to be given.
    ///
    /// # Errors
    ///
    /// When one is not right.
    pub fn into_answers(self) -> Result<Vec<Answer>, ScenarioError> {
        let base = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let answers = (1..).zip(self.written.answers).map(|(number, answer)| {
            Answer::read(answer, &base).map_err(|why| ScenarioError {
                path: self.path.clone(),
                why: format!("[[answers]] {number}: {why}"),
            })
        });
        answers.collect()
    }

    /// Adds what was answered to a request, in place of what was answered to the
    /// same before.
    pub fn record(&mut self, hop: &Hop, reply: &Reply) {
        let to = format!("{} {}", hop.method, exact(hop.url.as_str()));
        let contains = (!hop.body.is_empty())
            .then(|| String::from_utf8(hop.body.to_vec()).ok())
            .flatten();
        let same = |known: &WrittenAnswer| known.to == to && known.contains == contains;
        self.written.answers.retain(|known| !same(known));
        let mut headers = std::collections::BTreeMap::new();
        // Of no use to a connector, and different each time.
        for (name, value) in &reply.headers {
            let kept = name != "date" && name != "content-length";
            if let Some(value) = value.to_str().ok().filter(|_| kept) {
                headers.insert(name.to_string(), value.to_owned());
            }
        }
        self.written.answers.push(WrittenAnswer {
            to,
            contains,
            status: Some(reply.status.as_u16()),
            headers,
            body: Some(String::from_utf8_lossy(&reply.body).into_owned()),
            ..WrittenAnswer::default()
        });
    }

    /// Writes the file as a whole or not at all.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn write(&self) -> std::io::Result<()> {
        let text = toml::to_string_pretty(&self.written).map_err(std::io::Error::other)?;
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(HEAD.as_bytes())?;
        file.write_all(text.as_bytes())?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// A URL as a pattern that is like it and nothing else; with its query, even an
/// empty one, so that the query counts.
fn exact(url: &str) -> String {
    if url.contains('?') {
        url.to_owned()
    } else {
        format!("{url}?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, Method, StatusCode};
    use url::Url;

    fn hop(url: &str, body: &str) -> Hop {
        Hop {
            exchange: uuid::Uuid::now_v7(),
            activity: crate::catalogue::id::GetGeocodeByAddress,
            method: Method::POST,
            url: Url::parse(url).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
            repeatable: false,
        }
    }

    fn reply(body: &str) -> Reply {
        Reply {
            status: StatusCode::CREATED,
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn what_was_recorded_is_answered_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cassette.toml");
        let mut cassette = Cassette::load(&path).unwrap();
        cassette.record(&hop("https://a.nl/b?c=1", "one"), &reply("first"));
        cassette.record(&hop("https://a.nl/b?c=2", "two"), &reply("second"));
        cassette.record(&hop("https://a.nl/b", "one"), &reply("third"));
        cassette.record(&hop("https://a.nl/b?c=1", "one"), &reply("first again"));
        cassette.write().unwrap();
        let answers = Cassette::load(&path).unwrap().into_answers().unwrap();
        let answered = |url: &str, body: &str| {
            let hop = hop(url, body);
            let fits = |answer: &&Answer| {
                answer.fits(&hop.method, &hop.url, &hop.body, std::iter::empty())
            };
            let found = answers.iter().find(fits);
            found.map(|answer| String::from_utf8(answer.body.clone()).unwrap())
        };
        assert_eq!(
            answered("https://a.nl/b?c=1", "one").as_deref(),
            Some("first again")
        );
        assert_eq!(
            answered("https://a.nl/b?c=2", "two").as_deref(),
            Some("second")
        );
        assert_eq!(answered("https://a.nl/b", "one").as_deref(), Some("third"));
        assert_eq!(answered("https://a.nl/b?c=3", "one"), None);
        assert_eq!(answers.len(), 3);
    }
}
