//! What the file says of how long things are kept.

use super::Resolver;
use crate::config::retention::WrittenRetention;
use crate::config::{Period, Retention, Subject};
use toml::Spanned;

impl Resolver<'_> {
    pub(super) fn retention(&mut self, written: Option<Spanned<WrittenRetention>>) -> Retention {
        let mut retention = Retention::default();
        let Some(written) = written.map(Spanned::into_inner) else {
            return retention;
        };
        for (subject, period) in [
            (Subject::Journal, written.journal),
            (Subject::Declaration, written.declaration),
            (Subject::Product, written.product),
            (Subject::Lookup, written.lookup),
            (Subject::Other, written.other),
        ] {
            let Some(text) = period else { continue };
            let Some(period) = self.period(subject.name(), &text) else {
                continue;
            };
            if subject.is_kept_by_law() && period.is_shorter_than(Period::by_law()) {
                let warning = format!(
                    "[retention] {0} = \"{1}\" is shorter than the seven years for which an employer in the Netherlands keeps its payroll administration (art. 52 AWR): unless it is kept elsewhere, write {0} = \"P8Y\", which covers seven years after the end of each",
                    subject.name(),
                    text.get_ref()
                );
                let warning = self.told(Some(&text.span()), warning);
                self.warnings.push(warning);
            }
            retention.contents.insert(subject, period);
        }
        if let Some(text) = written.runs {
            retention.runs = self.period("runs", &text);
        }
        retention
    }

    fn period(&mut self, key: &str, text: &Spanned<String>) -> Option<Period> {
        match Period::read(text.get_ref()) {
            Ok(period) => Some(period),
            Err(why) => {
                self.fault(Some(&text.span()), format!("[retention] {key} = {why}"));
                None
            }
        }
    }
}
