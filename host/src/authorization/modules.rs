//! A set of modules (products) as bits.

use crate::catalogue::{Activity, MODULES, ROWS};
use std::fmt;
use std::sync::LazyLock;

/// For each activity its module as a set; an empty one if it belongs to none.
static OF_ACTIVITIES: LazyLock<Vec<ModuleSet>> = LazyLock::new(|| {
    let modules = ROWS.iter().map(|row| row.module);
    modules.map(ModuleSet::from_iter).collect()
});

/// A set of modules of the catalogue. Membership is one bit test.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ModuleSet(u64);

impl ModuleSet {
    /// Adds a module. One that the catalogue does not have is left out: no
    /// activity belongs to it.
    pub fn insert(&mut self, module: &str) {
        self.0 |= bit(module);
    }

    /// Whether a module is in the set.
    pub fn contains(&self, module: &str) -> bool {
        self.0 & bit(module) != 0
    }

    /// Whether the module of an activity is in the set; false if it belongs to
    /// none.
    pub(super) fn has_that_of(&self, activity: Activity) -> bool {
        self.0 & OF_ACTIVITIES[activity.index()].0 != 0
    }

    /// The modules in the set, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        let names = MODULES.iter().copied();
        names.filter(|name| self.contains(name))
    }
}

fn bit(module: &str) -> u64 {
    let at = MODULES.iter().position(|name| *name == module);
    at.map_or(0, |at| 1 << at)
}

impl<S: AsRef<str>> FromIterator<S> for ModuleSet {
    fn from_iter<I: IntoIterator<Item = S>>(modules: I) -> Self {
        let mut set = Self::default();
        modules
            .into_iter()
            .for_each(|module| set.insert(module.as_ref()));
        set
    }
}

impl fmt::Debug for ModuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> ModuleSet {
        MODULES.iter().collect()
    }

    #[test]
    fn every_module_of_the_catalogue_has_a_bit_of_its_own() {
        assert!(MODULES.len() <= 64);
        for name in MODULES.iter() {
            let alone = ModuleSet::from_iter([name]);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [*name]);
        }
        assert_eq!(all().iter().count(), MODULES.len());
    }

    #[test]
    fn an_activity_without_a_module_is_in_no_set() {
        for activity in Activity::all() {
            let belongs = activity.row().module.is_some();
            assert_eq!(all().has_that_of(activity), belongs);
            assert!(!ModuleSet::default().has_that_of(activity));
        }
    }

    #[test]
    fn a_module_that_the_catalogue_does_not_have_is_left_out() {
        let set = ModuleSet::from_iter(["gamification"]);
        assert_eq!(set, ModuleSet::default());
        assert!(!set.contains("gamification"));
    }
}
