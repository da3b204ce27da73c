//! An activity as it is performed, whoever asks for it: a component through
//! the linker, or an external application through the REST API.

use super::Call;
use crate::authorization::ActivitySet;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::platform::Entity;
use crate::session::{Fault, Session};
use crate::telemetry::{self, Called, Metrics};
use std::any::Any;
use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tracing::Instrument;

/// What an activity gives, which is not copied on its way to whoever asked.
type Performed<R> = Pin<Box<dyn Future<Output = Result<Arc<R>, Fault>> + Send>>;

/// How one activity is performed: `P` are its arguments, `R` is its result.
pub(crate) struct Implementation<P, R> {
    pub(super) activity: Activity,
    pub(super) entity: fn(&P) -> Result<Option<Entity>, ActivityError>,
    pub(super) perform: Arc<dyn Fn(Call, P) -> Performed<R> + Send + Sync>,
}

impl<P, R> Clone for Implementation<P, R> {
    fn clone(&self) -> Self {
        Self {
            activity: self.activity,
            entity: self.entity,
            perform: self.perform.clone(),
        }
    }
}

impl<P, R> Implementation<P, R> {
    /// What a call with these arguments is about; none if it is about the
    /// employer that it is made for.
    ///
    /// # Errors
    ///
    /// `invalid` when the arguments name nothing that there could be.
    pub(crate) fn entity(&self, arguments: &P) -> Result<Option<Entity>, ActivityError> {
        (self.entity)(arguments)
    }

    /// Runs the five checks, and performs the activity if they are green.
    ///
    /// # Errors
    ///
    /// As for [`Session::authorize`] and the activity.
    pub(crate) async fn call(&self, session: &Arc<Session>, arguments: P) -> Result<Arc<R>, Fault> {
        let checked = pin!(self.checked(session, arguments));
        metered(self.activity, &session.metrics, checked).await
    }

    async fn checked(&self, session: &Arc<Session>, arguments: P) -> Result<Arc<R>, Fault> {
        match self.entity(&arguments) {
            Ok(entity) => session.authorize(self.activity, entity).await?,
            Err(malformed) => {
                // What is wrong with a call is told only to those who may make
                // it.
                session.authorize(self.activity, None).await?;
                return Err(malformed.into());
            }
        }
        self.performed(session, arguments).await
    }

    /// Performs the activity for whoever ran the five checks on the entity of
    /// these arguments just now.
    ///
    /// # Errors
    ///
    /// Those of the activity.
    pub(crate) async fn perform_authorized(
        &self,
        session: Arc<Session>,
        arguments: P,
    ) -> Result<Arc<R>, Fault> {
        let performed = pin!(self.performed(&session, arguments));
        metered(self.activity, &session.metrics, performed).await
    }

    async fn performed(&self, session: &Arc<Session>, arguments: P) -> Result<Arc<R>, Fault> {
        let call = Call {
            session: session.clone(),
        };
        match (self.perform)(call, arguments).await {
            // The checks were green; the platform has its own.
            Err(Fault::Guest(ActivityError::Denied(denial))) => {
                Err(session.refuse(self.activity, denial).await)
            }
            performed => performed,
        }
    }
}

/// Counts and traces a call of an activity.
async fn metered<R>(
    activity: Activity,
    metrics: &Metrics,
    call: impl Future<Output = Result<Arc<R>, Fault>>,
) -> Result<Arc<R>, Fault> {
    let span = telemetry::activity(activity.id());
    let called = call.instrument(span.clone()).await;
    let outcome = match &called {
        Ok(_) => Called::Ok,
        Err(Fault::Guest(ActivityError::Denied(_))) => Called::Denied,
        Err(_) => Called::Failed,
    };
    span.record("outcome", outcome.name());
    metrics.activity(activity, outcome);
    called
}

/// The implementations of all activities that have one.
#[derive(Default)]
pub(crate) struct Implementations(HashMap<Activity, Box<dyn Any + Send + Sync>>);

impl Implementations {
    pub(super) fn insert<P, R>(&mut self, implementation: Implementation<P, R>)
    where
        P: 'static,
        R: 'static,
    {
        let activity = implementation.activity;
        self.0.insert(activity, Box::new(implementation));
    }

    /// The activities that have one.
    pub(super) fn activities(&self) -> ActivitySet {
        self.0.keys().copied().collect()
    }

    /// The implementation of an activity with arguments `P` and result `R`;
    /// none if it has other ones, or no implementation.
    pub(crate) fn get<P: 'static, R: 'static>(
        &self,
        activity: Activity,
    ) -> Option<&Implementation<P, R>> {
        self.0.get(&activity)?.downcast_ref()
    }
}
