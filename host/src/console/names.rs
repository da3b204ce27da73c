//! What things are called, in the language of the visitor.

use crate::language::Texts;

/// The states of runs, in the order in which they are offered.
pub(super) const STATES: [&str; 7] = [
    "queued",
    "running",
    "needs-a-person",
    "succeeded",
    "failed",
    "dead",
    "cancelled",
];

/// The kinds of jobs, in the order in which they are offered.
pub(super) const JOBS: [&str; 9] = [
    "check",
    "process-journal-run",
    "create-declaration",
    "submit-declaration",
    "poll-declaration",
    "lookup",
    "quote",
    "order",
    "cancel",
];

/// The kinds of messages.
pub(super) const KINDS: [&str; 3] = ["request", "response", "export-file"];

/// What a state of a run is called.
pub(super) fn state_name(t: &Texts, state: &str) -> &'static str {
    match state {
        "queued" => t.queued,
        "running" => t.running,
        "needs-a-person" => t.needs_a_person,
        "succeeded" => t.succeeded,
        "failed" => t.failed_runs,
        "dead" => t.dead,
        _ => t.cancelled,
    }
}

/// How a state of a run looks: classes of the style sheet.
pub(super) fn state_badge(state: &str) -> &'static str {
    match state {
        "running" => "badge info busy",
        "needs-a-person" => "badge warn",
        "succeeded" => "badge good",
        "failed" | "dead" => "badge bad",
        _ => "badge",
    }
}

/// What a kind of job is called.
pub(super) fn job_name(t: &Texts, job: &str) -> &'static str {
    match job {
        "process-journal-run" => t.job_journal_run,
        "create-declaration" => t.job_create_declaration,
        "submit-declaration" => t.job_submit_declaration,
        "poll-declaration" => t.job_poll_declaration,
        "lookup" => t.job_lookup,
        "quote" => t.job_quote,
        "order" => t.job_order,
        "cancel" => t.job_cancel,
        _ => t.job_check,
    }
}

/// Where a run comes from.
pub(super) fn origin_name(t: &Texts, origin: &str) -> &'static str {
    match origin {
        "direct" => t.origin_direct,
        "schedule" => t.origin_schedule,
        _ => t.origin_submitted,
    }
}

/// What a check is called.
pub(super) fn check_name(t: &Texts, check: &str) -> &'static str {
    match check {
        "client" => t.check_client,
        "user" => t.check_user,
        "role" => t.check_role,
        "module" => t.check_module,
        "entity" => t.check_entity,
        "egress" => t.check_egress,
        "exports" => t.check_exports,
        _ => t.check_other,
    }
}

/// What a kind of message is called.
pub(super) fn kind_name(t: &Texts, kind: &str) -> &'static str {
    match kind {
        "request" => t.kind_request,
        "response" => t.kind_response,
        _ => t.kind_export_file,
    }
}
