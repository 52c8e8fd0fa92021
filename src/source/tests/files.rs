use super::*;
use crate::source::file::{self, Failure, Pipes};
use crate::sys::fs::{HERE, Kind as FileKind};
use std::io::Write;
use std::time::{Duration, Instant};

fn reference(path: &Path) -> Vec<String> {
    vec![format!("JWT_SECRET_FILE={}", path.display())]
}

fn in_ms(ms: u64) -> Pipes {
    Pipes::Until(Instant::now() + Duration::from_millis(ms), wait_in_test)
}

fn read(path: &Path, pipes: Pipes) -> Result<Vec<u8>, Failure> {
    file::read(HERE, path, FileKind::Unknown, pipes, file::VALUE_LIMIT)
        .map(|(content, _)| content.expose().to_vec())
}

#[test]
fn references_are_read_alias_first_and_nothing_is_taken_off() {
    let dir = TempDir::new();
    let own = dir.write("own", "one\n\0");
    let alias = dir.write("alias", "two ");
    let environ =
        [reference(&own), vec![format!("NEXIS_JWT_SECRET_FILE={}", alias.display())]].concat();
    let taken = take(&environ, &[], &[]);
    let (own, alias) = (own.display().to_string(), alias.display().to_string());
    assert_eq!(
        said(&taken, JWT_SECRET),
        [format!("file {alias}=two "), format!("file {own}=one\n\0")]
    );
    let path = taken.candidates[JWT_SECRET][1].path.as_deref();
    assert_eq!(path, Some(Path::new(&own)));
}

#[test]
fn a_blank_reference_is_a_blank_value_and_opens_nothing() {
    let taken = take(&["JWT_SECRET_FILE= ".to_owned()], &[], &[]);
    assert_eq!(said(&taken, JWT_SECRET), ["env JWT_SECRET_FILE= "]);
}

#[test]
fn what_is_no_file_is_refused_by_its_kind() {
    let dir = TempDir::new();
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, kind) in [
        (dir.path().to_owned(), "a directory"),
        (socket, "a socket"),
        (PathBuf::from("/dev/zero"), "a device"),
    ] {
        let taken = take(&reference(&path), &[], &[]);
        let Err((code, Fact::NotRegular { what, .. })) = &taken.candidates[JWT_SECRET][0].content
        else {
            panic!("{path:?}: {:?}", taken.candidates[JWT_SECRET])
        };
        assert_eq!((*code, *what), (Code::SourceRefused, kind));
    }
}

#[test]
fn a_missing_target_says_path_and_cause() {
    let dir = TempDir::new();
    let taken = take(&reference(&dir.path().join("none")), &[], &[]);
    let Err((code, Fact::Unreadable { path, errno, owner, .. })) =
        &taken.candidates[JWT_SECRET][0].content
    else {
        panic!("{:?}", taken.candidates[JWT_SECRET])
    };
    assert_eq!(*code, Code::SourceUnreadable);
    assert_eq!(path, &dir.path().join("none"));
    assert_eq!(*errno, "ENOENT (no such file or directory)");
    assert_eq!(*owner, None);
}

#[test]
fn the_limit_is_exact() {
    let dir = TempDir::new();
    let most = dir.write("most", vec![b'a'; file::VALUE_LIMIT]);
    let over = dir.write("over", vec![b'a'; file::VALUE_LIMIT + 1]);
    assert_eq!(read(&most, Pipes::Refuse).unwrap().len(), file::VALUE_LIMIT);
    assert!(matches!(read(&over, Pipes::Refuse), Err(Failure::TooLarge)));
    // The final newline is no part of the value, and what follows one ends no value there.
    for (end, most) in [("\n", 1), ("\r\n", 2)] {
        let content = [&vec![b'a'; file::VALUE_LIMIT], end.as_bytes()].concat();
        let exact = dir.write("exact", &content);
        assert_eq!(read(&exact, Pipes::Refuse).unwrap().len(), file::VALUE_LIMIT + most);
        for more in ["\n", "a", "\nand more"] {
            let over = dir.write("over", [&content, more.as_bytes()].concat());
            assert!(matches!(read(&over, Pipes::Refuse), Err(Failure::TooLarge)), "{more:?}");
        }
    }
    let taken = take(&reference(&over), &[], &[]);
    assert!(matches!(
        taken.candidates[JWT_SECRET][0].content,
        Err((Code::TooLarge, Fact::More { bytes: None, most: 65_536 }))
    ));
}

