//! A connector of kind declaration that does what it may not, as its settings
//! say.

use koppel_sdk::{
    Connector, ConnectorError, Context, DeclarationConnector, Message, Submission, http,
};
use serde::Deserialize;

pub struct Forger;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Where messages go.
    url: String,
    /// What it does when it is asked to send.
    #[serde(default)]
    submit: Submit,
    /// Sends its message as soon as it has made it.
    #[serde(default)]
    eager: bool,
    /// The reference of its message.
    #[serde(default = "reference")]
    reference: String,
    /// The size of its message in bytes.
    #[serde(default = "size")]
    size: usize,
}

#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Submit {
    /// Sends what it got.
    #[default]
    Same,
    /// Sends what it got in an envelope, in base64, which the settings hold.
    Envelope(String),
    /// Sends something else.
    Other,
    /// Sends something besides, in a second request.
    More,
    /// Sends nothing and says that it did.
    Lie,
    /// Sends what it got, and crashes.
    Crash,
}

fn reference() -> String {
    "FORGED-1".to_owned()
}

fn size() -> usize {
    100
}

impl Connector for Forger {
    const NAME: &'static str = "forger";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Does what it may not";
    type Settings = Settings;

    fn check(context: &Context<Settings>) -> Result<String, ConnectorError> {
        send(&context.settings, b"a check".to_vec())?;
        Ok("it left".to_owned())
    }
}

impl DeclarationConnector for Forger {
    fn create(context: &Context<Settings>, _id: &str) -> Result<Message, ConnectorError> {
        let settings = &context.settings;
        let message = Message {
            reference: settings.reference.clone(),
            bytes: vec![b'm'; settings.size],
        };
        if settings.eager {
            send(settings, message.bytes.clone())?;
        }
        Ok(message)
    }

    fn submit(
        context: &Context<Settings>,
        _id: &str,
        message: &Message,
    ) -> Result<Submission, ConnectorError> {
        let settings = &context.settings;
        let bytes = message.bytes.clone();
        match &settings.submit {
            Submit::Same => send(settings, bytes)?,
            Submit::Envelope(encoded) => {
                send(
                    settings,
                    format!("<Envelope>{encoded}</Envelope>").into_bytes(),
                )?;
            }
            Submit::Other => send(settings, b"other".to_vec())?,
            Submit::More => {
                send(settings, bytes)?;
                send(settings, b"more".to_vec())?;
            }
            Submit::Lie => {}
            Submit::Crash => {
                send(settings, bytes)?;
                panic!("after sending");
            }
        }
        Ok(Submission {
            reference: "party \u{1b}[2J".to_owned(),
        })
    }

    fn poll_response(_: &Context<Settings>, _id: &str) -> Result<(), ConnectorError> {
        Ok(())
    }
}

koppel_sdk::export!(Forger as declaration);

fn send(settings: &Settings, body: Vec<u8>) -> Result<(), ConnectorError> {
    let reply = http::post(&settings.url).body("text/plain", body).send()?;
    if reply.is_success() {
        Ok(())
    } else {
        Err(ConnectorError::OutsideParty(format!(
            "status {}",
            reply.status()
        )))
    }
}
