//! What a connector is asked to do in the suite.

use super::SuiteError;
use super::course::Course;
use super::world::Maker;
use super::world::World;
use crate::admission::Kind;
use crate::platform::{DeclarationKind, seed};
use crate::runs::{Job, Output};
use std::fmt;
use uuid::Uuid;

/// The journal run that is booked: of employer 1, for June.
const PERIOD: i8 = 6;

/// Something that a connector is asked. The numbers are those of what the
/// scenario asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// To test the connection.
    Check,
    /// To book or export a journal run.
    Process,
    /// To look something up.
    Lookup(usize),
    /// A price.
    Quote(usize),
    /// To order.
    Order(usize),
    /// To cancel what it ordered.
    Cancel(usize),
    /// To make the message of a declaration.
    Create,
    /// To send it.
    Submit,
    /// To fetch the responses to it.
    Poll,
    /// To make the message of one that corrects it.
    Correct,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check => f.write_str("check"),
            Self::Process => f.write_str("journal run"),
            Self::Lookup(number) => write!(f, "look-up {}", number + 1),
            Self::Quote(number) => write!(f, "quote {}", number + 1),
            Self::Order(number) => write!(f, "order {}", number + 1),
            Self::Cancel(number) => write!(f, "cancel order {}", number + 1),
            Self::Create => f.write_str("make declaration"),
            Self::Submit => f.write_str("send declaration"),
            Self::Poll => f.write_str("fetch responses"),
            Self::Correct => f.write_str("make correction"),
        }
    }
}

impl Act {
    /// All that a connector can be asked.
    pub(crate) fn all(maker: &Maker) -> Vec<Self> {
        let scenario = &maker.scenario;
        let mut acts = vec![Self::Check];
        for kind in &maker.inspection.kinds {
            match kind {
                Kind::Journal => acts.push(Self::Process),
                Kind::Lookup => acts.extend((0..scenario.lookups.len()).map(Self::Lookup)),
                Kind::Product => {
                    acts.extend((0..scenario.quotes.len()).map(Self::Quote));
                    let orders = 0..scenario.orders.len();
                    acts.extend(orders.flat_map(|order| [Self::Order(order), Self::Cancel(order)]));
                }
                Kind::Declaration => {
                    acts.extend([Self::Create, Self::Submit, Self::Poll, Self::Correct]);
                }
            }
        }
        acts
    }

    /// Whether it does something that may not happen twice.
    pub(super) fn writes(self) -> bool {
        matches!(
            self,
            Self::Process | Self::Order(_) | Self::Cancel(_) | Self::Submit
        )
    }

    /// Whether an outside party that fails must make it fail.
    pub(super) fn fails_with_the_party(self) -> bool {
        self.writes() || self == Self::Poll
    }

    /// Whether payroll data of other sizes makes a difference to it.
    pub(super) fn reads_runs(self) -> bool {
        matches!(self, Self::Process | Self::Create)
    }

    /// Whether it can be tried in the same world again after it failed.
    pub(super) fn can_be_tried_again(self) -> bool {
        self != Self::Submit
    }

    /// What it is asked with, if that is JSON of the scenario.
    pub(super) fn input(self, maker: &Maker) -> Option<&str> {
        let scenario = &maker.scenario;
        let text = match self {
            Self::Lookup(number) => scenario.lookups.get(number),
            Self::Quote(number) => scenario.quotes.get(number),
            Self::Order(number) => scenario.orders.get(number),
            _ => None,
        };
        text.map(String::as_str)
    }

    /// The job with this input.
    pub(super) fn with_input(self, input: String) -> Option<Job> {
        match self {
            Self::Lookup(_) => Some(Job::Lookup(input)),
            Self::Quote(_) => Some(Job::Quote(input)),
            Self::Order(_) => Some(Job::Order {
                request: input,
                again: None,
            }),
            _ => None,
        }
    }

    /// Does in a world what must have been done before, and gives the job; none
    /// when that did not succeed.
    pub(crate) async fn prepare(
        self,
        maker: &Maker,
        world: &World,
    ) -> Result<Option<Job>, SuiteError> {
        let input = self.input(maker).map(ToOwned::to_owned);
        match self {
            Self::Check => Ok(Some(Job::Check)),
            Self::Process => Ok(Some(Job::ProcessJournalRun(seed::journal_run_id(
                1, PERIOD,
            )))),
            Self::Lookup(_) | Self::Quote(_) | Self::Order(_) => {
                Ok(input.and_then(|input| self.with_input(input)))
            }
            Self::Cancel(number) => {
                let request = maker.scenario.orders[number].clone();
                let ordered = world.run(Job::Order {
                    request,
                    again: None,
                });
                match ordered.await?.report.outcome {
                    Ok(Output::Order { order, .. }) => {
                        Ok(Some(Job::Cancel(order.parse().map_err(SuiteError::own)?)))
                    }
                    _ => Ok(None),
                }
            }
            Self::Create => {
                let id = world.requested(maker.declaration(), None).await?;
                Ok(Some(Job::CreateDeclaration(id)))
            }
            Self::Submit => Ok(confirmed(maker, world).await?.map(Job::SubmitDeclaration)),
            Self::Poll => Ok(sent(maker, world).await?.map(Job::PollDeclaration)),
            Self::Correct => {
                let Some(id) = sent(maker, world).await? else {
                    return Ok(None);
                };
                let id = world.requested(maker.declaration(), Some(id)).await?;
                Ok(Some(Job::CreateDeclaration(id)))
            }
        }
    }
}

impl Maker {
    /// Which kind of declaration the connector makes: as the scenario says, or
    /// by what it imports.
    pub(super) fn declaration(&self) -> DeclarationKind {
        let mut imported = self.inspection.activities.iter();
        let pension = imported.any(|activity| activity.id().contains("UpaPensionDeclaration"));
        self.scenario.declaration.unwrap_or(if pension {
            DeclarationKind::UpaPensionDeclaration
        } else {
            DeclarationKind::PayrollTaxReturn
        })
    }
}

async fn confirmed(maker: &Maker, world: &World) -> Result<Option<Uuid>, SuiteError> {
    let id = world.requested(maker.declaration(), None).await?;
    if !world.run(Job::CreateDeclaration(id)).await?.succeeded() {
        return Ok(None);
    }
    world.confirm(id).await?;
    Ok(Some(id))
}

async fn sent(maker: &Maker, world: &World) -> Result<Option<Uuid>, SuiteError> {
    let Some(id) = confirmed(maker, world).await? else {
        return Ok(None);
    };
    let sent: Course = world.run(Job::SubmitDeclaration(id)).await?;
    Ok(sent.succeeded().then_some(id))
}
