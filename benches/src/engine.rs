//! What the settings of the engine do: fresh instances with each, on one and on
//! two threads. It is by these figures that koppel's are chosen.

use crate::calls::threads;
use crate::floor::{self, Floor};
use crate::measure::{Rated, Timed, medians, rates};
use crate::report::{Report, Target};
use crate::setup::component;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{Config, Enabled, PoolingAllocationConfig};

type Setting = fn(&mut Config, &mut PoolingAllocationConfig);

const SETTINGS: [(&str, Setting); 7] = [
    ("epochs", |config, _| {
        config.epoch_interruption(true);
    }),
    ("warm slots: 0", |_, pool| {
        pool.max_unused_warm_slots(0);
    }),
    ("keep 64 KiB of memory", |_, pool| {
        pool.linear_memory_keep_resident(64 << 10);
    }),
    ("keep 1 MiB of memory and all tables", |_, pool| {
        pool.linear_memory_keep_resident(1 << 20)
            .table_keep_resident(1 << 20);
    }),
    ("the same with page map scans", |_, pool| {
        pool.linear_memory_keep_resident(1 << 20)
            .table_keep_resident(1 << 20)
            .pagemap_scan(Enabled::Auto);
    }),
    ("the same, keep 4 MiB, warm slots: 0", |_, pool| {
        pool.linear_memory_keep_resident(4 << 20)
            .table_keep_resident(1 << 20)
            .max_unused_warm_slots(0)
            .pagemap_scan(Enabled::Auto);
    }),
    ("batches of 16 decommits", |_, pool| {
        pool.decommit_batch_size(16);
    }),
];

pub(crate) fn measure(report: &mut Report, lasting: Duration) -> Result<()> {
    let (one, two) = (threads(1)?, threads(2)?);
    report.group("Settings of the engine");
    let component = component("guests/asks.wasm");
    let plain = Arc::new(Floor::with(floor::engine_with(|_, _| {}), &component)?);
    for (what, setting) in SETTINGS {
        let other = Arc::new(Floor::with(floor::engine_with(setting), &component)?);
        let [before, after] = medians(
            &one,
            lasting / 3,
            [
                Timed::one(|| plain.describe_fresh()),
                Timed::one(|| other.describe_fresh()),
            ],
        );
        report.times(what, "as they are", before, after, Target::None);
        let [rate_1, rate_2, plain_2] = rates(
            16,
            [
                Some(Rated::new(&one, &other, fresh)),
                Some(Rated::new(&two, &other, fresh)),
                Some(Rated::new(&two, &plain, fresh)),
            ],
        )
        .map(|rate| rate.median);
        report.rates(
            "  on two threads",
            "as they are",
            plain_2,
            rate_2,
            Target::None,
        );
        report.rates("  two threads", "one thread", rate_1, rate_2, Target::None);
    }
    Ok(())
}

async fn fresh(floor: Arc<Floor>) {
    floor.describe_fresh().await;
}
