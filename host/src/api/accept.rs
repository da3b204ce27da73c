//! Which version of a resource a caller wants.
//!
//! Loket's rule: `Accept` is mandatory, names a date, and the newest version on
//! or before that date is meant. What does not fit is a 400: of the statuses
//! that Loket's documentation lists, 406 is none.

use crate::bindings::koppel::loket::types::{ActivityError, Problem};
use http::HeaderMap;
use http::header::ACCEPT;
use jiff::civil::Date;

/// Chooses among versions (dates, oldest first).
///
/// # Errors
///
/// `invalid`, when `Accept` is missing, asks for something other than JSON,
/// has no version, or one before the first.
pub(super) fn version(
    headers: &HeaderMap,
    versions: &[&'static str],
) -> Result<&'static str, ActivityError> {
    let mut asked = Vec::new();
    for value in headers.get_all(ACCEPT) {
        let text = value
            .to_str()
            .map_err(|_| refused("holds characters that it may not", versions))?;
        asked.extend(text.split(',').filter_map(json_version));
    }
    let Some(asked) = asked.first() else {
        return Err(refused("must be given, with a version", versions));
    };
    let Some(date) = date(asked) else {
        let why = format!("has version {asked:?}, which is no date");
        return Err(refused(&why, versions));
    };
    versions
        .iter()
        .rev()
        .find(|version| self::date(version).is_some_and(|version| version <= date))
        .copied()
        .ok_or_else(|| refused(&format!("asks for version {asked}"), versions))
}

/// The version in one range of `Accept`, if it is JSON with a version.
fn json_version(range: &str) -> Option<&str> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("application/json") {
        return None;
    }
    parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("version")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Exactly `YYYY-MM-DD`.
fn date(text: &str) -> Option<Date> {
    text.parse()
        .ok()
        .filter(|date: &Date| date.to_string() == text)
}

fn refused(why: &str, versions: &[&str]) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: format!(
            "Accept: {why}; send application/json;version=YYYY-MM-DD, the versions of this resource are {}",
            versions.join(", ")
        ),
        properties: vec!["Accept".to_owned()],
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const VERSIONS: [&str; 2] = ["2018-01-01", "2019-02-11"];

    fn chosen(values: &[&str]) -> Result<&'static str, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        version(&headers, &VERSIONS).map_err(|error| match error {
            ActivityError::Invalid(problems) => problems[0].description.clone(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_newest_version_on_or_before_the_date_is_meant() {
        for (accept, expected) in [
            ("application/json;version=2018-01-01", "2018-01-01"),
            ("application/json; version=2019-02-10", "2018-01-01"),
            ("Application/JSON;Version=\"2019-02-11\"", "2019-02-11"),
            ("application/json;q=0.9;version=2030-01-01", "2019-02-11"),
            (
                "text/html, application/json;version=2018-06-01, */*",
                "2018-01-01",
            ),
        ] {
            assert_eq!(chosen(&[accept]), Ok(expected), "{accept}");
        }
        assert_eq!(
            chosen(&["text/html", "application/json;version=2018-06-01"]),
            Ok("2018-01-01")
        );
    }

    #[test]
    fn anything_else_is_refused_with_what_to_send() {
        let end = "; send application/json;version=YYYY-MM-DD, the versions of this resource are 2018-01-01, 2019-02-11";
        for (accept, why) in [
            ("*/*", "must be given, with a version"),
            ("application/json", "must be given, with a version"),
            (
                "text/csv;version=2018-01-01",
                "must be given, with a version",
            ),
            (
                "application/json;version=",
                "has version \"\", which is no date",
            ),
            (
                "application/json;version=latest",
                "has version \"latest\", which is no date",
            ),
            (
                "application/json;version=2018-1-1",
                "has version \"2018-1-1\", which is no date",
            ),
            (
                "application/json;version=20180101",
                "has version \"20180101\", which is no date",
            ),
            (
                "application/json;version=2018-02-30",
                "has version \"2018-02-30\", which is no date",
            ),
            (
                "application/json;version=2017-12-31",
                "asks for version 2017-12-31",
            ),
        ] {
            assert_eq!(
                chosen(&[accept]),
                Err(format!("Accept: {why}{end}")),
                "{accept}"
            );
        }
        assert_eq!(
            chosen(&[]),
            Err(format!("Accept: must be given, with a version{end}"))
        );
    }
}
