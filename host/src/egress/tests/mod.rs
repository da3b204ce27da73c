mod address;
mod error;
mod normalize;
mod rule;
mod send;
