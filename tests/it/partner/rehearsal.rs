//! Calling a connector again with what it was answered: the same again, or said
//! where it is not.

use crate::harness::{ANNA, TestHost, all_activities, client, employer};
use koppel_host::durable::Step;
use koppel_host::platform::Frozen;
use koppel_host::runs::{Job, Rehearsal, RunRequest, Usage, Witness};
use serde_json::json;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

#[derive(Default)]
struct Eye {
    steps: Mutex<Vec<Step>>,
    seed: Mutex<[u8; 32]>,
    answer: Mutex<Option<Vec<u8>>>,
}

impl Witness for Eye {
    fn called(&self, _: Uuid, seed: [u8; 32], _: Option<&Frozen>) {
        *self.seed.lock().unwrap() = seed;
    }

    fn answered(&self, _: Uuid, step: &Step) {
        self.steps.lock().unwrap().push(step.clone());
    }

    fn ended(&self, _: Uuid, answer: Option<&[u8]>, _: Usage) {
        *self.answer.lock().unwrap() = answer.map(ToOwned::to_owned);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_does_the_same_again_or_it_is_said_what_differs() {
    let mut host = TestHost::new(&client("probe", &all_activities())).await;
    let eye = Arc::new(Eye::default());
    host.host = host.host.with_witness(eye.clone());
    let query = json!({"activity": "GetEmployerByEmployerId", "id": employer(1), "again": 1});
    let request = RunRequest {
        client: "probe".to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::Lookup(query.to_string()),
    };
    let report = host.host.run(request.clone()).await;
    report.outcome.unwrap();
    let made = Rehearsal {
        run: report.run,
        request,
        seed: *eye.seed.lock().unwrap(),
        steps: eye.steps.lock().unwrap().clone(),
        before: 0,
        frozen: None,
    };
    assert_eq!(made.steps.len(), 2);
    let rows = host.rows(&[]).await.len();
    let again = host.host.rehearse(&made).await.unwrap();
    assert_eq!(again, *eye.answer.lock().unwrap());
    // Nothing was done.
    assert_eq!(host.rows(&[]).await.len(), rows);

    let differs = async |change: &dyn Fn(&mut Rehearsal)| {
        let mut other = made.clone();
        change(&mut other);
        host.host.rehearse(&other).await.unwrap_err().to_string()
    };
    let cannot = "the run was stopped: it cannot be replayed: ";
    let after =
        "; what it did before stays done, and nothing more was done. `koppel messages` shows it";
    let more = differs(&|other| {
        other.steps.pop();
    });
    assert_eq!(
        more.await,
        format!("{cannot}call 1 is GetEmployerByEmployerId, and was not made before{after}")
    );
    let other = differs(&|other| other.steps[0].fingerprint = "other".to_owned());
    assert_eq!(
        other.await,
        format!(
            "{cannot}call 0 is now GetEmployerByEmployerId, and was GetEmployerByEmployerId with other arguments{after}"
        )
    );
    let less = differs(&|other| {
        let mut step = other.steps[1].clone();
        step.seq = 2;
        other.steps.push(step);
    });
    assert_eq!(
        less.await,
        format!("{cannot}call 2 was GetEmployerByEmployerId, and is not made now{after}")
    );
}
