//! The filter beside a program: the program's streams become pipes, and a process that is none of
//! its family passes on what comes out of them.

use super::lane::{self, Lane};
use crate::needles::Needles;
use crate::needles::stream::Engine;
use crate::sys::filter::{self, Diverted};
use crate::sys::{descriptor, fs};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};

/// The streams that are masked: number, name in records, what is said of a terminal.
const STREAMS: [(i32, &str, &str); 2] = [
    (
        1,
        "stdout",
        "cannot mask the program's output: standard output is a terminal, where what is held back would be missed",
    ),
    (
        2,
        "stderr",
        "cannot mask the program's output: standard error is a terminal, where what is held back would be missed",
    ),
];

/// What can be said of masking before the program is started.
pub enum Outlook {
    /// These open streams will be masked.
    Masked(Vec<&'static str>),
    /// Why not, and what to do.
    Refused(&'static str, &'static str),
}

/// Looks whether the program's output can be masked.
pub fn look() -> Outlook {
    // With process 1 the kernel ends all others of its namespace, the filter among them, whatever
    // it still has to pass on (pid_namespaces(7)).
    if std::process::id() == 1 {
        return Outlook::Refused(
            "cannot mask the program's output: as process 1 it takes the filter with it when it ends, and the last line can be lost",
            "start an init before it: docker run --init, init: true in compose, shareProcessNamespace: true in a pod",
        );
    }
    let open = || STREAMS.iter().filter_map(|it| Some((it, descriptor::inherited(it.0)?)));
    let terminal = open().find(|(_, fd)| fd.is_terminal());
    match terminal {
        Some(((_, _, refused), _)) => Outlook::Refused(
            refused,
            "send it to a pipe or a file, as in 2>&1 | cat, or leave --mask-output out",
        ),
        None => Outlook::Masked(open().map(|((_, name, _), _)| *name).collect()),
    }
}

/// A filter at work: the standard streams lead to it while this lives, and over an exec.
pub struct Beside {
    _diverted: Vec<Diverted>,
}

/// Starts the filter.
///
/// # Errors
/// What making pipes or processes reports.
pub fn start(needles: &Needles) -> io::Result<Beside> {
    // What leads to one place stays in one order: the two streams of a service are mostly one.
    let mut lanes: Vec<((u64, u64), Vec<i32>)> = Vec::new();
    for (number, ..) in STREAMS {
        let Some(fd) = descriptor::inherited(number) else { continue };
        let place = fs::look_at(fd)?.identity;
        match lanes.iter_mut().find(|(known, _)| *known == place) {
            Some((_, numbers)) => numbers.push(number),
            None => lanes.push((place, vec![number])),
        }
    }
    let pipes: io::Result<Vec<_>> = lanes.iter().map(|_| filter::pipe()).collect();
    let (readers, writers): (Vec<OwnedFd>, Vec<OwnedFd>) = pipes?.into_iter().unzip();
    let outputs = lanes.iter().filter_map(|(_, numbers)| numbers.first().copied()).collect();
    if !readers.is_empty() {
        filter::start(move || serve(readers, outputs, needles))?;
    }
    let diverted = lanes.iter().zip(&writers).flat_map(|((_, numbers), writer)| {
        numbers.iter().map(|number| Diverted::new(*number, writer.as_fd()))
    });
    Ok(Beside { _diverted: diverted.collect::<io::Result<_>>()? })
}

/// What the process of the filter does; its exit status.
fn serve(readers: Vec<OwnedFd>, outputs: Vec<i32>, needles: &Needles) -> i32 {
    let Ok(writers) = filter::settle(&readers, &outputs) else { return FAULT };
    let engine = Engine::new(needles);
    let lanes = readers.into_iter().zip(writers);
    let lanes = lanes.map(|(reader, writer)| Lane::new(reader, writer, &engine)).collect();
    lane::serve(lanes).map_or(FAULT, |()| 0)
}

/// The status of a fault of the launcher's own. Nobody waits for it; whoever traces may see it.
const FAULT: i32 = crate::error::Status::Software.number();
