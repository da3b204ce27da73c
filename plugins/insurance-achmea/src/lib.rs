//! Asks Achmea a price for an absence insurance (verzuimverzekering), concludes
//! the contract and withdraws from it.
//!
//! What leaves for a price: the number of employees, the sum of their insured
//! wages in cents, the code of the sector and the first day. Never a BSN, a
//! name or the wage of one person: with fewer than two employees the sum would
//! be one, and nothing is sent.
//!
//! The insured wage is the base wage and, in the percentages of the contract
//! that the employer has, the holiday allowance (vakantiebijslag) and the
//! year-end bonus (eindejaarsuitkering). Without a contract it is the base wage
//! and the statutory holiday allowance of 8 % (WML, article 15).
//!
//! # The contract with the insurer
//!
//! Achmea publishes no API for this. The one below is ours, made to be small;
//! it must be replaced by the insurer's own before anything is really insured.
//! Bodies are JSON, amounts whole cents, moments RFC 3339.
//!
//! | Request | Body | Reply |
//! |---|---|---|
//! | `GET /v1/status` | | 200 |
//! | `POST /v1/absence-insurance/quotes` | `numberOfEmployees`, `insuredWageSumCents`, `sectorCode`, `startDate` | 200 `quoteId`, `yearlyPremiumCents`, `expires` |
//! | `POST /v1/absence-insurance/contracts` with header `Idempotency-Key: ORDER-ID` | `quoteId`, `startDate` | 201 `contractNumber`, `yearlyPremiumCents`; 200 with the same when it has this order already |
//! | `POST /v1/absence-insurance/contracts/ORDER-ID/cancel` | | 200 `contractNumber`; 409 when it is too late |
//!
//! `ORDER-ID` is the order-id of koppel, a UUID. Errors hold
//! `{"message": "…"}`; 429 and 503 may have `Retry-After` in seconds.

use koppel_sdk::activities::{self, pages};
use koppel_sdk::http::{self, Response};
use koppel_sdk::{
    Cancellation, Confirmation, Connector, ConnectorError, Context, ProductConnector, Quotation,
    input,
};
use serde::Deserialize;
use serde_json::json;

/// The connector.
pub struct InsuranceAchmea;

/// The settings in the operator's configuration.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where the insurer's API is, without `/v1`.
    pub base_url: String,
}

/// What a price is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct QuoteRequest {
    /// How many employees are insured: at least two.
    pub number_of_employees: u32,
    /// The sum of their base wages in a year, in cents, without holiday
    /// allowance and year-end bonus.
    pub base_wage_sum_cents: i64,
    /// The code of the sector: one to ten digits and dots.
    pub sector_code: String,
    /// The first day of the insurance.
    pub start_date: String,
}

