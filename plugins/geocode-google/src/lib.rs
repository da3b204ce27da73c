//! Looks up the coordinates of an address with the Google Geocoding API.
//!
//! Only the address leaves; the host adds the API key, which the connector
//! never sees. Source: the OpenAPI description of the Google Maps Platform,
//! operation `geocode`.

use koppel_sdk::http::{self, Response};
use koppel_sdk::{Connector, ConnectorError, Context, LookupConnector};
use serde::{Deserialize, Serialize};

/// The connector.
pub struct GeocodeGoogle;

/// The settings in the operator's configuration.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where the API is.
    pub base_url: String,
    /// The language of the address in the answer, such as `nl`.
    pub language: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://maps.googleapis.com".to_owned(),
            language: "nl".to_owned(),
        }
    }
}

/// What is asked, for example `{"street": "Voordijk", "houseNumber": 12,
/// "postalCode": "1234AA", "city": "Leiden"}`. The parts are separate, so that
/// there is no room for what is no address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    /// The street.
    pub street: Option<String>,
    /// The house number.
    pub house_number: Option<u32>,
    /// What follows the house number.
    pub house_number_addition: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The city.
    pub city: String,
    /// The country, ISO 3166-1 alpha-2; the Netherlands if it is not given.
    pub country: Option<String>,
}

/// What is answered.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Where it can be, the likeliest first; none if it is not known.
    pub locations: Vec<Location>,
}

/// A place that fits the address.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// In degrees, WGS 84.
    pub latitude: f64,
    /// In degrees, WGS 84.
    pub longitude: f64,
    /// How exact it is: `ROOFTOP`, `RANGE_INTERPOLATED`, `GEOMETRIC_CENTER` or
    /// `APPROXIMATE`.
    pub precision: String,
    /// The address as Google writes it.
    pub formatted_address: String,
    /// Whether only a part of the address was found.
    pub partial_match: bool,
    /// Google's identifier of the place.
    pub place_id: String,
}

#[derive(Deserialize)]
struct Geocoded {
    status: String,
    error_message: Option<String>,
    #[serde(default)]
    results: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    formatted_address: String,
    geometry: Geometry,
    #[serde(default)]
    partial_match: bool,
    place_id: String,
}

#[derive(Deserialize)]
struct Geometry {
    location: Point,
    location_type: String,
}

#[derive(Deserialize)]
struct Point {
    lat: f64,
    lng: f64,
}

impl Connector for GeocodeGoogle {
    const NAME: &'static str = "geocode-google";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Looks up the coordinates of an address at Google";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        let places = ask(&context.settings, "Utrecht", "NL")?;
        Ok(format!(
            "Google answers ({} places for the city of Utrecht)",
            places.len()
        ))
    }
}

impl LookupConnector for GeocodeGoogle {
    type Query = Query;
    type Answer = Answer;

    fn lookup(context: &Context<Settings>, query: Query) -> Result<Answer, ConnectorError> {
        let country = query.country.as_deref().unwrap_or("NL");
        if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(ConnectorError::InvalidInput(
                "country must be two capitals, such as NL".to_owned(),
            ));
        }
        let places = ask(&context.settings, &written(&query)?, country)?;
        Ok(Answer {
            locations: places.into_iter().map(Location::from).collect(),
        })
    }
}

koppel_sdk::export!(GeocodeGoogle as lookup);

/// The address in one line: `Voordijk 12 D, 1234AA Leiden`.
fn written(query: &Query) -> Result<String, ConnectorError> {
    if query.house_number.is_some() && query.street.is_none() {
        return Err(ConnectorError::InvalidInput(
            "houseNumber needs a street".to_owned(),
        ));
    }
    let number = query.house_number.map(|number| number.to_string());
    let line = |parts: &[Option<&str>]| {
        let parts: Vec<&str> = parts.iter().flatten().map(|part| part.trim()).collect();
        parts.join(" ")
    };
    let street = line(&[
        query.street.as_deref(),
        number.as_deref(),
        query.house_number_addition.as_deref(),
    ]);
    let city = line(&[query.postal_code.as_deref(), Some(&query.city)]);
    if query.city.trim().is_empty() {
        return Err(ConnectorError::InvalidInput("city is empty".to_owned()));
    }
    Ok(if street.is_empty() {
        city
    } else {
        format!("{street}, {city}")
    })
}

fn ask(settings: &Settings, address: &str, country: &str) -> Result<Vec<Place>, ConnectorError> {
    let url = format!(
        "{}/maps/api/geocode/json",
        settings.base_url.trim_end_matches('/')
    );
    let reply = http::get(url)
        .query("address", address)
        .query("components", &format!("country:{country}"))
        .query("language", &settings.language)
        .send()?;
    match reply.status() {
        200..=299 | 400 | 403 => places(&reply),
        429 | 500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(format!(
            "Google: status {status}"
        ))),
    }
}

/// Reads the status in the body, which tells more than the one of HTTP.
fn places(reply: &Response) -> Result<Vec<Place>, ConnectorError> {
    let geocoded: Geocoded = reply.json()?;
    let why = match geocoded.error_message {
        Some(message) => format!("Google: {}: {message}", geocoded.status),
        None => format!("Google: {}", geocoded.status),
    };
    match geocoded.status.as_str() {
        "OK" => Ok(geocoded.results),
        "ZERO_RESULTS" => Ok(Vec::new()),
        "INVALID_REQUEST" => Err(ConnectorError::InvalidInput(why)),
        "OVER_QUERY_LIMIT" | "UNKNOWN_ERROR" => {
            koppel_sdk::log::warn(why);
            Err(ConnectorError::Unavailable(reply.retry_after()))
        }
        // REQUEST_DENIED, OVER_DAILY_LIMIT: the account, not the moment.
        _ => Err(ConnectorError::OutsideParty(why)),
    }
}

impl From<Place> for Location {
    fn from(place: Place) -> Self {
        Self {
            latitude: place.geometry.location.lat,
            longitude: place.geometry.location.lng,
            precision: place.geometry.location_type,
            formatted_address: place.formatted_address,
            partial_match: place.partial_match,
            place_id: place.place_id,
        }
    }
}
