//! The checks, one after the other.

use super::SuiteError;
use super::acts::Act;
use super::bench::Bench;
use super::course::Course;
use super::finding::{self, Finding, Rule};
use super::report::{Case, Most, Report};
use super::world::{Maker, Size};
use crate::admission::Kind;
use crate::catalogue::Activity;
use crate::runs::RunError;
use std::collections::BTreeSet;
use std::time::Instant;

/// Notes a finding; the same is noted once.
pub(super) fn find(
    report: &mut Report,
    rule: &Rule,
    check: &'static str,
    case: impl Into<String>,
    what: impl Into<String>,
) {
    let (case, what) = (case.into(), what.into());
    let what = crate::text::printable(&crate::text::clipped(&what, 2_000));
    let known = report
        .findings
        .iter()
        .any(|known| known.id == rule.id && known.case == case && known.what == what);
    if known {
        return;
    }
    if rule.severity == finding::Severity::Error {
        report.passed = false;
    }
    report.findings.push(Finding {
        id: rule.id,
        severity: rule.severity,
        check,
        case,
        what,
        mend: rule.mend,
    });
}

/// A connector that is being judged.
pub(super) struct Suite<'a> {
    pub(super) maker: &'a Maker,
    report: Report,
    progress: &'a (dyn Fn(&str) + Sync),
    pub(super) most: Most,
    pub(super) performed: BTreeSet<String>,
    /// Something did not end by itself: what takes the same time again is not
    /// tried any more.
    stuck: bool,
}

impl<'a> Suite<'a> {
    pub(super) fn new(
        maker: &'a Maker,
        report: Report,
        progress: &'a (dyn Fn(&str) + Sync),
    ) -> Self {
        Self {
            maker,
            report,
            progress,
            most: Most::default(),
            performed: BTreeSet::new(),
            stuck: false,
        }
    }

    pub(super) fn into_report(self) -> Report {
        self.report
    }

    /// Notes a finding.
    pub(super) fn find(
        &mut self,
        rule: &Rule,
        check: &'static str,
        case: impl Into<String>,
        what: impl Into<String>,
    ) {
        find(&mut self.report, rule, check, case, what);
    }

    /// Notes that a case was tried.
    pub(super) fn tried(&mut self, check: &'static str, case: impl Into<String>, began: Instant) {
        self.report.cases.push(Case {
            check,
            case: case.into(),
            milliseconds: began.elapsed().as_millis() as u64,
        });
    }

