//! Trying one act again and again, in as few worlds as that takes.

use super::SuiteError;
use super::acts::Act;
use super::course::Course;
use super::party::Remembered;
use super::world::{Maker, Size, World};
use crate::runs::Job;

/// An act that is tried in many ways.
pub(super) struct Bench<'a> {
    maker: &'a Maker,
    act: Act,
    size: Size,
    ready: Option<Ready>,
}

/// A world in which the act comes next.
pub(super) struct Ready {
    pub(super) world: World,
    pub(super) job: Job,
    remembered: Remembered,
}

impl<'a> Bench<'a> {
    pub(super) fn new(maker: &'a Maker, act: Act, size: Size) -> Self {
        Self {
            maker,
            act,
            size,
            ready: None,
        }
    }

    /// A world in which the act comes next; none when what must come before it
    /// does not succeed.
    pub(super) async fn ready(&mut self) -> Result<Option<Ready>, SuiteError> {
        if let Some(ready) = self.ready.take() {
            ready.world.party.recall(&ready.remembered);
            return Ok(Some(ready));
        }
        let world = self.maker.world(self.size)?;
        let Some(job) = self.act.prepare(self.maker, &world).await? else {
            return Ok(None);
        };
        Ok(Some(Ready {
            remembered: world.party.remember(),
            world,
            job,
        }))
    }

    /// Gives a world back after a course, if the act can be tried in it again.
    pub(super) fn give_back(&mut self, ready: Ready, course: &Course) {
        if self.act.can_be_tried_again() && !course.succeeded() {
            self.ready = Some(ready);
        }
    }
}
