//! The ledger of keys: one append-only file of JSON lines for each name, chained under a key of
//! its own. It says which fingerprint a name had from when to when and who did what; it holds no
//! value.
//!
//! [`Book`] is what is written, read with or without the chain being verified. [`Ledger`] is a
//! book that is held by one writer: opened under the directory's lock, verified whole, and
//! appended to by records that are on the disk before [`Ledger::append`] returns. [`state`] folds
//! the records of a name to what holds now.
//!
//! ```text
//! JWT_SECRET.jsonl      one line a record, oldest first
//! {"schema":"nexis-launch/ledger/v1","name":"JWT_SECRET","seq":1,…,"previous":"00…","mac":"9f…"}
//! ```
//!
//! The MAC of a line is HMAC-SHA256 under the ledger key over [`LINE`] and the bytes of the line
//! before `,"mac":"`. Those hold the name, the sequence number and the MAC of the line before, so
//! that no line can be changed, left out, put elsewhere or moved to another file. That lines are
//! missing at the end only a head shows that was written elsewhere ([`head`]).

mod book;
pub mod chain;
pub mod files;
pub mod head;
mod record;
pub mod repair;
pub mod state;
mod writer;

pub use book::{Book, Fault, Mend};
pub use record::{Kind, Record, SCHEMA, is_class, is_clean};
pub use writer::Ledger;

/// What stands before the bytes of a line where its MAC is made.
pub const LINE: &str = "nexis-launch ledger line v1\n";

#[cfg(test)]
mod tests;
