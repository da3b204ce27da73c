//! The APIs of the KVK, as far as they are used.

use crate::{Address, Company, Sbi, Settings};
use koppel_sdk::ConnectorError;
use koppel_sdk::http::{self, Response};
use serde::Deserialize;

/// The largest page that Zoeken gives.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    totaal: usize,
    #[serde(default)]
    resultaten: Vec<FoundCompany>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundCompany {
    kvk_nummer: String,
    vestigingsnummer: Option<String>,
    naam: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    adres: Option<FoundAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundAddress {
    binnenlands_adres: Option<KvkAddress>,
    buitenlands_adres: Option<KvkAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    kvk_nummer: String,
    naam: String,
    #[serde(default)]
    sbi_activiteiten: Vec<KvkSbi>,
    #[serde(rename = "_embedded", default)]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    hoofdvestiging: Option<Establishment>,
    eigenaar: Option<Owner>,
}

#[derive(Deserialize)]
struct Establishment {
    vestigingsnummer: Option<String>,
    #[serde(default)]
    adressen: Vec<KvkAddress>,
}

/// The owner. More is known of it, such as its RSIN; it is not asked for here.
#[derive(Deserialize)]
struct Owner {
    rechtsvorm: Option<String>,
    #[serde(default)]
    adressen: Vec<KvkAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KvkSbi {
    sbi_code: String,
    sbi_omschrijving: String,
    ind_hoofdactiviteit: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KvkAddress {
    #[serde(rename = "type")]
    kind: Option<String>,
    straatnaam: Option<String>,
    huisnummer: Option<u32>,
    huisletter: Option<String>,
    huisnummer_toevoeging: Option<String>,
    postbusnummer: Option<u32>,
    postcode: Option<String>,
    plaats: Option<String>,
    land: Option<String>,
    straat_huisnummer: Option<String>,
    postcode_woonplaats: Option<String>,
}

/// What the KVK says when it cannot answer.
#[derive(Deserialize)]
struct Faults {
    fout: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: String,
    omschrijving: String,
}

/// The company of a number; none if the register does not know it.
pub(crate) fn profile(
    settings: &Settings,
    number: &str,
) -> Result<Option<Company>, ConnectorError> {
    let url = format!("{}/api/v1/basisprofielen/{number}", base(settings));
    let Some(reply) = answered(http::get(url).send()?)? else {
        return Ok(None);
    };
    let profile: Profile = reply.json()?;
    let Embedded {
        hoofdvestiging,
        eigenaar,
    } = profile.embedded;
    let (number, mut addresses) = match hoofdvestiging {
        Some(main) => (main.vestigingsnummer, main.adressen),
        None => (None, Vec::new()),
    };
    let legal_form = eigenaar.and_then(|owner| {
        addresses.extend(owner.adressen);
        owner.rechtsvorm
    });
    let visited = |address: &&KvkAddress| address.kind.as_deref() == Some("bezoekadres");
    let address = addresses.iter().find(visited).or(addresses.first());
    let mut sbi: Vec<Sbi> = profile
        .sbi_activiteiten
        .into_iter()
        .map(|activity| Sbi {
            code: activity.sbi_code,
            description: activity.sbi_omschrijving,
            main: activity.ind_hoofdactiviteit.as_deref() == Some("Ja"),
        })
        .collect();
    sbi.sort_by_key(|activity| !activity.main);
    Ok(Some(Company {
        kvk_nummer: profile.kvk_nummer,
        establishment_number: number,
        name: profile.naam,
        kind: None,
        legal_form,
        sbi,
        address: address.cloned().map(Address::from),
    }))
}

/// Searches, and gives what was found with the number of all there is.
pub(crate) fn search(
    settings: &Settings,
    asked: &[(&str, &str)],
) -> Result<(Vec<Company>, usize), ConnectorError> {
    let size = settings.max_results.min(PAGE);
    let mut companies = Vec::new();
    let mut total = 0;
    for page in 1.. {
        let mut request = http::get(format!("{}/api/v2/zoeken", base(settings)));
        for (name, value) in asked {
            request = request.query(name, value);
        }
        let request = request
            .query("pagina", &page.to_string())
            .query("resultatenPerPagina", &size.to_string());
        let Some(reply) = answered(request.send()?)? else {
            break;
        };
        let found: Found = reply.json()?;
        total = found.totaal;
        let last = found.resultaten.is_empty();
        companies.extend(found.resultaten.into_iter().map(Company::from));
        if last || companies.len() >= total.min(settings.max_results) {
            break;
        }
    }
    companies.truncate(settings.max_results);
    Ok((companies, total))
}

fn base(settings: &Settings) -> &str {
    settings.base_url.trim_end_matches('/')
}

/// The reply, or none when there is nothing that was asked for.
fn answered(reply: Response) -> Result<Option<Response>, ConnectorError> {
    let fault = || -> Option<Fault> {
        let faults: Faults = reply.json().ok()?;
        faults.fout.into_iter().next()
    };
    match reply.status() {
        200 => Ok(Some(reply)),
        // Without a fault it is no answer of the KVK: the URL is wrong.
        404 if fault().is_some() => Ok(None),
        401 | 403 => Err(ConnectorError::OutsideParty(format!(
            "KVK: status {}: it does not accept the API key",
            reply.status()
        ))),
        429 | 500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(match fault() {
            Some(Fault { code, omschrijving }) => {
                format!("KVK: status {status}: {code} {omschrijving}")
            }
            None => format!("KVK: status {status}"),
        })),
    }
}

impl From<FoundCompany> for Company {
    fn from(found: FoundCompany) -> Self {
        let address = found
            .adres
            .and_then(|adres| adres.binnenlands_adres.or(adres.buitenlands_adres));
        Self {
            kvk_nummer: found.kvk_nummer,
            establishment_number: found.vestigingsnummer,
            name: found.naam,
            kind: found.kind,
            legal_form: None,
            sbi: Vec::new(),
            address: address.map(Address::from),
        }
    }
}

impl From<KvkAddress> for Address {
    fn from(address: KvkAddress) -> Self {
        let addition = [address.huisletter, address.huisnummer_toevoeging];
        let addition: Vec<String> = addition.into_iter().flatten().collect();
        Self {
            street: address.straatnaam.or(address.straat_huisnummer),
            house_number: address.huisnummer,
            house_number_addition: (!addition.is_empty()).then(|| addition.join(" ")),
            po_box: address.postbusnummer,
            postal_code: address.postcode,
            city: address.plaats.or(address.postcode_woonplaats),
            country: address.land.filter(|land| land != "Nederland"),
        }
    }
}
