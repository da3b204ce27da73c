//! What must hold before a connector is called, and what is said when it does
//! not.

use super::{Host, RunError, RunRequest, job};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::ledger::{Filter, Kind};
use crate::platform::{Entity, Owner, in_words};
use crate::session::{NO_LINE, Session};
use std::sync::PoisonError;
use uuid::Uuid;

impl Host {
    /// Whether an order that is to be placed again or cancelled is one of this
    /// client for this employer: an order-id of someone else opens nothing.
    pub(super) async fn known_order(&self, request: &RunRequest) -> Result<(), RunError> {
        let Some(order) = request.job.earlier_order() else {
            return Ok(());
        };
        // The order-id is the identifier of the run that placed the order.
        let placed = Filter {
            kinds: vec![Kind::RunStarted],
            client: Some(request.client.clone()),
            employer: Some(request.employer),
            run: Some(order),
            ..Filter::default()
        };
        let rows = self.ledger.rows(placed).await;
        let rows = rows.map_err(|error| RunError::Host(error.to_string()))?;
        if rows.iter().any(|row| row.summary == job::ORDER) {
            Ok(())
        } else {
            Err(RunError::NoOrder {
                order,
                client: request.client.clone(),
                employer: request.employer,
            })
        }
    }

    /// Adds to a denial that ended a run the line that would allow it.
    pub(super) async fn with_line(&self, session: &Session, error: RunError) -> RunError {
        let denial = match error {
            RunError::Connector(ConnectorError::Denied(denial)) => denial,
            // A denied request reaches a connector as a code, of which it
            // makes an error without a name.
            RunError::Connector(ConnectorError::Other(_)) => {
                let last = session
                    .denied
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                match last.clone() {
                    Some(denial) => denial,
                    None => return error,
                }
            }
            _ => return error,
        };
        let line = session.line_to_add(&denial).await;
        RunError::Denied {
            check: crate::authorization::name(denial.check),
            activity: denial.activity,
            reason: denial.reason,
            line,
        }
    }

    /// Whom an employer belongs to.
    pub(super) async fn owner(&self, employer: Uuid) -> Result<Owner, RunError> {
        self.platform
            .owner(Entity::Employer(employer))
            .await
            .map_err(|error| match error {
                ActivityError::Denied(denial) => {
                    RunError::Connector(ConnectorError::Denied(denial))
                }
                error => RunError::Host(in_words(&error)),
            })?
            .ok_or(RunError::NoEmployer(employer))
    }

    /// Records a denial of the platform that kept a run from starting.
    pub(super) async fn refused(
        &self,
        run: Uuid,
        request: &RunRequest,
        error: RunError,
    ) -> RunError {
        let RunError::Connector(ConnectorError::Denied(denial)) = error else {
            return error;
        };
        let owner = Owner {
            employer: request.employer,
            ..Owner::default()
        };
        let session = self.session(run, &request.client, &request.user, owner);
        if let Some(activity) = Activity::find(&denial.activity)
            && session.record_denial(activity, &denial).await.is_err()
        {
            return RunError::Host("the ledger cannot be written".to_owned());
        }
        RunError::Denied {
            check: crate::authorization::name(denial.check),
            activity: denial.activity,
            reason: denial.reason,
            line: NO_LINE.to_owned(),
        }
    }
}
