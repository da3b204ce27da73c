//! What the suite can find. The identifiers are stable: programs and people
//! refer to them, and `docs/partner-guide.md` lists them.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something to look at; the connector passes.
    Warning,
    /// The connector does not pass.
    Error,
}

/// A rule of the suite.
#[derive(Debug)]
pub struct Rule {
    /// The stable identifier.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What must hold.
    pub rule: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

macro_rules! rules {
    ($($name:ident = $id:literal, $severity:ident, $rule:literal, $mend:literal;)*) => {
        $(pub(super) const $name: &Rule = &Rule {
            id: $id,
            severity: Severity::$severity,
            rule: $rule,
            mend: $mend,
        };)*
        /// All rules, in the order in which they are looked at.
        pub const RULES: &[&Rule] = &[$($name),*];
    };
}

rules! {
    COMPONENT_REFUSED = "component-refused", Error,
        "The component can be loaded: it is a connector of this version of the contract.",
        "Build it with the SDK of this version of koppel, for wasm32-wasip2.";
    SCENARIO_INCOMPLETE = "scenario-incomplete", Error,
        "The scenario says what the connector is asked and what the outside party answers.",
        "Add what is missing to acceptance.toml.";
    DESCRIBE_FAILED = "describe-failed", Error,
        "`describe` answers, and calls nothing of the host.",
        "Answer from constants only.";
    DESCRIBE_TEXT = "describe-text", Error,
        "The name is in kebab-case, the version is a semantic version, and the summary is one sentence of at most 120 characters.",
        "Set NAME, VERSION and SUMMARY accordingly.";
    SCHEMA_INVALID = "schema-invalid", Error,
        "The schema of the settings is a JSON Schema (draft 2020-12) of an object, without references to elsewhere.",
        "Derive it with schemars from the type of the settings.";
    SETTINGS_INVALID = "settings-invalid", Error,
        "The settings of the scenario are valid by the schema of the connector.",
        "Mend the settings in acceptance.toml or --settings, or the schema.";
    SETTINGS_UNKNOWN = "settings-unknown", Warning,
        "A key that the connector does not know is an error, by its schema and in its answer `invalid-settings`.",
        "Put #[serde(deny_unknown_fields)] on the settings: a misspelt key is noticed then.";
    JOB_FAILED = "job-failed", Error,
        "The connector does what it is asked when everything is granted and the outside party answers as the scenario says.",
        "Look at how it ended; complete the scenario, or mend the connector.";
    CRASH = "crash", Error,
        "The connector never crashes, whatever it is asked and answered.",
        "Return an error instead of panicking: no unwrap on what comes from outside.";
    LIMIT_REACHED = "limit-reached", Error,
        "The connector ends by itself within its limits.",
        "Read lists a page at a time, end every loop, and do not wait for what may not come.";
    BAD_ANSWER = "bad-answer", Error,
        "The connector answers only what its kind may.",
        "Report success only when it is one, with a reference and amounts that are right.";
    HOST_FAILED = "host-failed", Error,
        "The host can do its part.",
        "Look at how it ended; it may be a fault of koppel.";
    DENIAL_SWALLOWED = "denial-swallowed", Error,
        "When an activity is denied that the job takes, the job does not succeed.",
        "Give the error of an activity back with `?`.";
    DENIAL_UNSAID = "denial-unsaid", Error,
        "When an activity is denied, the connector ends with that denial.",
        "Give the error of an activity back with `?`, or answer `denied` with the denial that you got.";
    SENT_AFTER_DENIAL = "sent-after-denial", Error,
        "After a denial nothing is sent any more, and no file is published.",
        "Stop at the first denial.";
    FAULT_SWALLOWED = "fault-swallowed", Error,
        "When the outside party fails, a job that writes does not succeed.",
        "Look at the status of every reply.";
    FAULT_IGNORED = "fault-ignored", Warning,
        "When the outside party fails, a job that only reads does not succeed as if nothing had happened.",
        "Look at the status of every reply, or say in the answer what is missing.";
    RETRY_AFTER_IGNORED = "retry-after-ignored", Warning,
        "When the outside party takes no more requests for now (429), the connector answers `unavailable` with the seconds of `Retry-After`.",
        "Answer ConnectorError::Unavailable(reply.retry_after()).";
    UNAVAILABLE_IN_DOUBT = "unavailable-in-doubt", Error,
        "`unavailable` says that nothing was booked, ordered or sent: it is not the answer after a write that may have arrived.",
        "Answer `outside-party`, or make the write one that is taken once: under a key, or with PUT, and `idempotency` or `repeatable` in its rule.";
    WRITE_REPEATED = "write-repeated", Error,
        "The connector does not send the same write twice in a run, unless it is taken once.",
        "Do not retry by yourself: the host and its operator decide that.";
    KEY_CHANGED = "key-changed", Error,
        "A write that is repeated after its reply was lost has the same Idempotency-Key.",
        "Make the key of something that does not change: the order-id, or the reference of what is sent.";
    BYTES_CHANGED = "bytes-changed", Error,
        "A write that is repeated after its reply was lost, and that the outside party takes once, has the same bytes.",
        "Leave out of it what differs between two runs, such as the time or the run-id.";
    WRITES_BLINDLY = "writes-blindly", Error,
        "Before it writes again what may have arrived, the connector asks the outside party whether it has it, unless the write is taken once.",
        "Look before you write, or send a key.";
    WRITTEN_TWICE = "written-twice", Error,
        "What the outside party has already is not written again.",
        "Take what was found for what was to be done.";
    NOT_DETERMINISTIC = "not-deterministic", Error,
        "Called again with the same answers, the connector makes the same calls with the same bytes and gives the same answer.",
        "Do one thing after the other, and take nothing from where the host does not see it.";
    ACTIVITY_UNUSED = "activity-unused", Warning,
        "Every activity that the component imports is performed in some scenario.",
        "Remove the call, or add a job to the scenario that needs it.";
    GRANT_UNUSED = "grant-unused", Warning,
        "Every activity that the scenario grants besides is used.",
        "Remove the rule or the activity from acceptance.toml: ask for the least.";
    LIMIT_NEAR = "limit-near", Warning,
        "The connector uses at most half of each of the default limits.",
        "Use less, or tell operators which limit to raise.";
    LOG_OVERFLOWS = "log-overflows", Warning,
        "The log of a run fits into its limit.",
        "Log what an operator needs, not every line.";
}

/// Something that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The identifier of the rule.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where: the check.
    pub check: &'static str,
    /// In which case of the check.
    pub case: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub mend: &'static str,
}

#[cfg(test)]
mod tests {
    use super::RULES;
    use std::collections::BTreeSet;

    #[test]
    fn every_identifier_is_there_once() {
        let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
    }

    #[test]
    fn the_partner_guide_lists_every_rule_as_it_is() {
        let guide = include_str!("../../../docs/partner-guide.md");
        let listed: Vec<&str> = guide
            .lines()
            .skip_while(|line| !line.starts_with("| Finding |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let rules: Vec<String> = RULES
            .iter()
            .map(|rule| {
                let severity = format!("{:?}", rule.severity).to_lowercase();
                format!(
                    "| `{}` | {severity} | {} | {} |",
                    rule.id, rule.rule, rule.mend
                )
            })
            .collect();
        assert_eq!(listed, rules, "write the table anew:\n{}", rules.join("\n"));
    }
}