#[test]
fn a_file_without_a_size_is_read_to_its_end() {
    let expected = fs::read("/proc/self/cmdline").unwrap();
    assert!(!expected.is_empty());
    assert_eq!(read(Path::new("/proc/self/cmdline"), Pipes::Refuse).unwrap(), expected);
    let dir = TempDir::new();
    assert_eq!(read(&dir.write("empty", ""), Pipes::Refuse).unwrap(), b"");
}

#[test]
fn a_named_pipe_is_read_until_its_end() {
    let dir = TempDir::new();
    let fifo = dir.fifo("fifo");
    let writer = {
        let fifo = fifo.clone();
        std::thread::spawn(move || {
            let mut file = fs::OpenOptions::new().write(true).open(fifo).unwrap();
            file.write_all(b"first ").unwrap();
            file.write_all(&[b'x'; 10_000]).unwrap();
        })
    };
    let taken = take(&reference(&fifo), &[], &[]);
    writer.join().unwrap();
    let candidate = &taken.candidates[JWT_SECRET][0];
    let content = candidate.content.as_ref().unwrap().expose();
    assert_eq!(content.len(), 10_006);
    assert!(content.starts_with(b"first "));
    assert_eq!(candidate.path, None, "an emptied pipe cannot be handed on");
}

#[test]
fn an_anonymous_pipe_whose_writer_has_ended_is_read() {
    use std::os::fd::AsRawFd;
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"value\n").unwrap();
    drop(writer);
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    assert_eq!(read(&path, in_ms(5_000)).unwrap(), b"value\n");
}

#[test]
fn a_pipe_that_does_not_end_is_given_up() {
    let dir = TempDir::new();
    let fifo = dir.fifo("fifo");
    assert!(matches!(read(&fifo, in_ms(20)), Err(Failure::TimedOut)), "no writer at all");
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"half").unwrap();
    let path = {
        use std::os::fd::AsRawFd;
        PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()))
    };
    assert!(matches!(read(&path, in_ms(20)), Err(Failure::TimedOut)), "no end");
}

#[test]
fn a_pipe_has_the_same_limit_as_a_file() {
    let dir = TempDir::new();
    let fifo = dir.fifo("fifo");
    let path = fifo.clone();
    let writer = std::thread::spawn(move || {
        let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
        // The reader goes away at the limit: what is left ends in EPIPE.
        let _ = file.write_all(&vec![b'x'; 1 << 20]);
    });
    assert!(matches!(read(&fifo, in_ms(5_000)), Err(Failure::TooLarge)));
    writer.join().unwrap();
}

#[test]
fn what_was_replaced_after_the_listing_is_refused_once_opened() {
    let dir = TempDir::new();
    let fifo = dir.fifo("fifo");
    for (path, kind) in [
        (fifo.as_path(), FileKind::Pipe),
        (Path::new("/dev/zero"), FileKind::Device),
        (dir.path(), FileKind::Directory),
    ] {
        // As if a listing had just called it a regular file.
        let read = file::read(HERE, path, FileKind::Regular, Pipes::Refuse, file::VALUE_LIMIT);
        assert!(matches!(read, Err(Failure::Refused(seen)) if seen == kind), "{path:?}");
    }
}

#[test]
fn opened_descriptors_are_closed_and_none_is_left() {
    let dir = TempDir::new();
    let link = dir.path().join("self");
    std::os::unix::fs::symlink("/proc/self/fd", &link).unwrap();
    let file = dir.write("jwt_secret", "x");
    for _ in 0..2_000 {
        // More often than there are descriptors.
        assert_eq!(read(&file, Pipes::Refuse).unwrap(), b"x");
    }
}
