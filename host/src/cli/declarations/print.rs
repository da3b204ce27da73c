//! Declarations as a person sees them.

use crate::cli::output::{BOLD, DIM, GREEN, Output, RED, table};
use crate::desk::Declaration;
use crate::text::one_line;

pub(super) fn done(what: &str, declaration: &Declaration, out: &Output) {
    out.result(declaration, || {
        anstream::println!(
            "{GREEN}{what}{GREEN:#} {} {}",
            declaration.kind,
            declaration.id
        );
        if let Some(sha256) = &declaration.message_sha256 {
            anstream::println!("its message has SHA-256 {sha256}");
        }
    });
}

pub(super) fn print_all(all: &[Declaration]) {
    if all.is_empty() {
        anstream::println!("there are no declarations");
        return;
    }
    let mut table = table(&["Declaration", "Kind", "Period", "Nr", "Status", "Reference"]);
    for one in all {
        table.add_row([
            one.id.clone(),
            one.kind.to_owned(),
            format!("{}-{:02}", one.year, one.period_number),
            one.sequence_number.to_string(),
            format!("{} {}", one.status, one.status_text),
            one.message_reference.clone().unwrap_or_default(),
        ]);
    }
    anstream::println!("{table}");
}

pub(super) fn print(one: &Declaration) {
    anstream::println!("{BOLD}{} {}{BOLD:#}", one.kind, one.id);
    let line = |name: &str, value: String| anstream::println!("  {name:<11} {}", one_line(&value));
    line("period", format!("{}-{:02}", one.year, one.period_number));
    line("number", one.sequence_number.to_string());
    line("status", format!("{} {}", one.status, one.status_text));
    if let Some(corrects) = &one.corrects {
        line("corrects", corrects.clone());
    }
    if let Some(why) = &one.failure {
        line("failure", why.clone());
    }
    if let (Some(reference), Some(sha256)) = (&one.message_reference, &one.message_sha256) {
        line("message", format!("{reference}, SHA-256 {sha256}"));
    }
    for (name, event) in [
        ("requested", Some(&one.requested)),
        ("confirmed", one.approved.as_ref()),
        ("cancelled", one.cancelled.as_ref()),
    ] {
        if let Some(event) = event {
            line(name, format!("{} by {}", event.time, event.user));
        }
    }
    if let Some(sent) = &one.sent {
        line("sent", sent.clone());
    }
    for response in &one.responses {
        let style = match response.status {
            "error" | "NOK" => RED,
            _ => GREEN,
        };
        anstream::println!(
            "  {style}{}{style:#} {} {} {}",
            response.status,
            one_line(&response.time),
            one_line(&response.reference),
            one_line(&response.description)
        );
        for line in &response.lines {
            let who = match line.employee_number {
                Some(number) => format!("employee {number}"),
                None => "all".to_owned(),
            };
            anstream::println!(
                "    {} {who}: {} {DIM}({}){DIM:#}",
                line.status,
                one_line(&line.description),
                one_line(&line.code)
            );
        }
    }
}
