//! `nexis-launch`: maps, validates and states a service's runtime variables, then execs the
//! service. All of it is in the library; here is only the entry point.
#![no_main]

#[path = "sys/start.rs"]
mod start;
