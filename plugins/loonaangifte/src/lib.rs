//! Makes wage-tax returns (loonaangiften) in the schema of the Dutch tax
//! administration, Loonaangifte 2022 v2.0, sends them to an HTTPS endpoint and
//! stores what comes back.
//!
//! The endpoint is that of an intermediary that speaks
//! [`koppel_sdk::delivery`]. Digipoort, the government's own gateway, speaks
//! another protocol (SOAP, signed), which this connector does not.

mod fields;
mod message;
mod reading;
mod survey;

use fields::Mapping;
use koppel_sdk::types::PayrollTaxReturn;
use koppel_sdk::{
    Connector, ConnectorError, Context, DeclarationConnector, Message, Submission, activities,
    delivery, log,
};
use std::collections::{BTreeMap, BTreeSet};
use survey::Survey;

/// The connector.
pub struct Loonaangifte;

/// The settings in the operator's configuration.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where messages go, such as `https://gateway.example.nl/loonaangifte`.
    pub endpoint: String,
    /// Whom the tax administration may ask (ContPers), at most 35 characters.
    pub contact_person: String,
    /// The telephone number of that person (TelNr), at most 25 characters.
    pub telephone: String,
    /// The relation number that the tax administration gave (RelNr), 8
    /// characters, such as `SWO00077`.
    pub relation_number: String,
    /// Which payroll components make the amounts: the name of an element of
    /// `Werknemersgegevens` and the keys of the components that are added up.
    /// What is not named here keeps its default.
    #[serde(default)]
    pub components: BTreeMap<String, Vec<u32>>,
}

impl Connector for Loonaangifte {
    const NAME: &'static str = "loonaangifte";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Makes and sends wage-tax returns (Loonaangifte 2022 v2.0)";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        let settings = &context.settings;
        check_settings(settings)?;
        Mapping::new(&settings.components)?;
        let employer = activities::get_employer_by_employer_id(&context.employer_id)?;
        Ok(format!(
            "returns for {} are made as Loonaangifte 2022 v2.0 and go to {}; nothing was sent to it",
            employer.company_name, settings.endpoint
        ))
    }
}

impl DeclarationConnector for Loonaangifte {
    fn create(context: &Context<Settings>, id: &str) -> Result<Message, ConnectorError> {
        let settings = &context.settings;
        check_settings(settings)?;
        let mapping = Mapping::new(&settings.components)?;
        let declaration = activities::get_payroll_tax_return_by_payroll_tax_return_id(id)?;
        let survey = Survey::of(&context.employer_id, &declaration, &mapping)?;
        let withdrawn = withdrawn(&declaration, &survey)?;
        let reference = message::reference(&declaration, &survey.wage_tax_number);
        let bytes = message::write(settings, &declaration, &survey, &withdrawn, &reference)?;
        log::info(format!(
            "{reference}: {} income relationships, {} withdrawn, {} bytes",
            survey.relationships.len(),
            withdrawn.len(),
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
        let declaration = activities::get_payroll_tax_return_by_payroll_tax_return_id(id)?;
        let Some(reference) = &declaration.message_reference else {
            return Err(ConnectorError::Refused(format!(
                "payroll tax return {id} has no message"
            )));
        };
        for name in delivery::responses(endpoint, reference)? {
            let known = &declaration.response_messages;
            if known.iter().any(|response| response.reference == name) {
                continue;
            }
            let file = delivery::response(endpoint, reference, &name)?;
            let response = reading::response(&name, &file, reference)?;
            activities::post_send_response_message_by_payroll_tax_return_id(id, &response, &file)?;
        }
        Ok(())
    }
}

koppel_sdk::export!(Loonaangifte as declaration);

/// What the message that this one corrects had, and this one has not.
fn withdrawn(
    declaration: &PayrollTaxReturn,
    survey: &Survey,
) -> Result<BTreeSet<message::Withdrawn>, ConnectorError> {
    let Some(corrected) = &declaration.corrects_payroll_tax_return_id else {
        return Ok(BTreeSet::new());
    };
    let before = activities::get_message_by_payroll_tax_return_id(corrected)?;
    let before = reading::identities(&before)?;
    Ok(before.difference(&survey.identities()).cloned().collect())
}

fn check_settings(settings: &Settings) -> Result<(), ConnectorError> {
    let within = |field: &str, text: &str, min: usize, max: usize| {
        let count = text.trim().chars().count();
        if (min..=max).contains(&count) {
            return Ok(());
        }
        let wanted = if min == max {
            format!("{min}")
        } else {
            format!("{min} to {max}")
        };
        Err(ConnectorError::InvalidSettings(format!(
            "{field} must have {wanted} characters"
        )))
    };
    within("contact-person", &settings.contact_person, 1, 35)?;
    within("telephone", &settings.telephone, 1, 25)?;
    within("relation-number", &settings.relation_number, 8, 8)?;
    delivery::check_endpoint(&settings.endpoint)
}