    pub(super) fn report_mut(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Notes what a course shows whatever was tried. `in_words` is what was
    /// tried, after "when …".
    pub(super) fn observe(
        &mut self,
        check: &'static str,
        case: &str,
        in_words: &str,
        course: &Course,
    ) {
        self.performed.extend(course.performed());
        if course.made_files() {
            let activity = self.maker.scenario.export_activity().to_owned();
            self.performed.insert(activity);
        }
        let rule = match &course.report.outcome {
            Err(RunError::Crash(_)) => finding::CRASH,
            Err(RunError::Limit(_) | RunError::Stopped(_)) => finding::LIMIT_REACHED,
            Err(RunError::BadAnswer(_)) => finding::BAD_ANSWER,
            Err(RunError::Host(_)) => finding::HOST_FAILED,
            _ => return,
        };
        if matches!(course.report.outcome, Err(RunError::Limit(_))) {
            self.stuck = true;
        }
        let what = format!("{in_words}: {}", course.ending());
        self.find(rule, check, case, what);
    }

    /// Whether something did not end by itself since this was asked last.
    pub(super) fn is_stuck(&mut self) -> bool {
        std::mem::take(&mut self.stuck)
    }

    pub(super) async fn judge(&mut self) -> Result<(), SuiteError> {
        if !self.is_complete() {
            return Ok(());
        }
        (self.progress)("description and settings");
        self.describe().await?;
        for act in Act::all(self.maker) {
            (self.progress)(&act.to_string());
            let began = Instant::now();
            let done = self.job(act).await?;
            self.tried("job", act.to_string(), began);
            let Some(course) = done else { continue };
            self.denial(act, &course).await?;
            self.outside(act, &course).await?;
            if act.writes() && course.arrived.iter().any(super::party::Arrived::is_write) {
                self.repetition(act).await?;
            }
            if act.reads_runs() {
                self.sizes(act).await?;
            }
            self.inputs(act).await?;
        }
        self.usage();
        Ok(())
    }

    /// Whether the scenario says enough to try anything.
    fn is_complete(&mut self) -> bool {
        let scenario = &self.maker.scenario;
        let inspection = &self.maker.inspection;
        let mut missing = Vec::new();
        if inspection.http && !scenario.grant.contains_key("http") {
            missing.push("it sends requests (wasi:http); say where to: [grant] http = [{ allow = \"https://api.example.nl/*\", methods = [\"GET\"], activity = \"…\" }]");
        }
        if inspection.kinds.contains(&Kind::Lookup) && scenario.lookups.is_empty() {
            missing.push("it is of kind lookup; say what it is asked: [ask] lookup = [{ … }]");
        }
        if inspection.kinds.contains(&Kind::Product) {
            if scenario.quotes.is_empty() {
                missing.push(
                    "it is of kind product; say what a price is asked for: [ask] quote = [{ … }]",
                );
            }
            if scenario.orders.is_empty() {
                missing.push("it is of kind product; say what is ordered: [ask] order = [{ … }]");
            }
        }
        let loads = !inspection.http || scenario.grant.contains_key("http");
        for what in missing {
            self.find(
                finding::SCENARIO_INCOMPLETE,
                "scenario",
                "completeness",
                what,
            );
        }
        loads
    }

    /// Asks for what the connector is there for, and whether it does the same
    /// again when it is answered the same. None if that did not succeed.
    async fn job(&mut self, act: Act) -> Result<Option<Course>, SuiteError> {
        let case = act.to_string();
        let Some(ready) = Bench::new(self.maker, act, Size::Usual).ready().await? else {
            // What comes before it has its own case.
            return Ok(None);
        };
        let course = ready.world.run(ready.job.clone()).await?;
        self.observe("job", &case, "when all is well", &course);
        self.measure(&case, Size::Usual, &course);
        for arrived in course.arrived.iter().filter(|arrived| !arrived.foreseen) {
            let what = format!(
                "{} has no answer in [[answers]]; it was answered 404",
                arrived.what()
            );
            self.find(finding::SCENARIO_INCOMPLETE, "job", &case, what);
        }
        if !course.succeeded() {
            if course.is_orderly() {
                self.find(finding::JOB_FAILED, "job", &case, course.ending());
            }
            self.is_stuck();
            return Ok(None);
        }
        self.repeats(act, &course);
        let began = Instant::now();
        if course.seen.called {
            let rehearsed = ready.world.host.rehearse(&course.rehearsal()).await;
            let why = match rehearsed {
                Ok(Some(answer)) if course.seen.answer.as_ref() != Some(&answer) => {
                    Some("it gives another answer".to_owned())
                }
                Ok(_) => None,
                Err(RunError::Stopped(crate::runs::Stop::Diverged(why))) => Some(why),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = why {
                self.find(finding::NOT_DETERMINISTIC, "replay", &case, why);
            }
            self.tried("replay", &case, began);
        }
        Ok(Some(course))
    }

    /// Denies each activity that the act takes, in turn.
    async fn denial(&mut self, act: Act, usual: &Course) -> Result<(), SuiteError> {
        let mut taken: BTreeSet<String> = usual.performed().collect();
        if usual.made_files() {
            taken.insert(self.maker.scenario.export_activity().to_owned());
        }
        let mut bench = Bench::new(self.maker, act, Size::Usual);
        for activity in taken.iter().filter_map(|id| Activity::find(id)) {
            let case = format!("{act}, {activity} denied");
            let began = Instant::now();
            let Some(ready) = bench.ready().await? else {
                return Ok(());
            };
            self.maker.deny(&ready.world, Some(activity))?;
            let course = ready.world.run(ready.job.clone()).await?;
            self.maker.deny(&ready.world, None)?;
            let in_words = format!("when {activity} is denied");
            self.observe("denial", &case, &in_words, &course);
            if course.succeeded() {
                let what = format!("{in_words}: it succeeded");
                self.find(finding::DENIAL_SWALLOWED, "denial", &case, what);
            } else if course.is_orderly() && course.denied().is_none() {
                let what = format!("{in_words}: {}", course.ending());
                self.find(finding::DENIAL_UNSAID, "denial", &case, what);
            }
            for left in course.left_after_denial() {
                let what = format!("{in_words}: {left} left afterwards");
                self.find(finding::SENT_AFTER_DENIAL, "denial", &case, what);
            }
            self.tried("denial", &case, began);
            bench.give_back(ready, &course);
            if self.is_stuck() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Payroll data without anything in it, and with very much.
    async fn sizes(&mut self, act: Act) -> Result<(), SuiteError> {
        for (size, words) in [(Size::Empty, "empty"), (Size::Huge, "huge")] {
            let case = format!("{act}, {words}");
            let began = Instant::now();
            self.maker.prepare(size).await?;
            let Some(ready) = Bench::new(self.maker, act, size).ready().await? else {
                return Ok(());
            };
            let course = ready.world.run(ready.job.clone()).await?;
            self.observe("size", &case, &format!("when the run is {words}"), &course);
            self.measure(&case, size, &course);
            self.is_stuck();
            self.tried("size", &case, began);
        }
        Ok(())
    }

    /// Input that is nothing, no JSON, or very long.
    async fn inputs(&mut self, act: Act) -> Result<(), SuiteError> {
        let Some(input) = act.input(self.maker) else {
            return Ok(());
        };
        let long = lengthened(input);
        let tried = [
            ("an empty object", "{}".to_owned()),
            ("no JSON", "{".to_owned()),
            ("texts of a megabyte", long),
        ];
        for (words, input) in tried {
            let case = format!("{act}, {words}");
            let began = Instant::now();
            let ready = Bench::new(self.maker, act, Size::Usual).ready().await?;
            let (Some(ready), Some(job)) = (ready, act.with_input(input)) else {
                return Ok(());
            };
            let course = ready.world.run(job).await?;
            self.observe(
                "input",
                &case,
                &format!("when it is asked with {words}"),
                &course,
            );
            self.is_stuck();
            self.tried("input", &case, began);
        }
        Ok(())
    }
}

/// JSON with all of its texts made a megabyte long.
fn lengthened(input: &str) -> String {
    fn lengthen(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = text.repeat((1 << 20) / text.len().max(1)),
            serde_json::Value::Array(items) => items.iter_mut().for_each(lengthen),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(lengthen),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(input).unwrap_or_default();
    lengthen(&mut value);
    value.to_string()
}
