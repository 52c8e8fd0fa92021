//! Contracts: what each runtime variable demands.

pub mod model;
