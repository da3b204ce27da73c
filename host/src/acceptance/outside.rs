//! What a connector does when the outside party fails, and when a reply to a
//! write is lost.

use super::SuiteError;
use super::acts::Act;
use super::bench::Bench;
use super::course::Course;
use super::finding;
use super::party::{Arrived, Fault};
use super::suite::Suite;
use super::world::Size;
use crate::runs::Job;
use std::time::Instant;
use uuid::Uuid;

/// What is tried at a request that is neither the first nor a write.
const FEW: [Fault; 3] = [Fault::Status(500), Fault::Status(429), Fault::Lost];

impl Suite<'_> {
    /// Lets the outside party fail in every way, from each of some requests on.
    pub(super) async fn outside(&mut self, act: Act, usual: &Course) -> Result<(), SuiteError> {
        let mut bench = Bench::new(self.maker, act, Size::Usual);
        for (from, faults) in tried(&usual.arrived) {
            for fault in faults {
                let request = usual.arrived[from].what();
                let case = format!("{act}, request {}: {}", from + 1, fault.words());
                let in_words = format!("when the outside party {} to {request}", fault.words());
                let began = Instant::now();
                let Some(ready) = bench.ready().await? else {
                    return Ok(());
                };
                ready.world.party.fail(Some((from, fault)));
                let course = ready.world.run(ready.job.clone()).await?;
                self.observe("outside-party", &case, &in_words, &course);
                self.judge_fault(act, from, fault, &case, &in_words, &course);
                self.repeats_in(&case, &course);
                self.tried("outside-party", &case, began);
                bench.give_back(ready, &course);
                if self.is_stuck() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn judge_fault(
        &mut self,
        act: Act,
        from: usize,
        fault: Fault,
        case: &str,
        in_words: &str,
        course: &Course,
    ) {
        let failed = course
            .arrived
            .iter()
            .any(|arrived| arrived.fault == Some(fault));
        // A register that does not know what is asked says so with 404.
        let nothing_there = fault == Fault::Status(404) && !act.writes();
        if failed && course.succeeded() && fault.must_be_noticed() && !nothing_there {
            let rule = if act.fails_with_the_party() {
                finding::FAULT_SWALLOWED
            } else {
                finding::FAULT_IGNORED
            };
            self.find(
                rule,
                "outside-party",
                case,
                format!("{in_words}: it succeeded"),
            );
        }
        let Some(seconds) = course.unavailable() else {
            if from == 0
                && fault == Fault::Status(429)
                && !course.succeeded()
                && course.is_orderly()
            {
                let what = format!("{in_words}: {}", course.ending());
                self.find(finding::RETRY_AFTER_IGNORED, "outside-party", case, what);
            }
            return;
        };
        if from == 0 && fault == Fault::Status(429) && seconds != Some(7) {
            let what = format!("{in_words} and `Retry-After: 7`: {}", course.ending());
            self.find(finding::RETRY_AFTER_IGNORED, "outside-party", case, what);
        }
        let in_doubt = course.arrived.iter().find(|arrived| {
            arrived.is_write() && arrived.may_have_happened() && !arrived.is_taken_once()
        });
        if act.writes()
            && let Some(write) = in_doubt
        {
            let what = format!(
                "{in_words}: it answers `unavailable`, although {} may have been done",
                write.what()
            );
            self.find(finding::UNAVAILABLE_IN_DOUBT, "outside-party", case, what);
        }
    }

    /// Whether the usual course repeats a write by itself.
    pub(super) fn repeats(&mut self, act: Act, course: &Course) {
        self.repeats_in(&act.to_string(), course);
    }

    fn repeats_in(&mut self, case: &str, course: &Course) {
        let writes: Vec<&Arrived> = course.arrived.iter().filter(|a| a.is_write()).collect();
        for (index, write) in writes.iter().enumerate() {
            let same = |other: &&&Arrived| {
                other.what() == write.what()
                    && other.hop.url == write.hop.url
                    && other.hop.body == write.hop.body
                    && other.may_have_happened()
            };
            let before = writes[..index].iter().find(same);
            if before.is_some() && !write.is_taken_once() {
                let what = format!("it sent {} again, with the same content", write.what());
                self.find(finding::WRITE_REPEATED, "idempotency", case, what);
            }
        }
    }

    /// Loses the reply to the first write, which arrived, and asks for the same
    /// once more, as an operator does.
    pub(super) async fn repetition(&mut self, act: Act) -> Result<(), SuiteError> {
        let case = format!("{act}, again after the reply to it was lost");
        let began = Instant::now();
        let Some(ready) = Bench::new(self.maker, act, Size::Usual).ready().await? else {
            return Ok(());
        };
        ready.world.party.lose_write();
        let first = ready.world.run(ready.job.clone()).await?;
        let lost = first
            .arrived
            .iter()
            .find(|arrived| arrived.fault == Some(Fault::Lost));
        let Some(lost) = lost.cloned() else {
            return Ok(());
        };
        if first.succeeded() {
            // Found by `outside`, or it sent it again and that was taken.
            return Ok(());
        }
        ready.world.party.fail(None);
        let job = match ready.job {
            Job::Order { request, .. } => Job::Order {
                request,
                again: Some(first.report.run),
            },
            job => job,
        };
        let second = ready.world.run(job).await?;
        let in_words = "when it is asked again after the reply was lost";
        self.observe("idempotency", &case, in_words, &second);
        if !second.succeeded() && second.is_orderly() {
            let what = format!("{in_words}: {}", second.ending());
            self.find(finding::JOB_FAILED, "idempotency", &case, what);
        }
        let again = second.arrived.iter();
        if let Some(at) = again
            .clone()
            .position(|arrived| arrived.what() == lost.what())
        {
            let looked = again.take(at).any(|arrived| !arrived.is_write());
            self.judge_repetition(&case, &first, &lost, &second, at, looked);
        }
        self.tried("idempotency", &case, began);
        self.is_stuck();
        Ok(())
    }

    fn judge_repetition(
        &mut self,
        case: &str,
        first: &Course,
        lost: &Arrived,
        second: &Course,
        at: usize,
        looked: bool,
    ) {
        let written = &second.arrived[at];
        let what = written.what();
        let key = own_key(first.report.run, lost);
        let key_again = own_key(second.report.run, written);
        if let Some(key) = key
            && key_again != Some(key)
        {
            let text = format!(
                "{what} had the key {key}, and then {}",
                key_again.unwrap_or("none")
            );
            self.find(finding::KEY_CHANGED, "idempotency", case, text);
        }
        if written.is_taken_once() {
            if lost.hop.body != written.hop.body {
                let text = format!(
                    "{what} had {} bytes with SHA-256 {}, and then {} with {}",
                    lost.hop.body.len(),
                    digest(&lost.hop.body),
                    written.hop.body.len(),
                    digest(&written.hop.body)
                );
                self.find(finding::BYTES_CHANGED, "idempotency", case, text);
            }
            return;
        }
        if !looked {
            let text = format!("it sent {what} again without having asked for anything");
            self.find(finding::WRITES_BLINDLY, "idempotency", case, text);
        } else if self.maker.scenario.answers.iter().any(super::Answer::waits) {
            let text = format!("it sent {what} again, although it was told that it was there");
            self.find(finding::WRITTEN_TWICE, "idempotency", case, text);
        }
    }
}

/// The beginning of the SHA-256, for people to compare.
fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(bytes))[..12].to_owned()
}

/// The key that the connector itself made: that of the host differs from run to
/// run, and is the same in all attempts at one.
fn own_key(run: Uuid, arrived: &Arrived) -> Option<&str> {
    let of_the_host = crate::outbound::idempotency_key(run, &arrived.what(), 1);
    arrived.key().filter(|key| *key != of_the_host)
}

/// From which requests on the party fails, and how: in every way from the first,
/// from the first write and from the last; in few ways from those between.
fn tried(arrived: &[Arrived]) -> Vec<(usize, Vec<Fault>)> {
    let first_write = arrived.iter().position(Arrived::is_write);
    let numbers = 0..arrived.len();
    let all = numbers.map(|number| {
        let faults = if number == 0 || Some(number) == first_write {
            Fault::ALL.to_vec()
        } else {
            FEW.to_vec()
        };
        (number, faults)
    });
    all.take(6).collect()
}
