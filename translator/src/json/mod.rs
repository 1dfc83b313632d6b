//! JSON as text: written into one buffer, and looked at without parsing it.

mod block;
pub(crate) mod literal;
mod nested;
mod scan;
mod writer;

pub use scan::{
    compact, elements, is_whole, member, members, members_and_strings, string_end, type_name,
    value_end,
};
pub use writer::{Writer, escape_inner, escape_into, write_text};
