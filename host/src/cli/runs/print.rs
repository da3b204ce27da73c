//! Runs on the terminal.

use crate::cli::output::{BOLD, DIM, table};
use crate::durable::{Attempt, Run, State, moment};
use crate::text::one_line;

pub(super) fn print_list(runs: &[Run]) {
    let mut table = table(&[
        "Run",
        "Submitted",
        "Client",
        "Employer",
        "Job",
        "Tries",
        "State",
    ]);
    for run in runs {
        table.add_row([
            run.id.to_string(),
            moment(run.submitted),
            run.client.clone(),
            run.employer.to_string(),
            one_line(&run.job.to_string()),
            run.attempts.to_string(),
            run.state.to_string(),
        ]);
    }
    anstream::println!("{table}");
}

pub(super) fn print(run: &Run, attempts: &[Attempt]) {
    anstream::println!("{BOLD}run {}{BOLD:#}: {}", run.id, run.state);
    anstream::println!("  job        {}", one_line(&run.job.to_string()));
    anstream::println!(
        "  client     {}, for user {}",
        run.client,
        one_line(&run.user)
    );
    anstream::println!("  employer   {}", run.employer);
    anstream::println!(
        "  submitted  {}, key {}",
        moment(run.submitted),
        one_line(&run.key)
    );
    if run.state == State::Queued {
        anstream::println!("  due        {}", moment(run.due));
    }
    if let Some(ended) = run.ended {
        anstream::println!("  over       {}", moment(ended));
    }
    if let Some(output) = &run.output {
        anstream::println!("  output     {}", one_line(&output.to_string()));
    }
    if let Some(error) = &run.error {
        anstream::println!("  error      {}: {}", error.code, one_line(&error.message));
    }
    for doubt in &run.doubts {
        anstream::println!("  in doubt   {}", one_line(&doubt.what));
    }
    for what in &run.happened {
        anstream::println!("  happened   {}, as a person said", one_line(what));
    }
    for attempt in attempts {
        let resumed = match attempt.resumed {
            0 => String::new(),
            count => format!(", resumed {count} times"),
        };
        let outcome = attempt.outcome.as_deref().unwrap_or("not ended");
        anstream::println!(
            "{BOLD}attempt {}{BOLD:#} began {}{resumed}: {outcome}",
            attempt.number,
            moment(attempt.begun)
        );
        for line in &attempt.log {
            anstream::println!("{DIM}{:>9}{DIM:#} {}", line.source.name(), line.text);
        }
    }
    if run.state == State::NeedsAPerson {
        anstream::println!(
            "look at the outside party, and say what became of it: koppel runs decide {} happened|did-not-happen|stop --user U\n{DIM}what left: koppel messages --run {}{DIM:#}",
            run.id,
            run.id
        );
    }
}
