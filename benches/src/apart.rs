//! What a second processor brings on this machine: processes that have nothing
//! in common, each on a processor of its own. Threads of one process cannot do
//! better than that.

use crate::calls::{Call, threads};
use crate::measure::{Pinned, Rated};
use crate::setup::{ASKS, Koppel, Process, asks, configuration};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The argument with which this program is told to be such a process.
const CHILD: &str = "--apart";

/// A process that makes calls when it is told to, on a processor of its own.
pub(crate) struct Apart {
    _process: Process,
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    /// What it works on, for as long as it does.
    _dir: TempDir,
}

impl Apart {
    /// Starts one on the processor with this place among those of this process.
    pub(crate) fn start(processor: usize) -> Result<Self> {
        let koppel = threads(1)?.block_on(Koppel::start(&configuration(&asks(ASKS))))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(CHILD).arg(koppel.dir.path());
        command.arg(format!("--processor={processor}"));
        // It opens what is there now.
        drop(koppel.host);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process(command.spawn()?);
        let stdin = process.0.stdin.take().context("its input")?;
        let stdout = process.0.stdout.take().context("its output")?;
        Ok(Self {
            _process: process,
            pipes: Mutex::new((stdin, BufReader::new(stdout).lines())),
            _dir: koppel.dir,
        })
    }

    /// What these make in a second, all together.
    pub(crate) fn rated(of: &[Self], call: Call) -> Rated<'_> {
        Rated::told(move |at_a_time| {
            let told = of.iter().try_for_each(|apart| apart.tell(call, at_a_time));
            let rate = told.and_then(|()| of.iter().map(Self::rate).sum());
            rate.expect("processes that make calls")
        })
    }

    fn tell(&self, call: Call, at_a_time: usize) -> Result<()> {
        let mut pipes = self.pipes.lock().expect("whole pipes");
        Ok(writeln!(pipes.0, "{} {at_a_time}", call.name())?)
    }

    fn rate(&self) -> Result<f64> {
        let mut pipes = self.pipes.lock().expect("whole pipes");
        Ok(pipes.1.next().context("it ended")??.parse()?)
    }
}

/// Is such a process, on what is in this folder, until nobody tells it anything.
pub(crate) fn run(folder: &Path, processor: usize) -> Result<()> {
    // Before there are threads, and until the end.
    let _pinned = Pinned::to(processor);
    let one = threads(1)?;
    let host = Arc::new(Koppel::started(folder)?);
    let rated = Call::ALL.map(|call| (call.name(), call.koppel_rated(&one, &host)));
    for line in std::io::stdin().lines() {
        let line = line?;
        let (name, at_a_time) = line.split_once(' ').context("a call, and how many")?;
        let call = rated.iter().find(|(known, _)| *known == name);
        let (_, call) = call.context("a call")?;
        println!("{}", call.sample(at_a_time.parse()?));
    }
    Ok(())
}
