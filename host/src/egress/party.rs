//! Outside parties with limits: how many requests at a time, in a minute and in
//! a day.

use super::normalize;
use url::Url;

/// The limits of an outside party, for all clients together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// As it is written, for a person.
    url: String,
    scheme: String,
    host: String,
    port: u16,
    segments: Vec<Segment>,
    /// How many requests may be under way.
    pub concurrency: Option<u32>,
    /// How many requests may be sent in a minute.
    pub per_minute: Option<u32>,
    /// How many requests may be sent in a calendar day, Europe/Amsterdam.
    pub per_day: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Named,
}

impl Party {
    /// Reads the limits of a party. `url` is its scheme, host and port, and
    /// possibly the beginning of a path; a part such as `{division}` stands for
    /// one that differs, each of whose values has limits of its own.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what it should be.
    pub fn new(
        url: &str,
        concurrency: Option<u32>,
        per_minute: Option<u32>,
        per_day: Option<u32>,
    ) -> Result<Self, String> {
        let wrong = |what: &str| format!("url = \"{url}\" {what}");
        let plain = url.replace(['{', '}'], "");
        let parsed = normalize::parse(&plain).map_err(|error| wrong(&error.to_string()))?;
        let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
            return Err(wrong("has no host"));
        };
        if parsed.query().is_some() {
            return Err(wrong("may not have a query"));
        }
        if concurrency.is_none() && per_minute.is_none() && per_day.is_none() {
            return Err(wrong(
                "limits nothing; add concurrency, per-minute or per-day",
            ));
        }
        if [concurrency, per_minute, per_day].contains(&Some(0)) {
            return Err(wrong(
                "has a limit of 0; a rule that is not there allows nothing",
            ));
        }
        let path = url
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split_once('/'));
        let path = path.map_or("", |(_, path)| path).trim_end_matches('/');
        let mut segments = Vec::new();
        for written in path.split('/').filter(|written| !written.is_empty()) {
            let named = written
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            segments.push(match named {
                Some(name) if !name.is_empty() && !name.contains(['{', '}']) => Segment::Named,
                None if !written.contains(['{', '}', '*']) => Segment::Literal(written.to_owned()),
                _ => return Err(wrong("may have {name} only as a whole part of its path")),
            });
        }
        Ok(Self {
            url: url.to_owned(),
            scheme: parsed.scheme().to_owned(),
            host: host.to_owned(),
            port,
            segments,
            concurrency,
            per_minute,
            per_day,
        })
    }

    /// The budget that a request to this URL is taken from, such as
    /// `https://start.exactonline.nl/api/v1/{division} 123456`; none if the
    /// request is not to this party.
    pub fn budget(&self, url: &Url) -> Option<String> {
        let same = url.scheme() == self.scheme
            && url.host_str() == Some(&self.host)
            && url.port_or_known_default() == Some(self.port);
        if !same {
            return None;
        }
        let mut written = url.path().split('/').skip(1);
        let mut budget = self.url.clone();
        for segment in &self.segments {
            let part = written.next().filter(|part| !part.is_empty())?;
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Literal(_) => return None,
                Segment::Named => {
                    budget.push(' ');
                    budget.push_str(part);
                }
            }
        }
        Some(budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(party: &str, url: &str) -> Option<String> {
        let party = Party::new(party, Some(1), None, None).unwrap();
        party.budget(&Url::parse(url).unwrap())
    }

    #[test]
    fn each_company_has_a_budget_of_its_own() {
        let exact = "https://start.exactonline.nl/api/v1/{division}";
        for (url, expected) in [
            (
                "https://start.exactonline.nl/api/v1/12/financial/GLAccounts?a=b",
                Some("https://start.exactonline.nl/api/v1/{division} 12"),
            ),
            (
                "https://start.exactonline.nl/api/v1/13",
                Some("https://start.exactonline.nl/api/v1/{division} 13"),
            ),
            ("https://start.exactonline.nl/api/v1/", None),
            ("https://start.exactonline.nl/api/v2/12", None),
            ("https://start.exactonline.be/api/v1/12", None),
            ("https://start.exactonline.nl:8443/api/v1/12", None),
            ("http://start.exactonline.nl/api/v1/12", None),
        ] {
            assert_eq!(budget(exact, url).as_deref(), expected, "{url}");
        }
        assert_eq!(
            budget("http://party.test:81", "http://party.test:81/any").as_deref(),
            Some("http://party.test:81")
        );
    }

    #[test]
    fn what_limits_nothing_or_has_no_meaning_is_refused() {
        let party = |url: &str, limit| Party::new(url, limit, None, None).unwrap_err();
        assert_eq!(
            party("https://a.nl", None),
            "url = \"https://a.nl\" limits nothing; add concurrency, per-minute or per-day"
        );
        assert_eq!(
            party("https://a.nl", Some(0)),
            "url = \"https://a.nl\" has a limit of 0; a rule that is not there allows nothing"
        );
        assert_eq!(
            party("https://a.nl/a{b}", Some(1)),
            "url = \"https://a.nl/a{b}\" may have {name} only as a whole part of its path"
        );
        assert_eq!(
            party("https://a.nl/?q=1", Some(1)),
            "url = \"https://a.nl/?q=1\" may not have a query"
        );
    }
}
