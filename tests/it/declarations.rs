//! Declarations: from asking for one to what the outside party says.

mod way;
