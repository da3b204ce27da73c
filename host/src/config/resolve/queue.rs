//! What the file says of the queue, of outside parties and of schedules.

use super::Resolver;
use crate::authorization::Grants;
use crate::config::queue::{WrittenParty, WrittenSchedule};
use crate::config::shared::{self, WrittenQueue, WrittenStore};
use crate::config::{Client, Queue, Retry, Schedule, Shared};
use crate::egress::Party;
use crate::sandbox::READY;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

impl Resolver<'_> {
    /// `embedded` says whether the payroll data is a file of this machine.
    pub(super) fn queue(
        &mut self,
        store: Option<Spanned<WrittenStore>>,
        queue: Option<Spanned<WrittenQueue>>,
        embedded: bool,
    ) -> (Queue, Option<Shared>) {
        let own = queue.as_ref().map_or_else(Queue::default, |queue| Queue {
            workers: queue.get_ref().workers,
            drain_seconds: queue.get_ref().drain_seconds,
        });
        if let (Err(text), Some(queue)) = (own.validate(), &queue) {
            self.fault(Some(&queue.span()), format!("[queue] {text}"));
        }
        let shared = shared::resolve(store, queue, embedded, self.base);
        let shared = shared.unwrap_or_else(|faults| {
            for (span, text) in faults {
                self.fault(Some(&span), text);
            }
            None
        });
        (own, shared)
    }

    pub(super) fn retry(&mut self, client: &str, retry: Option<Spanned<Retry>>) -> Retry {
        let Some(retry) = retry else {
            return Retry::default();
        };
        if let Err(text) = retry.get_ref().validate() {
            let text = format!("[clients.{client}.retry] {text}");
            self.fault(Some(&retry.span()), text);
        }
        retry.into_inner()
    }

    pub(super) fn concurrency(
        &mut self,
        client: &str,
        concurrency: Option<Spanned<u32>>,
    ) -> Option<u32> {
        let concurrency = concurrency?;
        if *concurrency.get_ref() == 0 {
            let text = format!(
                "[clients.{client}] concurrency = 0 would let none of its runs begin; take it out for no limit"
            );
            self.fault(Some(&concurrency.span()), text);
        }
        Some(concurrency.into_inner())
    }

    pub(super) fn ready(&mut self, client: &str, ready: Option<Spanned<u32>>) -> u32 {
        let Some(ready) = ready else { return 0 };
        if *ready.get_ref() > READY {
            let text = format!(
                "[clients.{client}] ready = {} is more than {READY}, which is how many instances of all clients together can wait",
                ready.get_ref()
            );
            self.fault(Some(&ready.span()), text);
        }
        ready.into_inner()
    }

    pub(super) fn parties(&mut self, parties: Vec<Spanned<WrittenParty>>) -> Vec<Party> {
        let mut resolved = Vec::new();
        for party in parties {
            let span = party.span();
            match party.into_inner().resolve() {
                Ok(party) => resolved.push(party),
                Err(text) => self.fault(Some(&span), format!("[[parties]] {text}")),
            }
        }
        resolved
    }

    pub(super) fn schedules(
        &mut self,
        schedules: Vec<Spanned<WrittenSchedule>>,
        clients: &BTreeMap<String, Client>,
        grants: &Grants,
    ) -> Vec<Schedule> {
        let mut resolved: Vec<Schedule> = Vec::new();
        let mut names = BTreeSet::new();
        for schedule in schedules {
            let span = schedule.span();
            let schedule = schedule.into_inner();
            let name = schedule.name.clone();
            if name.is_empty() || !names.insert(name.clone()) {
                let text = format!("[[schedules]] name = {name:?} must be one of its own");
                self.fault(Some(&span), text);
            }
            let elsewhere = self.elsewhere.contains(schedule.client.get_ref());
            if !elsewhere && !clients.contains_key(schedule.client.get_ref()) {
                let text = format!(
                    "there is no connector \"{0}\"; add `[clients.{0}]` with `component` and `activities`",
                    schedule.client.get_ref()
                );
                self.fault(Some(&schedule.client.span()), text);
            }
            if !grants.users.contains_key(schedule.user.get_ref()) {
                let text = format!(
                    "there is no user \"{0}\"; add [[users]] id = \"{0}\"",
                    schedule.user.get_ref()
                );
                self.fault(Some(&schedule.user.span()), text);
            }
            match schedule.resolve() {
                // Hosts that have the client see to it.
                Ok(_) if elsewhere => {}
                Ok(schedule) => resolved.push(schedule),
                Err(text) => {
                    let text = format!("[[schedules]] {text}");
                    self.fault(Some(&span), text);
                }
            }
        }
        resolved
    }
}
