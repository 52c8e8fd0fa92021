use super::*;
use crate::source::InheritedKind;

fn kinds(texts: &[&str]) -> Vec<InheritedKind> {
    let (inherited, _) = crate::source::environ::read(contract(), &entries(texts));
    inherited.iter().map(|entry| entry.kind).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn entries_keep_their_order_and_are_sorted_into_kinds() {
    let kinds = kinds(&["HOME=/", "JWT_SECRET=a", "NEXIS_LAUNCH_MODE=dev", "=x", "odd", "HOME=/b"]);
    assert_eq!(kinds[0], InheritedKind::Other);
    assert!(matches!(kinds[1], InheritedKind::Known(known) if known.role == Role::Own));
    assert_eq!(kinds[2], InheritedKind::Setting);
    assert_eq!(kinds[3], InheritedKind::Malformed);
    assert_eq!(kinds[4], InheritedKind::Malformed);
    assert_eq!(kinds[5], InheritedKind::Repeated);
}

#[test]
fn aliases_come_before_the_runtime_name() {
    let taken = take(&owned(&["JWT_SECRET=own", "NEXIS_JWT_SECRET=alias"]), &[], &[]);
    assert_eq!(said(&taken, JWT_SECRET), ["env NEXIS_JWT_SECRET=alias", "env JWT_SECRET=own"]);
    assert!(said(&taken, DATABASE_URL).is_empty());
}

#[test]
fn service_links_are_no_settings_and_no_parts() {
    for text in [
        "NEXIS_LAUNCH_SERVICE_HOST=10.0.0.1",
        "NEXIS_LAUNCH_SERVICE_PORT=80",
        "NEXIS_LAUNCH_SERVICE_PORT_HTTP=80",
        "NEXIS_LAUNCH_PORT=tcp://10.0.0.1:80",
        "NEXIS_LAUNCH_PORT_80_TCP=tcp://10.0.0.1:80",
        "NEXIS_LAUNCH_PORT_80_TCP_ADDR=10.0.0.1",
        "NEXIS_LAUNCH_PORT_53_UDP_PORT=53",
        "NEXIS_LAUNCH_PORT_9_SCTP_PROTO=sctp",
        "NEXIS_DATABASE_PORT=tcp://10.0.0.1:5432",
        "NEXIS_DATABASE_PORT=udp://10.0.0.1:5432",
        "A_PORT_B_PORT_80_TCP=x",
    ] {
        assert_eq!(kinds(&[text]), [InheritedKind::ServiceLink], "{text}");
    }
    let taken = take(&owned(&["NEXIS_DATABASE_PORT=tcp://10.0.0.1:5432"]), &[], &[]);
    assert!(said(&taken, DATABASE_PORT).is_empty());
}

#[test]
fn what_only_resembles_a_service_link_is_none() {
    for text in [
        "NEXIS_LAUNCH_PORT=80",
        "NEXIS_LAUNCH_PORT_TCP=1",
        "NEXIS_LAUNCH_PORT_80_TCPX=1",
        "NEXIS_LAUNCH_SERVICE_PORTS=1",
    ] {
        assert_eq!(kinds(&[text]), [InheritedKind::Setting], "{text}");
    }
    for text in ["_SERVICE_HOST=1", "_PORT=tcp://1", "_SERVICE_PORT=1", "PORT=tcp://1"] {
        assert_eq!(kinds(&[text]), [InheritedKind::Other], "{text}");
    }
    let taken = take(&owned(&["NEXIS_DATABASE_PORT=5432"]), &[], &[]);
    assert_eq!(said(&taken, DATABASE_PORT), ["env NEXIS_DATABASE_PORT=5432"]);
}

#[test]
fn a_runtime_name_is_read_whatever_it_looks_like() {
    let taken = take(&owned(&["NEXIS_REDIS_PORT=tcp://10.0.0.1:6379"]), &[], &[]);
    assert_eq!(said(&taken, REDIS_PORT), ["env NEXIS_REDIS_PORT=tcp://10.0.0.1:6379"]);
}

#[test]
fn the_first_of_two_entries_wins_and_a_difference_is_a_conflict() {
    let taken = take(&owned(&["JWT_SECRET=first", "JWT_SECRET=second", "X"]), &[], &[]);
    assert_eq!(said(&taken, JWT_SECRET), ["env JWT_SECRET=first"]);
    let conflicts = observed(&taken, Code::Conflict);
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].row, Some(RowId(0)));
    let odd = observed(&taken, Code::MalformedEnvironment);
    assert!(matches!(odd[..], [Observation { fact: Fact::Count(2), .. }]));

    let same = take(&owned(&["JWT_SECRET=one", "JWT_SECRET=one"]), &[], &[]);
    assert!(observed(&same, Code::Conflict).is_empty());
    assert!(observed(&take(&owned(&["A=1"]), &[], &[]), Code::MalformedEnvironment).is_empty());
}

#[test]
fn ten_thousand_variables_keep_place_and_kind() {
    let mut texts: Vec<String> = (0..10_000).map(|n| format!("VARIABLE_{n}=x")).collect();
    texts.push("JWT_SECRET=a".to_owned());
    texts.push("VARIABLE_77=y".to_owned());
    let taken = take(&texts, &[], &[]);
    assert_eq!(taken.inherited.len(), 10_002);
    assert_eq!(taken.inherited[9_999].name(), b"VARIABLE_9999");
    assert_eq!(taken.inherited[10_001].kind, InheritedKind::Repeated);
    assert_eq!(said(&taken, JWT_SECRET), ["env JWT_SECRET=a"]);
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let environ = entries(&[b"JWT_SECRET=\xff\xfe".as_slice(), b"\xff=1"]);
    let (inherited, _) = crate::source::environ::read(contract(), &environ);
    assert_eq!(inherited[0].value(), b"\xff\xfe");
    assert_eq!(inherited[1].name(), b"\xff");
}

#[test]
fn a_snapshot_shows_names_and_no_value() {
    let dir = TempDir::new();
    dir.write("jwt-secret", "canary-file");
    let file = dir.write("app.env", "OTHER=canary-extra\nJWT_SECRET='canary-line'\n");
    let environ = owned(&["JWT_SECRET=canary-known", "OTHER=canary-other", "canary-malformed"]);
    let shown = format!("{:?}", take(&environ, &[dir.path()], &[&file]));
    assert!(shown.contains("JWT_SECRET") && shown.contains("OTHER"));
    assert!(!shown.contains("canary"), "{shown}");
}
