//! Conversations that are kept: what a message is made of, how much of it is kept, and the form that conversations
//! leave and come back in.
//!
//! What is here is plain data: it knows no database, no HTTP and no request of the data plane.

mod archive;
mod bounds;
mod exchange;
mod message;
mod part;
mod reading;
mod resuming;
mod state;
mod thread;
mod title;

pub use archive::{
    ARCHIVE_FORMAT, ARCHIVE_VERSION, Archive, ArchivedConversation, ArchivedMessage,
};
pub use bounds::{Allowed, KeptBounds};
pub use exchange::{Exchange, Spoken};
pub use message::{Heading, MessageUsage, Speaker};
pub use part::{
    ImagePart, PartState, ReasoningPart, ResultPart, SpokenPart, TextPart, ToolCallPart,
    ToolResultPart,
};
pub use reading::{Complaint, read_archive, understood};
pub use resuming::Resumption;
pub use thread::{LOOKED_BACK, threads};
pub use title::title;
