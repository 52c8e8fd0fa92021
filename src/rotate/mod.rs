//! Rotation: the steps of the checklist and their order, ages against windows, and what is told of
//! them to people, machines and auditors. All of it is made from the records of a ledger; nothing
//! here reads a file or sees a value.

pub mod age;
pub mod history;
mod html;
pub mod plan;
pub mod status;
pub mod steps;
pub mod way;
