//! What runs used: activities that were granted, and limits.

use super::course::Course;
use super::finding;
use super::suite::Suite;
use super::world::Size;

impl Suite<'_> {
    /// Notes what a course used of the limits; the time that it took only if the
    /// payroll data was of a usual size.
    pub(super) fn measure(&mut self, case: &str, size: Size, course: &Course) {
        let usage = course.seen.usage;
        let most = &mut self.most;
        let raise = |most: &mut u64, value: u64| *most = value.max(*most);
        raise(&mut most.memory_bytes, usage.memory_bytes as u64);
        raise(&mut most.cpu_ms, usage.cpu.as_millis() as u64);
        if size == Size::Usual {
            raise(&mut most.elapsed_ms, usage.elapsed.as_millis() as u64);
        }
        raise(&mut most.requests, course.arrived.len() as u64);
        let log = course.report.log.iter();
        let log = log.filter(|line| line.source != crate::sandbox::Source::Host);
        let bytes = log.map(|line| line.text.len() as u64).sum();
        raise(&mut most.log_bytes, bytes);
        let dropped = course.report.log_dropped;
        if dropped > 0 {
            let what = format!("{dropped} lines did not fit");
            self.find(finding::LOG_OVERFLOWS, "limits", case, what);
        }
    }

    /// Compares what was granted and what there is with what was used.
    pub(super) fn usage(&mut self) {
        let began = std::time::Instant::now();
        let imported = &self.maker.inspection.activities;
        let unused =
            |id: &str, performed: &std::collections::BTreeSet<String>| !performed.contains(id);
        let performed = self.performed.clone();
        for activity in imported
            .iter()
            .filter(|activity| unused(activity.id(), &performed))
        {
            let what = format!("{activity} is imported and was never performed");
            self.find(
                finding::ACTIVITY_UNUSED,
                "least-activities",
                "imports",
                what,
            );
        }
        self.tried("least-activities", "imports", began);
        let imported: Vec<&str> = imported.iter().map(|activity| activity.id()).collect();
        let mut named = self.maker.scenario.activities.clone();
        named.extend(self.maker.scenario.rule_activities());
        named.sort();
        named.dedup();
        for id in named.iter().filter(|id| unused(id, &performed)) {
            if !imported.contains(&id.as_str()) {
                let what = format!("{id} is granted and was never used");
                self.find(finding::GRANT_UNUSED, "least-activities", "grants", what);
            }
        }
        self.tried("least-activities", "grants", began);
        let limits = self.most.limits();
        for used in &limits {
            if used.most > used.default / 2 {
                let what = format!(
                    "{} of {} were used (limits.{})",
                    used.most, used.default, used.limit
                );
                self.find(finding::LIMIT_NEAR, "limits", used.limit, what);
            }
            self.tried("limits", used.limit, began);
        }
        let known = performed.into_iter();
        let known = known.filter(|id| crate::catalogue::Activity::find(id).is_some());
        let used = known.collect();
        let report = self.report_mut();
        report.used = used;
        report.limits = limits;
    }
}
