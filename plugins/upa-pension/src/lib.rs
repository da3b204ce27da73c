//! Makes pension declarations in the way of the UPA (uniforme
//! pensioenaangifte), sends them to an HTTPS endpoint and stores what comes
//! back, person by person.
//!
//! **The official schema of the UPA was not available.** SIVI keeps it. The
//! message is modelled on the wage-tax return of the Dutch tax administration
//! (Loonaangifte 2022 v2.0), on which the UPA is based too, in a namespace of
//! its own (`upa-like.xsd`). It must be checked against the schema and the
//! acceptance environment of the pension administrator before use; the
//! connector says so with every message that it makes.

mod message;
mod response;

use koppel_sdk::types::{DeclarationStatus, UpaPensionDeclaration};
use koppel_sdk::{
    Connector, ConnectorError, Context, DeclarationConnector, Message, Submission, activities,
    delivery, log, numbers, payroll,
};

/// What is said with every message that is made.
const WARNING: &str = "this message is modelled on the UPA (uniforme pensioenaangifte) after the wage-tax return; the official UPA schema was not available: check it against that of the pension administrator before use";

/// The connector.
pub struct UpaPension;

/// The settings in the operator's configuration.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where messages go, such as `https://gateway.example.nl/upa`.
    pub endpoint: String,
    /// The number that the sending party has, 8 characters, such as `SWO00077`.
    pub sending_party_number: String,
    /// The code of the pension scheme (regeling) at the pension administrator.
    pub scheme: String,
    /// Which payroll components make the amounts.
    #[serde(default)]
    pub components: Components,
}

/// Keys of payroll components whose results are added up. The defaults are
/// those of koppel's demonstration data.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Components {
    /// The pensionable wage (pensioengevend loon).
    pub pensionable_wage: Vec<u32>,
    /// The premium of the employee.
    pub employee_premium: Vec<u32>,
    /// The premium of the employer.
    pub employer_premium: Vec<u32>,
    /// The hours, in hundredths.
    pub hours: Vec<u32>,
}

impl Default for Components {
    fn default() -> Self {
        Self {
            pensionable_wage: vec![62],
            employee_premium: vec![60],
            employer_premium: vec![61],
            hours: vec![113],
        }
    }
}

impl Connector for UpaPension {
    const NAME: &'static str = "upa-pension";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Makes and sends pension declarations modelled on the UPA (no official schema)";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        check_settings(&context.settings)?;
        let employer = activities::get_employer_by_employer_id(&context.employer_id)?;
        Ok(format!(
            "declarations for {} go to {}; nothing was sent to it. Note: {WARNING}",
            employer.company_name, context.settings.endpoint
        ))
    }
}

impl DeclarationConnector for UpaPension {
    fn create(context: &Context<Settings>, id: &str) -> Result<Message, ConnectorError> {
        let settings = &context.settings;
        check_settings(settings)?;
        let declaration = declaration(id)?;
        match declaration.status {
            DeclarationStatus::Requested | DeclarationStatus::Failed => {}
            status => {
                return Err(ConnectorError::Refused(format!(
                    "pension declaration {id} has a message already: its status is {status:?}"
                )));
            }
        }
        let number = payroll_taxes_number(&declaration)?;
        let corrects = corrected(&declaration)?;
        let paid = payroll::paid_in(
            &context.employer_id,
            &declaration.payroll_administration_id,
            &declaration.payroll_period,
        )?;
        let participants = message::participants(settings, paid)?;
        let reference = message::reference(&declaration, number);
        let bytes = message::write(
            settings,
            &declaration,
            number,
            &participants,
            &reference,
            corrects.as_deref(),
        )?;
        log::warn(WARNING);
        log::info(format!(
            "{reference}: {} income relationships, {} bytes",
            participants.len(),
            bytes.len()
        ));
        Ok(Message { reference, bytes })
    }

    fn submit(
        context: &Context<Settings>,
        _id: &str,
        message: &Message,
    ) -> Result<Submission, ConnectorError> {
        check_settings(&context.settings)?;
        delivery::deliver(&context.settings.endpoint, message)
    }

    fn poll_response(context: &Context<Settings>, id: &str) -> Result<(), ConnectorError> {
        check_settings(&context.settings)?;
        let endpoint = &context.settings.endpoint;
        let declaration = declaration(id)?;
        let Some(reference) = &declaration.message_reference else {
            return Err(ConnectorError::Refused(format!(
                "pension declaration {id} has no message"
            )));
        };
        for name in delivery::responses(endpoint, reference)? {
            let known = &declaration.response_messages;
            if known.iter().any(|response| response.reference == name) {
                continue;
            }
            let file = delivery::response(endpoint, reference, &name)?;
            let response = response::read(&name, &file, reference)?;
            activities::post_send_response_message_by_upa_pension_declaration_id(
                id, &response, &file,
            )?;
        }
        Ok(())
    }
}

koppel_sdk::export!(UpaPension as declaration);

fn declaration(id: &str) -> Result<UpaPensionDeclaration, ConnectorError> {
    Ok(activities::get_upa_pension_declaration_by_upa_pension_declaration_id(id)?)
}

fn payroll_taxes_number(declaration: &UpaPensionDeclaration) -> Result<&str, ConnectorError> {
    // Not shown: the number of a sole proprietor holds a citizen service number.
    match &declaration.payroll_taxes_number {
        Some(number) if numbers::is_wage_tax_number(number) => Ok(number),
        _ => Err(ConnectorError::Refused(
            "the wage-tax number (loonheffingennummer) of the payroll administration is missing or not right: it must be nine digits that pass the eleven-test (elfproef), L, and two digits, such as 999990007L01".to_owned(),
        )),
    }
}

/// The reference of the message that this declaration corrects.
fn corrected(of: &UpaPensionDeclaration) -> Result<Option<String>, ConnectorError> {
    match &of.corrects_upa_pension_declaration_id {
        Some(id) => Ok(declaration(id)?.message_reference),
        None => Ok(None),
    }
}

fn check_settings(settings: &Settings) -> Result<(), ConnectorError> {
    if settings.sending_party_number.chars().count() != 8 {
        return Err(ConnectorError::InvalidSettings(
            "sending-party-number must have 8 characters".to_owned(),
        ));
    }
    if settings.scheme.trim().is_empty() {
        return Err(ConnectorError::InvalidSettings(
            "scheme must not be empty".to_owned(),
        ));
    }
    delivery::check_endpoint(&settings.endpoint)
}
