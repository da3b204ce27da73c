//! Looks up companies in the trade register (handelsregister) of the Chamber
//! of Commerce (KVK): one by its number, or several by name and city.
//!
//! Only the number, or the name and the city, leave. Sources: the KVK APIs
//! Basisprofiel v1 and Zoeken v2, <https://developers.kvk.nl/documentation>.

mod kvk;

use koppel_sdk::types::ActivityError;
use koppel_sdk::{Connector, ConnectorError, Context, LookupConnector, activities};
use serde::{Deserialize, Serialize};

/// The connector.
pub struct TradeRegisterKvk;

/// The settings in the operator's configuration.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where the API is; the test environment is `https://api.kvk.nl/test`.
    pub base_url: String,
    /// How many companies a search gives at most, 1 to 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub max_results: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://api.kvk.nl".to_owned(),
            max_results: 100,
        }
    }
}

/// What is asked: `{"kvkNummer": "69599084"}`, or
/// `{"naam": "Dagobert", "plaats": "Amsterdam"}` with or without the city.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    /// The number in the trade register, eight digits.
    pub kvk_nummer: Option<String>,
    /// The name of the company, or a part of it.
    pub naam: Option<String>,
    /// The city, to narrow a search by name.
    pub plaats: Option<String>,
}

/// What is answered.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The companies that were found. A search does not tell their legal form
    /// and activities; a look-up by number does.
    pub companies: Vec<Company>,
    /// How many there are in the register; a search gives `max-results` at most.
    pub total: usize,
    /// What the payroll platform holds on the company of this number; none if
    /// it holds nothing, or for a search.
    pub registered: Option<Registered>,
}

/// A company, or one of its establishments (vestigingen).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    /// The number in the trade register.
    pub kvk_nummer: String,
    /// The number of the establishment (vestigingsnummer), if it is one.
    pub establishment_number: Option<String>,
    /// The name.
    pub name: String,
    /// `hoofdvestiging` (main establishment), `nevenvestiging` (another one) or
    /// `rechtspersoon` (legal person), as a search tells it.
    pub kind: Option<String>,
    /// The legal form (rechtsvorm).
    pub legal_form: Option<String>,
    /// The activities by the Dutch standard classification (SBI), the main one
    /// first.
    pub sbi: Vec<Sbi>,
    /// The visiting address, or else another one; none if it is shielded.
    pub address: Option<Address>,
}

/// An activity by the Dutch standard classification.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sbi {
    /// The code, such as `1011`.
    pub code: String,
    /// The text that goes with it.
    pub description: String,
    /// Whether it is the main activity.
    pub main: bool,
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The street; abroad with the house number.
    pub street: Option<String>,
    /// The house number.
    pub house_number: Option<u32>,
    /// The letter and what else follows the house number.
    pub house_number_addition: Option<String>,
    /// The number of the post office box.
    pub po_box: Option<u32>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The city; abroad with the postal code.
    pub city: Option<String>,
    /// The country as the register writes it; none in the Netherlands.
    pub country: Option<String>,
}

/// What the payroll platform holds.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// The name.
    pub name: String,
    /// The legal form.
    pub legal_form: Option<String>,
    /// Whether the name is the one in the register, whatever its capitals;
    /// none if the register does not know the company.
    pub matches_name: Option<bool>,
}

impl Connector for TradeRegisterKvk {
    const NAME: &'static str = "trade-register-kvk";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Looks up companies in the Dutch trade register by number or by name";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        // A search costs nothing, and this number is never given out.
        let found = kvk::search(&context.settings, &[("kvkNummer", "00000000")])?;
        Ok(format!(
            "the trade register answers ({} companies for a number that does not exist)",
            found.1
        ))
    }
}

impl LookupConnector for TradeRegisterKvk {
    type Query = Query;
    type Answer = Answer;

    fn lookup(context: &Context<Settings>, query: Query) -> Result<Answer, ConnectorError> {
        let settings = &context.settings;
        if !(1..=1000).contains(&settings.max_results) {
            return Err(ConnectorError::InvalidSettings(
                "max-results must be 1 to 1000".to_owned(),
            ));
        }
        match (query.kvk_nummer, query.naam, query.plaats) {
            (Some(number), None, None) => by_number(settings, &number),
            (None, Some(name), city) => {
                let name = text("naam", &name)?;
                let city = city.map(|city| text("plaats", &city)).transpose()?;
                let mut asked = vec![("naam", name.as_str())];
                asked.extend(city.as_deref().map(|city| ("plaats", city)));
                let (companies, total) = kvk::search(settings, &asked)?;
                Ok(Answer {
                    companies,
                    total,
                    registered: None,
                })
            }
            _ => Err(ConnectorError::InvalidInput(
                "give either kvkNummer, or naam with or without plaats".to_owned(),
            )),
        }
    }
}

koppel_sdk::export!(TradeRegisterKvk as lookup);

fn by_number(settings: &Settings, number: &str) -> Result<Answer, ConnectorError> {
    let number = number.trim();
    if number.len() != 8 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ConnectorError::InvalidInput(
            "kvkNummer must have eight digits".to_owned(),
        ));
    }
    let held = match activities::get_company_information_by_chamber_of_commerce_number(number) {
        Ok(held) => Some(held),
        Err(ActivityError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let company = kvk::profile(settings, number)?;
    let known = company.as_ref().map(|company| company.name.to_lowercase());
    Ok(Answer {
        registered: held.map(|held| Registered {
            matches_name: known.map(|known| known == held.name.to_lowercase()),
            name: held.name,
            legal_form: held.legal_form.map(|form| form.value),
        }),
        total: company.iter().len(),
        companies: company.into_iter().collect(),
    })
}

/// A name to search for.
fn text(field: &str, text: &str) -> Result<String, ConnectorError> {
    let text = text.trim();
    let length = text.chars().count();
    if !(2..=100).contains(&length) || text.chars().any(char::is_control) {
        return Err(ConnectorError::InvalidInput(format!(
            "{field} must have 2 to 100 characters"
        )));
    }
    Ok(text.to_owned())
}
