//! What is stored of people: encrypted, kept no longer than it is to be, given
//! and erased.

mod keys;
mod person;
mod retention;