/// What is ordered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrderRequest {
    /// The reference of the price.
    pub quote_id: String,
    /// The first day of the insurance.
    pub start_date: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quoted {
    quote_id: String,
    yearly_premium_cents: i64,
    expires: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Concluded {
    contract_number: String,
    yearly_premium_cents: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Withdrawn {
    contract_number: String,
}

#[derive(Deserialize)]
struct Problem {
    message: String,
}

impl Connector for InsuranceAchmea {
    const NAME: &'static str = "insurance-achmea";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Asks a price for and concludes an absence insurance with Achmea";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        let reply = http::get(url(&context.settings, "status")).send()?;
        understood(reply)?;
        Ok("the insurer answers".to_owned())
    }
}

impl ProductConnector for InsuranceAchmea {
    type QuoteRequest = QuoteRequest;
    type OrderRequest = OrderRequest;

    fn quote(
        context: &Context<Settings>,
        request: QuoteRequest,
    ) -> Result<Quotation, ConnectorError> {
        let start = input::date("startDate", &request.start_date)?;
        check(&request)?;
        let (percentage, contract) = insured_percentage(&start)?;
        let insured = insured_sum(request.base_wage_sum_cents, percentage)?;
        let body = json!({
            "numberOfEmployees": request.number_of_employees,
            "insuredWageSumCents": insured,
            "sectorCode": request.sector_code,
            "startDate": start,
        });
        let url = url(&context.settings, "absence-insurance/quotes");
        let reply = http::post(url).json(&body)?.send()?;
        let quoted: Quoted = understood(reply)?.json()?;
        Ok(Quotation {
            reference: quoted.quote_id,
            amount: quoted.yearly_premium_cents,
            expires: quoted.expires,
            details: json!({
                "insuredWageSumCents": insured,
                "startDate": start,
                "presentContract": contract,
            })
            .to_string(),
        })
    }

    fn order(
        context: &Context<Settings>,
        order_id: &str,
        request: OrderRequest,
    ) -> Result<Confirmation, ConnectorError> {
        let right = (1..=40).contains(&request.quote_id.len())
            && request
                .quote_id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !right {
            return Err(ConnectorError::InvalidInput(
                "quoteId must be 1 to 40 letters, digits and hyphens".to_owned(),
            ));
        }
        let start = input::date("startDate", &request.start_date)?;
        let url = url(&context.settings, "absence-insurance/contracts");
        let reply = http::post(url)
            .header("idempotency-key", order_id)
            .json(&json!({"quoteId": request.quote_id, "startDate": start}))?
            .send()?;
        let reply = understood(reply)?;
        let repeated = reply.status() == 200;
        let concluded: Concluded = reply.json()?;
        Ok(Confirmation {
            reference: concluded.contract_number,
            amount: concluded.yearly_premium_cents,
            repeated,
            details: json!({"startDate": start}).to_string(),
        })
    }

    fn cancel(context: &Context<Settings>, order_id: &str) -> Result<Cancellation, ConnectorError> {
        let path = format!("absence-insurance/contracts/{order_id}/cancel");
        let reply = http::post(url(&context.settings, &path)).send()?;
        let withdrawn: Withdrawn = understood(reply)?.json()?;
        Ok(Cancellation {
            reference: withdrawn.contract_number,
            details: "{}".to_owned(),
        })
    }
}

koppel_sdk::export!(InsuranceAchmea as product);

fn url(settings: &Settings, path: &str) -> String {
    format!("{}/v1/{path}", settings.base_url.trim_end_matches('/'))
}

fn check(request: &QuoteRequest) -> Result<(), ConnectorError> {
    let wrong = |text: &str| Err(ConnectorError::InvalidInput(text.to_owned()));
    if request.number_of_employees < 2 {
        return Err(ConnectorError::Refused(
            "with fewer than two employees the wage sum would be the wage of one person, which is not sent"
                .to_owned(),
        ));
    }
    if request.base_wage_sum_cents <= 0 {
        return wrong("baseWageSumCents must be more than 0");
    }
    let sector = &request.sector_code;
    let right =
        (1..=10).contains(&sector.len()) && sector.chars().all(|c| c.is_ascii_digit() || c == '.');
    if right {
        Ok(())
    } else {
        wrong("sectorCode must be one to ten digits and dots")
    }
}

/// By how much the insured wage exceeds the base wage on a day, in hundredths
/// of a percent, and the number of the contract that says so.
fn insured_percentage(day: &str) -> Result<(u32, Option<String>), ConnectorError> {
    // ISO 8601 dates compare as text.
    let holds = |start: &str, end: Option<&str>| start <= day && end.is_none_or(|end| end >= day);
    let mut present = None;
    for contracts in pages(activities::get_achmea_insurance_contracts_by_user_id) {
        let mut held = contracts?
            .into_iter()
            .filter(|c| holds(&c.start_date, c.end_date.as_deref()));
        present = held.next_back().or(present);
    }
    let Some(contract) = present else {
        return Ok((800, None));
    };
    let mut percentage = 800;
    for percentages in pages(|page| {
        activities::get_wage_percentages_by_achmea_insurance_contract_id(&contract.id, page)
    }) {
        for p in percentages? {
            if holds(&p.start_date, p.end_date.as_deref()) {
                percentage = p.holiday_allowance_percentage + p.year_end_percentage;
            }
        }
    }
    Ok((percentage, Some(contract.contract_number)))
}

/// The base wages and the percentage of them, in cents, rounded half up.
fn insured_sum(base: i64, percentage: u32) -> Result<i64, ConnectorError> {
    let sum = i128::from(base) * (10_000 + i128::from(percentage));
    i64::try_from((sum + 5_000) / 10_000).map_err(|_| {
        ConnectorError::InvalidInput("baseWageSumCents is more than an amount can be".to_owned())
    })
}

/// A reply of success.
fn understood(reply: Response) -> Result<Response, ConnectorError> {
    let said = |reply: &Response| match reply.json::<Problem>() {
        Ok(problem) => problem.message,
        Err(_) => reply.text(),
    };
    match reply.status() {
        200..=299 => Ok(reply),
        409 => Err(ConnectorError::Refused(format!(
            "the insurer says: {}",
            said(&reply)
        ))),
        429 | 500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(format!(
            "insurer: status {status}: {}",
            said(&reply)
        ))),
    }
}
