//! A thread that is told to end, and waited for, when whoever has it lets go of
//! it: the files that it has open are closed then.

use std::thread::{Builder, JoinHandle};

/// The thread, and the way to it, at whose end it ends.
pub(crate) struct Joined<W> {
    /// None when it is told to end.
    way: Option<W>,
    thread: Option<JoinHandle<()>>,
}

impl<W> Joined<W> {
    /// Starts a thread of this name. `work` ends when `way` is dropped.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub(crate) fn start(
        name: &str,
        way: W,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let thread = Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self {
            way: Some(way),
            thread: Some(thread),
        })
    }

    /// The way to it; none only while it is dropped.
    pub(crate) fn way(&self) -> Option<&W> {
        self.way.as_ref()
    }
}

impl<W> Drop for Joined<W> {
    fn drop(&mut self) {
        self.way = None;
        if let Some(thread) = self.thread.take() {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("the thread {name} panicked");
            }
        }
    }
}
