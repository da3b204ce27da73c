//! What it takes until a client can run: from the disk, for one and for many.

use crate::calls::threads;
use crate::floor;
use crate::measure::{median, resident};
use crate::report::{Report, Target, bytes, time};
use crate::setup::{ASKS, Koppel, all, asks, component, configuration};
use anyhow::{Context, Error, Result};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wasmtime::component::Component;

/// How many clients share a component.
const CLIENTS: usize = 1_000;

/// How often a load is measured.
const TIMES: usize = 41;

/// A client whose component is larger.
const CSV: &str = "journal-csv";
const CSV_FILE: &str = "plugins/journal-csv.wasm";

/// How large the component of the target is, in bytes.
const TARGET: f64 = 100_000.0;

/// A component of which loading it is measured.
struct Sample {
    client: &'static str,
    wasm: Vec<u8>,
    /// A configuration with this client.
    text: String,
    /// Seconds until it is compiled and ready.
    compiled: f64,
    /// Seconds until it is ready, when it was compiled before.
    loads: Vec<f64>,
    dir: Option<TempDir>,
}

impl Sample {
    fn new(runtime: &Runtime, client: &'static str, file: &str, text: &str) -> Result<Self> {
        let koppel = runtime.block_on(Koppel::start(text))?;
        let first = Instant::now();
        runtime.block_on(koppel.host.load(client))?;
        Ok(Self {
            client,
            wasm: std::fs::read(component(file))?,
            text: text.to_owned(),
            compiled: first.elapsed().as_secs_f64(),
            loads: Vec::new(),
            dir: Some(koppel.dir),
        })
    }

    /// Loads it in a new host, as after a restart: that has the folder, and no
    /// more.
    fn load(&mut self, runtime: &Runtime) -> Result<()> {
        let dir = self.dir.take().context("a folder")?;
        let next = Koppel::open(dir, &self.text)?;
        let began = Instant::now();
        runtime.block_on(next.host.load(self.client))?;
        self.loads.push(began.elapsed().as_secs_f64());
        self.dir = Some(next.dir);
        Ok(())
    }

    fn size(&self) -> f64 {
        self.wasm.len() as f64
    }
}

fn journal_csv() -> String {
    let (component, all) = (component(CSV_FILE), all());
    format!(
        "[clients.{CSV}]\ncomponent = {component:?}\nactivities = {all}\n\
         exports = {{ directory = \"exports\", quota-bytes = 1_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}\n"
    )
}

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let runtime = threads(2)?;
    report.group("Cold start");
    let one = configuration(&asks(ASKS));
    let mut small = Sample::new(&runtime, ASKS, "guests/asks.wasm", &one)?;
    let csv = configuration(&journal_csv());
    let mut large = Sample::new(&runtime, CSV, CSV_FILE, &csv)?;
    let mut raw = Vec::new();
    let engine = floor::engine().map_err(Error::msg)?;
    let code = engine
        .precompile_component(&small.wasm)
        .map_err(Error::msg)?;
    for _ in 0..TIMES {
        small.load(&runtime)?;
        let began = Instant::now();
        #[expect(unsafe_code, reason = "it was compiled a few lines above")]
        // SAFETY: see the reason.
        let component = unsafe { Component::deserialize(&engine, &code) }.map_err(Error::msg)?;
        floor::link(&engine, &component).map_err(Error::msg)?;
        raw.push(began.elapsed().as_secs_f64());
        large.load(&runtime)?;
    }
    report.add(
        &format!(
            "compiling a component of {} and linking it",
            bytes(small.size())
        ),
        String::new(),
        time(small.compiled),
        (small.compiled * 1e3, " ms"),
        Target::None,
    );
    let (raw, load) = (median(raw), median(small.loads.clone()));
    report.add(
        &format!(
            "loading it from disk, {} of machine code, authenticated",
            bytes(code.len() as f64)
        ),
        format!("deserialize and link {}", time(raw)),
        time(load),
        (load * 1e3, " ms"),
        Target::None,
    );
    let load_large = median(large.loads.clone());
    report.add(
        &format!("the same of a component of {}", bytes(large.size())),
        String::new(),
        time(load_large),
        (load_large * 1e3, " ms"),
        Target::None,
    );
    // A connector in Rust is larger than that.
    let slope = (load_large - load) / (large.size() - small.size());
    let of_target = load + slope * (TARGET - small.size());
    report.add(
        &format!("of {}, on the line through both", bytes(TARGET)),
        String::new(),
        time(of_target),
        (of_target * 1e3, " ms"),
        Target::AtMost(1.0),
    );

    let clients: String = (0..CLIENTS)
        .map(|number| asks(&format!("asks-{number}")))
        .collect();
    let many = configuration(&clients);
    let (mut ready, mut idle) = (Vec::new(), Vec::new());
    let mut dir = small.dir;
    for _ in 0..3 {
        let Some(folder) = dir.take() else { break };
        let began = Instant::now();
        let koppel = Koppel::open(folder, &many)?;
        let (before, _) = resident();
        runtime.block_on(async {
            for number in 0..CLIENTS {
                koppel.host.load(&format!("asks-{number}")).await?;
            }
            anyhow::Ok(())
        })?;
        ready.push(began.elapsed().as_secs_f64());
        let (after, _) = resident();
        idle.push(after.saturating_sub(before) as f64 / CLIENTS as f64);
        dir = Some(koppel.dir);
        // Its engine reserves much; what is measured next is not to see it.
        std::thread::sleep(Duration::from_millis(50));
    }
    let (ready, idle) = (median(ready), median(idle));
    report.add(
        &format!("{CLIENTS} clients ready, configuration included"),
        String::new(),
        time(ready),
        (ready, " s"),
        Target::AtMost(2.0),
    );
    report.add(
        "memory of each idle client",
        String::new(),
        bytes(idle),
        (idle / 1024.0, " KiB"),
        Target::AtMost(50.0),
    );
    Ok(())
}
