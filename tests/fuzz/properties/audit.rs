//! The reader of audit records in logs of any kind: a record that is there whole is found, one that
//! cannot be read is never "nobody", and no bytes make it panic.

use super::decode::Input;
use super::world::Directory;
use nexis_launch::leak::tools::Tools;
use nexis_launch::leak::trace::{Form, Report, Trace, Wanted};
use nexis_launch::manifest::Guard;
use nexis_launch::needles::Needles;
use serde_json::json;

const PRINT: &str = "hmac-sha256:0123456789abcdef0123456789abcdef";

pub fn hold(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (shape, wraps, cut) = (input.byte(), input.byte() % 4, input.byte());
    let [host, label, before] = [(); 3].map(|()| input.piece());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let record = json!({
        "schema": "nexis-launch/manifest/v1",
        "launch": "01JDKQ3T5V7W9X1Y3Z5A7B9C1D",
        "time": "2026-11-25T10:00:00Z",
        "outcome": "exec",
        "mode": "production",
        "fingerprint_key_id": "e748aacc",
        "labels": {text(label): text(host)},
        "process": {"pid": 7, "uid": 0, "gid": 0, "host": text(host)},
        "variables": [{
            "name": "JWT_SECRET", "state": "delivered", "secret": true,
            "source": null, "fingerprint": PRINT,
        }],
    });
    // The launcher's own order; a store's is by name.
    let mut line = match shape & 1 {
        0 => record.to_string(),
        _ => {
            let rest =
                record.to_string().replacen("\"schema\":\"nexis-launch/manifest/v1\",", "", 1);
            format!("{{\"schema\":\"nexis-launch/manifest/v1\",{}", &rest[1..])
        }
    };
    for _ in 0..wraps {
        line = match shape & 2 {
            0 => json!({"log": format!("{line}\n"), "stream": "stderr"}).to_string(),
            _ => json!({"a": [1, {"MESSAGE": line}]}).to_string(),
        };
    }
    // What log tools put before it begins no JSON and says nothing of a manifest.
    let before: String =
        text(before).chars().filter(|c| !c.is_control() && !"{}[]\"/".contains(*c)).collect();
    let line = format!("{before} {line}\n");
    let noise = input.0;

    // What says it is a record is read or counted as damaged.
    let claim = "schema\":\"nexis-launch/manifest/v1\",\"launch";
    let (_, undecided, read) = trace(noise);
    assert!(undecided + read > 0 || !String::from_utf8_lossy(noise).contains(claim));
    let alone = trace(line.as_bytes());
    assert_eq!(alone, (1, 0, 1), "{line}");
    // Other lines around it change nothing.
    let all = [noise, b"\n", line.as_bytes(), noise].concat();
    assert!(trace(&all).0 >= 1);
    // A record that was cut off is not nobody's.
    if wraps == 0 && shape & 1 == 1 {
        let end = line.len() - 2 - usize::from(cut) % 40;
        if line.is_char_boundary(end) {
            let (found, undecided, _) = trace(&line.as_bytes()[..end]);
            assert!(found > 0 || undecided > 0, "{}", &line[..end]);
        }
    }
}

/// How many launches it lists and leaves undecided, and how many it read.
fn trace(log: &[u8]) -> (usize, u64, u64) {
    let directory = Directory::new();
    // It begins like no compressed file.
    let path = directory.write("audit.log", &[b"\n", log].concat());
    let wanted = Wanted {
        fingerprints: vec![("value", PRINT.to_owned())],
        kept: Vec::new(),
        key_id: Some("e748aacc".to_owned()),
    };
    let needles = Needles::new();
    let report = Report::new(Form::Kept, &wanted, Guard::new(&needles));
    let (report, counts) = Trace::new(&wanted, report).through(&[path], &Tools::new(None));
    assert_eq!(counts.unread, 0);
    let traced = report.kept(&counts);
    for launch in &traced.launches {
        let shown = launch.as_str();
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
    (traced.launches.len() + traced.further, counts.undecided(), counts.launches)
}
