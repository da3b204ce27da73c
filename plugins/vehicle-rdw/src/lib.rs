//! Looks up a car by licence plate in the open data of the RDW (the Dutch
//! vehicle authority), and compares the catalogue price with what the payroll
//! platform holds for the additional tax liability (bijtelling).
//!
//! Only the licence plate leaves. Source: RDW open data, dataset m9d7-ebf2
//! (Gekentekende voertuigen).

use koppel_sdk::types::ActivityError;
use koppel_sdk::{Cents, Connector, ConnectorError, Context, LookupConnector, activities, http};
use serde::{Deserialize, Serialize};

/// The connector.
pub struct VehicleRdw;

/// The settings in the operator's configuration.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where the open data is.
    pub base_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://opendata.rdw.nl".to_owned(),
        }
    }
}

/// What is asked: `{"licensePlateNumber": "11-ZKZ-3"}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    /// With or without hyphens and spaces, in any case.
    pub license_plate_number: String,
}

/// What is answered.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Without hyphens, in capitals.
    pub license_plate_number: String,
    /// What the RDW knows of it; none if it knows no such plate.
    pub vehicle: Option<Vehicle>,
    /// What the payroll platform holds; none if it holds nothing.
    pub registered: Option<Registered>,
}

/// A car in the register of the RDW.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Vehicle {
    /// The make (merk).
    pub make: Option<String>,
    /// The trade name (handelsbenaming).
    pub trade_name: Option<String>,
    /// The kind of vehicle (voertuigsoort).
    pub vehicle_kind: Option<String>,
    /// When it was first admitted to the road anywhere, ISO 8601.
    pub date_of_first_admission: Option<String>,
    /// When it was first registered in the Netherlands, ISO 8601.
    pub date_of_first_registration: Option<String>,
    /// The catalogue price in euros.
    pub catalogue_price: Option<Cents>,
    /// Whether it is insured (WAM verzekerd).
    pub insured: Option<bool>,
}

/// What the payroll platform holds.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// The value for tax purposes in euros.
    pub value_for_tax_purposes: Cents,
    /// Whether it is the catalogue price; none if the RDW has no price.
    pub matches_catalogue_price: Option<bool>,
}

/// A row of the dataset, with the columns that are used. All are text.
#[derive(Debug, Deserialize)]
struct Row {
    merk: Option<String>,
    handelsbenaming: Option<String>,
    voertuigsoort: Option<String>,
    datum_eerste_toelating: Option<String>,
    datum_eerste_tenaamstelling_in_nederland: Option<String>,
    datum_eerste_afgifte_nederland: Option<String>,
    catalogusprijs: Option<String>,
    wam_verzekerd: Option<String>,
}

impl Connector for VehicleRdw {
    const NAME: &'static str = "vehicle-rdw";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Looks up cars in the open data of the RDW by licence plate";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        // A plate that is never given out: the answer is an empty list.
        let rows = ask(&context.settings, "000000")?;
        Ok(format!(
            "the RDW answers ({} rows for a plate that does not exist)",
            rows.len()
        ))
    }
}

impl LookupConnector for VehicleRdw {
    type Query = Query;
    type Answer = Answer;

    fn lookup(context: &Context<Settings>, query: Query) -> Result<Answer, ConnectorError> {
        let plate = normalise(&query.license_plate_number)?;
        let held = match activities::get_additional_taxliability_by_license_plate_number(&plate) {
            Ok(held) => Some(Cents(held.value_for_tax_purposes)),
            Err(ActivityError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let row = ask(&context.settings, &plate)?.into_iter().next();
        let vehicle = row.map(vehicle).transpose()?;
        let price = vehicle.as_ref().and_then(|vehicle| vehicle.catalogue_price);
        Ok(Answer {
            license_plate_number: plate,
            vehicle,
            registered: held.map(|value| Registered {
                value_for_tax_purposes: value,
                matches_catalogue_price: price.map(|price| price == value),
            }),
        })
    }
}

koppel_sdk::export!(VehicleRdw as lookup);

fn ask(settings: &Settings, plate: &str) -> Result<Vec<Row>, ConnectorError> {
    let url = format!(
        "{}/resource/m9d7-ebf2.json",
        settings.base_url.trim_end_matches('/')
    );
    let reply = http::get(url).query("kenteken", plate).send()?;
    match reply.status() {
        200 => Ok(reply.json()?),
        429 => Err(ConnectorError::Unavailable(reply.retry_after())),
        500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(format!(
            "RDW: status {status}: {}",
            reply.text()
        ))),
    }
}

/// Six letters or digits, in capitals.
fn normalise(plate: &str) -> Result<String, ConnectorError> {
    let plate: String = plate
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if plate.len() == 6 && plate.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(plate)
    } else {
        Err(ConnectorError::InvalidInput(
            "licensePlateNumber must have six letters or digits".to_owned(),
        ))
    }
}

fn vehicle(row: Row) -> Result<Vehicle, ConnectorError> {
    let price = match row.catalogusprijs {
        Some(price) => Some(price.parse().map_err(|error| {
            ConnectorError::OutsideParty(format!("RDW: catalogusprijs: {error}"))
        })?),
        None => None,
    };
    let registered = row
        .datum_eerste_tenaamstelling_in_nederland
        .or(row.datum_eerste_afgifte_nederland);
    Ok(Vehicle {
        make: row.merk,
        trade_name: row.handelsbenaming,
        vehicle_kind: row.voertuigsoort,
        date_of_first_admission: date(row.datum_eerste_toelating),
        date_of_first_registration: date(registered),
        catalogue_price: price,
        insured: row.wam_verzekerd.map(|insured| insured == "Ja"),
    })
}

/// The RDW writes dates as `20130104`.
fn date(text: Option<String>) -> Option<String> {
    let text = text?;
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
}
