//! A set of activities as bits.

use crate::catalogue::{Activity, ROWS};
use std::fmt;

const WORDS: usize = ROWS.len().div_ceil(64);

/// A set of activities. Membership is one bit test.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ActivitySet([u64; WORDS]);

impl ActivitySet {
    /// Adds an activity.
    pub fn insert(&mut self, activity: Activity) {
        self.0[activity.index() / 64] |= 1 << (activity.index() % 64);
    }

    /// Adds all activities of another set.
    pub fn insert_all(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Whether the activity is in the set.
    pub fn contains(&self, activity: Activity) -> bool {
        self.0[activity.index() / 64] & (1 << (activity.index() % 64)) != 0
    }

    /// The activities in the set, in the order of the catalogue.
    pub fn iter(&self) -> impl Iterator<Item = Activity> {
        Activity::all().filter(|activity| self.contains(*activity))
    }
}

impl FromIterator<Activity> for ActivitySet {
    fn from_iter<I: IntoIterator<Item = Activity>>(activities: I) -> Self {
        let mut set = Self::default();
        activities
            .into_iter()
            .for_each(|activity| set.insert(activity));
        set
    }
}

impl fmt::Debug for ActivitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
