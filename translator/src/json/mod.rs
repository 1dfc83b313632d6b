//! JSON as text: written into one buffer, and looked at without parsing it.

pub(crate) mod literal;
mod scan;
mod writer;

pub use scan::{compact, elements, is_whole, member, members, type_name};
pub use writer::{Writer, escape_inner, escape_into, write_text};
