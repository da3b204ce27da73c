//! What it takes until a client can run: from the disk, for one and for many.

use crate::calls::threads;
use crate::floor;
use crate::measure::{median, resident};
use crate::report::{Report, Target, bytes, time};
use crate::setup::{ASKS, Koppel, asks, component, configuration};
use anyhow::{Error, Result};
use std::time::{Duration, Instant};
use wasmtime::component::Component;

/// How many clients share a component.
const CLIENTS: usize = 1_000;

/// How often a load is measured.
const TIMES: usize = 41;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let runtime = threads(2)?;
    report.group("Cold start");
    let wasm = std::fs::read(component("guests/asks.wasm"))?;
    let one = configuration(&asks(ASKS));
    let koppel = runtime.block_on(Koppel::start(&one))?;
    let first = Instant::now();
    runtime.block_on(koppel.host.load(ASKS))?;
    let compiled = first.elapsed().as_secs_f64();
    let (mut koppel, mut raw, mut loads) = (Some(koppel), Vec::new(), Vec::new());
    let engine = floor::engine().map_err(Error::msg)?;
    let code = engine.precompile_component(&wasm).map_err(Error::msg)?;
    for _ in 0..TIMES {
        let Some(Koppel { host, dir }) = koppel.take() else {
            break;
        };
        drop(host);
        // A new host, as after a restart: it has the folder, and no more.
        let next = Koppel::open(dir, &one)?;
        let began = Instant::now();
        runtime.block_on(next.host.load(ASKS))?;
        loads.push(began.elapsed().as_secs_f64());
        koppel = Some(next);
        let began = Instant::now();
        #[expect(unsafe_code, reason = "it was compiled a few lines above")]
        // SAFETY: see the reason.
        let component = unsafe { Component::deserialize(&engine, &code) }.map_err(Error::msg)?;
        floor::link(&engine, &component).map_err(Error::msg)?;
        raw.push(began.elapsed().as_secs_f64());
    }
    let (raw, load) = (median(raw), median(loads));
    report.add(
        &format!(
            "compiling a component of {} and linking it",
            bytes(wasm.len() as f64)
        ),
        String::new(),
        time(compiled),
        (compiled * 1e3, " ms"),
        Target::None,
    );
    report.add(
        &format!(
            "loading it from disk, {} of machine code, authenticated",
            bytes(code.len() as f64)
        ),
        format!("deserialize and link {}", time(raw)),
        time(load),
        (load * 1e3, " ms"),
        Target::AtMost(1.0),
    );

    let clients: String = (0..CLIENTS)
        .map(|number| asks(&format!("asks-{number}")))
        .collect();
    let dir = koppel.map(|koppel| koppel.dir);
    let many = configuration(&clients);
    let (mut ready, mut idle) = (Vec::new(), Vec::new());
    let mut dir = dir;
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
