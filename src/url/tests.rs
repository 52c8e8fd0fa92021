use super::*;
use crate::contract::model::Display;
use proptest::prelude::*;

fn parse(text: &str) -> Option<Url<'_>> {
    Url::parse(text.as_bytes())
}

fn shown(text: &str) -> Option<String> {
    display(text.as_bytes(), Display::Auto)
}

fn found(text: &str) -> Vec<String> {
    passwords(text.as_bytes())
        .iter()
        .map(|password| String::from_utf8_lossy(password.expose()).into_owned())
        .collect()
}

#[test]
fn every_piece_is_found() {
    let url = parse("postgres://nexis:p%40ss:w@db.internal:5432/nexis?sslmode=require").unwrap();
    assert_eq!(url.scheme, "postgres");
    assert_eq!(url.user, Some("nexis"));
    assert_eq!(url.password, Some("p%40ss:w"));
    assert_eq!(url.host, Some("db.internal"));
    assert_eq!(url.port, Some(5432));
    assert_eq!(url.path, "/nexis");
    assert_eq!(url.query, Some("sslmode=require"));
    assert_eq!(url.fragment, None);
}

#[test]
fn hosts_may_be_addresses_sockets_or_empty() {
    for (text, host, port) in [
        ("redis://[::1]:6379/0", "[::1]", Some(6379)),
        ("redis://[2001:db8::1]/0", "[2001:db8::1]", None),
        ("postgres:///nexis?host=/run/postgresql", "", None),
        ("postgres://u@%2Frun%2Fpostgresql/db", "%2Frun%2Fpostgresql", None),
        ("postgres://u@%2Fcloudsql%2Fp%3Areg%3Ainst/db", "%2Fcloudsql%2Fp%3Areg%3Ainst", None),
        ("postgres://u@%2Fcloudsql%2Fp%3Ar%3Ai:5433/db", "%2Fcloudsql%2Fp%3Ar%3Ai", Some(5433)),
        ("https://api.example.com", "api.example.com", None),
    ] {
        let url = parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((url.host, url.port), (Some(host), port), "{text}");
    }
}

/// libpq's form, and that of MongoDB and JDBC.
#[test]
fn a_database_may_have_several_hosts_each_with_a_port_or_without() {
    for (text, host, port) in [
        ("postgresql://u:pw@h1:5432,h2:5433/db", "h1:5432,h2", Some(5433)),
        ("postgres://h1,h2:5432/db", "h1,h2", Some(5432)),
        ("postgres://h1:5432,h2/db", "h1:5432,h2", None),
        ("postgres://[::1]:5432,[2001:db8::1]:5433/db", "[::1]:5432,[2001:db8::1]", Some(5433)),
        ("postgres://%2Frun%2Fpostgresql,h2:5432/db", "%2Frun%2Fpostgresql,h2", Some(5432)),
        ("mongodb://a:27017,b:27017,c:27017/?tls=true", "a:27017,b:27017,c", Some(27017)),
    ] {
        let url = parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((url.host, url.port), (Some(host), port), "{text}");
        let place = text.replace("u:pw@", "[redacted]@").replace("tls=true", "tls=[redacted]");
        assert_eq!(shown(text), Some(place), "{text}");
    }
    for text in [
        "postgres://h1:,h2:5433/db",
        "postgres://h1:x,h2:5433/db",
        "postgres://h1:70000,h2:5433/db",
        "postgres://h1:1:2,h2:5433/db",
        "postgres://h1,h2:1:2/db",
        "postgres://::1,h2/db",
        "postgres://[::1]x:1,h2/db",
        "postgres://h1:5432,h2%3A5433/db",
        "postgres://h1:5432,h2%2Ch3/db",
        // What a misread password would be.
        "postgres://u:12,secret/word@host/db",
        "postgres://u:12,secret?word@host/db",
        "postgres://u:12,secret#word@host/db",
        // A list is a database's.
        "https://h1:1,h2:2/",
    ] {
        assert!(parse(text).is_none(), "{text}");
        assert_eq!(shown(text), None, "{text}");
    }
    let text = "postgres://u@h1:5432,h2;password=hunter2long:5433/db";
    assert!(found(text).iter().any(|found| found.starts_with("hunter2long")), "{text}");
    assert!(!shown(text).unwrap().contains("hunter2long"), "{text}");
}

#[test]
fn opaque_forms_are_for_files_alone() {
    for (text, path) in [
        ("sqlite::memory:", ":memory:"),
        ("sqlite:data/nexis.db?mode=rwc", "data/nexis.db"),
        ("unix:/run/redis.sock", "/run/redis.sock"),
    ] {
        let url = parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((url.host, url.path), (None, path), "{text}");
    }
    for text in ["sqlite:", "postgres:nexis", "https:example.com", "localhost:5432/db"] {
        assert!(parse(text).is_none(), "{text}");
    }
}

#[test]
fn what_may_hide_a_misread_password_is_no_url() {
    for text in [
        "postgres://u:12/secret@host/db",
        "postgres://u:12?secret@host/db",
        "postgres://u:12#secret@host/db",
        "postgres://u:p@ss@host/db",
        "postgres://u:p@ss/word@host/db",
        "postgres://u:pa/ss@host/db",
        "postgres://u:pass@host/db#fragment",
        "postgres://u:100%@host/db",
        "postgres://u:a%zz@host/db",
        "postgres://u:a b@host/db",
        "postgres://u:a\tb@host/db",
        "postgres://u:p\u{e4}ss@host/db",
        "postgres://u:a\"b@host/db",
        "postgres://u:[x@host/db",
        "postgres://host:/db",
        "postgres://host:70000/db",
        "postgres://host:+1/db",
        "postgres://host%3A5432/db",
        "postgres://a%2Cb/db",
        "postgres://host%2Fdb/db",
        "postgres://::1/db",
        "https://u:12/secret@host/",
        "https://",
        "redis:///0",
        "://host",
        "1http://host",
        "host",
        "",
    ] {
        assert!(parse(text).is_none(), "{text}");
        assert_eq!(shown(text), None, "{text}");
        assert_eq!(display(text.as_bytes(), Display::Location), None, "{text}");
    }
    assert!(Url::parse(b"postgres://u:\xff@host/db").is_none());
}

#[test]
fn an_at_in_a_path_without_credentials_is_plain() {
    assert!(parse("https://registry.example.com/@scope/package").is_some());
    // Shown as the scheme alone, and not at all where more was asked for.
    let text = b"https://user/pw@host/";
    assert_eq!(display(text, Display::Auto).unwrap(), "https://[redacted]");
    assert_eq!(display(text, Display::Location), None);
}

#[test]
fn display_shows_the_place_and_no_credential() {
    for (text, expected) in [
        (
            "postgres://nexis:canary-pw@db.internal:5432/nexis?sslmode=require",
            "postgres://[redacted]@db.internal:5432/nexis?sslmode=require",
        ),
        (
            "postgres://db/n?password=canary-pw&options=x&connect_timeout=5&sslkey=/k",
            "postgres://db/n?password=[redacted]&options=[redacted]&connect_timeout=5&sslkey=[redacted]",
        ),
        ("rediss://:canary-pw@[::1]:6379/0", "rediss://[redacted]@[::1]:6379/0"),
        ("redis://cache:6379/0?canary-pw", "redis://cache:6379/0?[redacted]"),
        ("redis://cache/0?Y2FuYXJ5=", "redis://cache/0?[redacted]"),
        ("sqlite::memory:", "sqlite::memory:"),
        ("sqlite:///var/lib/nexis.db?mode=rwc", "sqlite:///var/lib/nexis.db?mode=[redacted]"),
        (
            "mysql://root@db/nexis?ssl-mode=REQUIRED",
            "mysql://[redacted]@db/nexis?ssl-mode=REQUIRED",
        ),
        ("https://hooks.example.com/services/canary", "https://[redacted]"),
        ("postgres://db/n?sslmode=canary%20pw", "postgres://db/n?sslmode=[redacted]"),
    ] {
        assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
    }
    let text = b"https://u:canary-pw@api.example.com/v1?key=canary#canary";
    assert_eq!(
        display(text, Display::Location).as_deref(),
        Some("https://[redacted]@api.example.com/v1?key=[redacted]#[redacted]")
    );
}

#[test]
fn a_display_that_would_hold_the_password_is_withheld() {
    assert_eq!(shown("postgres://u:canary-pw@canary-pw/db"), None);
    assert_eq!(shown("postgres://u:canary%2dpw@db/canary-pw"), None);
    assert_eq!(shown("postgres://u:canary-pw@db/canary%2dpw"), None);
    // Fewer than 8 bytes occur by chance.
    assert!(shown("postgres://nexis:nexis@db/nexis").is_some());
}

/// To look for each of a thousand in a text that grows with them costs their square.
#[test]
fn a_display_of_more_passwords_than_anybody_gives_is_withheld() {
    let url = |last: u32| {
        let pairs: String = (1..=last).map(|number| format!("&password=p{number}xxxxxx")).collect();
        format!("postgres://u@db/n?sslmode=require{pairs}")
    };
    let most = shown(&url(32)).unwrap();
    assert!(most.starts_with("postgres://[redacted]@db/n?sslmode=require&password=[redacted]"));
    assert_eq!(shown(&url(33)), None);
    // None is forgotten for that.
    assert_eq!(found(&url(33)).len(), 33);
}

#[test]
fn passwords_are_found_raw_and_decoded() {
    assert_eq!(found("postgres://u:p%40ss@db/n"), ["p%40ss", "p@ss"]);
    assert_eq!(found("postgres://u:plain@db/n"), ["plain"]);
    assert_eq!(found("redis://:pw@cache/0?Password=other"), ["pw", "other"]);
    assert_eq!(found("redis+unix:///run/r.sock?db=1&pass=pw%21"), ["pw%21", "pw!"]);
    assert_eq!(found("postgres://u@db/n?sslpassword=x&sslmode=require"), ["x"]);
    assert!(found("postgres://u@db/n").is_empty());
    assert!(found("postgres://u:@db/n").is_empty());
    assert_eq!(found("https://api.example.com/?token=t#fragment"), ["t"]);
}

/// SQL Server's parameters behind `;`, a forgotten `?`, and whatever else a driver may take.
#[test]
fn a_password_in_host_or_path_is_found_and_not_shown() {
    for (text, display) in [
        (
            "sqlserver://sa@h:1433/db;password=hunter2long",
            "sqlserver://[redacted]@h:1433/db[redacted]",
        ),
        ("sqlserver://h;user=sa;password=hunter2long;x=1", "sqlserver://h[redacted]"),
        (
            "sqlserver://h:1433/db;user=sa;password=hunter2long?encrypt=true",
            "sqlserver://h:1433/db[redacted]?encrypt=[redacted]",
        ),
        ("postgres://u@h,password=hunter2long/db", "postgres://[redacted]@h,password[redacted]/db"),
        ("postgres://u@h/password=hunter2long/db", "postgres://[redacted]@h/password[redacted]"),
        ("postgres://u@h/db&password=hunter2long", "postgres://[redacted]@h/db[redacted]"),
        ("postgres://u@h/db%3Fpassword=hunter2long", "postgres://[redacted]@h/db[redacted]"),
        ("postgres://u@h/db%3Fpassword%3Dhunter2long", "postgres://[redacted]@h/db[redacted]"),
        ("mysql://u:otherpass1@h/db;pass%77ord=hunter2long", "mysql://[redacted]@h/db[redacted]"),
        (
            "sqlite:///data.db;password=hunter2long?mode=rw",
            "sqlite:///data.db[redacted]?mode=[redacted]",
        ),
        ("sqlite:data.db;PASSWORD=hunter2long", "sqlite:data.db[redacted]"),
    ] {
        assert!(found(text).contains(&"hunter2long".to_owned()), "{text}: {:?}", found(text));
        assert_eq!(shown(text).as_deref(), Some(display), "{text}");
    }
    let text = "postgres://u@h/db?pass%77ord=hunter2long";
    assert_eq!(found(text), ["hunter2long"]);
    // What has neither is shown as it is.
    for text in ["mongodb://h1,h2:27017/db", "postgres://%2Frun%2Fpostgresql/db%20one"] {
        assert_eq!((found(text).len(), shown(text).as_deref()), (0, Some(text)));
    }
}

#[test]
fn of_a_number_and_a_word_only_such_are_shown() {
    for (text, display) in [
        ("postgres://h/db?connect_timeout=10", "postgres://h/db?connect_timeout=10"),
        (
            "postgres://h/db?connect_timeout=hunter2long",
            "postgres://h/db?connect_timeout=[redacted]",
        ),
        ("postgres://h/db?pool_size=12345678901", "postgres://h/db?pool_size=[redacted]"),
        ("postgres://h/db?application_name=gw-1", "postgres://h/db?application_name=gw-1"),
        ("postgres://h/db?application_name=a%20b", "postgres://h/db?application_name=[redacted]"),
    ] {
        assert_eq!(shown(text).as_deref(), Some(display), "{text}");
    }
}

#[test]
fn many_passwords_are_found_once_each() {
    let query: String = (0..3000).map(|n| format!("password=p{}&", n % 1000)).collect();
    assert_eq!(found(&format!("postgres://h/db?{query}")).len(), 1000);
}

#[test]
fn the_password_of_a_value_that_does_not_parse_is_found_too() {
    assert_eq!(found("postgres://u:p@ss/w#rd@db/n"), ["p@ss/w#rd"]);
    assert_eq!(found("postgres://u:12/secret@db/n"), ["12/secret"]);
    assert_eq!(found("jdbc:postgresql://db/n?user=u&password=pw"), ["pw"]);
    assert_eq!(found("host=db user=u password=pw"), ["pw"]);
    assert_eq!(found("Server=db;Password=pw;"), ["pw"]);
    assert!(found("a password of words").is_empty());
}

#[test]
fn the_servers_password_is_that_of_the_user_info_decoded() {
    let decoded = |text: &str| password(text.as_bytes()).map(|it| it.expose().to_vec());
    assert_eq!(decoded("postgres://u:p%40ss@db/n"), Some(b"p@ss".to_vec()));
    for text in ["postgres://u:@db/n", "postgres://u@db/n?password=pw", "host=db password=pw"] {
        assert_eq!(decoded(text), None, "{text}");
    }
}

#[test]
fn cleartext_is_a_network_without_tls() {
    for text in [
        "postgres://u:p@db.internal/n",
        "postgresql://db.internal/n?sslmode=prefer",
        "postgres://db/n?sslmode=require&sslmode=disable",
        "postgres:///n?host=db.internal",
        "mysql://db/n?ssl-mode=PREFERRED",
        "mysql://db/n?sslmode=require",
        "mysql://db/n?sslmode=verify-full",
        "mariadb://db/n?sslMode=require",
        "mongodb://db/n",
        "mongodb://db/n?tls=false",
        "redis://cache:6379",
        "http://api.example.com/",
        "redis://[2001:db8::1]/",
        "redis://127.0.0.1.example.com/",
        "postgres://localhost:5432,db.internal:5433/n",
        "postgres://db.internal:5432,localhost:5433/n",
        "postgres://db.internal,x.localhost/n",
        "postgres://%2Frun%2Fpostgresql,db.internal/n",
        "postgres:///n?host=/run/postgresql,db.internal",
        "postgres:///n?host=%2Frun%2Fpostgresql%2Cdb.internal",
        "mongodb://[::1]:27017,b:27017/n",
    ] {
        assert!(is_cleartext_network(text.as_bytes()), "{text}");
    }
    for text in [
        "postgres://db/n?sslmode=require",
        "postgres://db/n?sslmode=verify-full&application_name=x",
        "postgres://localhost/n",
        "postgres://127.8.9.1:5432/n",
        "postgres:///n?host=/run/postgresql",
        "postgres:///n?host=%2Frun%2Fpostgresql",
        "postgres://%2Frun%2Fpostgresql/n",
        "postgres://%2Fcloudsql%2Fp%3Areg%3Ainst/n",
        "postgres://localhost:5432,127.0.0.1:5433,[::1]:5434/n",
        "postgres://h1:5432,h2:5433/n?sslmode=require",
        "mysql://db/n?ssl-mode=VERIFY_IDENTITY",
        "mysql://db/n?sslmode=required",
        "mariadb://db/n?ssl-mode=REQUIRED",
        "mariadb://db/n?sslMode=verify-full",
        "mongodb://db/n?tls=true",
        "rediss://cache",
        "redis://[::1]/",
        "redis://db.localhost/",
        "redis+unix:///run/redis.sock",
        "sqlite:data.db",
        "https://api.example.com/",
        "not a url",
    ] {
        assert!(!is_cleartext_network(text.as_bytes()), "{text}");
    }
}

proptest! {
    // Few texts of this kind are read as another URL.
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_password_with_raw_delimiters_is_never_shown(
        scheme in "postgres|mysql|redis|sqlite|https|unix|x",
        user in "[a-z0-9/?#@:.,%]{0,6}",
        before in "[a-z0-9/?#@:=&.,%\\[\\] ]{0,6}",
        after in "[a-z0-9/?#@:=&.,%\\[\\] ]{0,6}",
    ) {
        let text = format!("{scheme}://{user}:{before}canary{after}@db.internal:5432/nexis?x=y");
        for how in [Display::Auto, Display::Location] {
            let shown = display(text.as_bytes(), how).unwrap_or_default();
            prop_assert!(!shown.contains("canary"), "{shown}");
        }
        let known = passwords(text.as_bytes()).iter().any(|password| {
            password.expose().windows(6).any(|part| part == b"canary")
        });
        prop_assert!(known);
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(value in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = (passwords(&value), display(&value, Display::Location), is_cleartext_network(&value));
    }

    #[test]
    fn any_text_is_taken_without_a_panic(value in "[a-z:/?#@\\[\\]%=&.0-9\\PC]{0,40}") {
        let _ = (passwords(value.as_bytes()), is_cleartext_network(value.as_bytes()));
        let _ = display(value.as_bytes(), Display::Location);
    }
}

#[test]
fn each_piece_ends_where_the_next_begins() {
    for (text, host, path, query, fragment) in [
        ("https://h?a=/b?c:d@e", "h", "", Some("a=/b?c:d@e"), None),
        ("https://h#f/g?h:i", "h", "", None, Some("f/g?h:i")),
        ("https://h/p#f?g", "h", "/p", None, Some("f?g")),
        ("https://h/p?q#f", "h", "/p", Some("q"), Some("f")),
        ("https://h/p:q?q", "h", "/p:q", Some("q"), None),
    ] {
        let url = Url::parse(text.as_bytes()).unwrap();
        assert_eq!(url.host, Some(host), "{text}");
        assert_eq!((url.path, url.query, url.fragment), (path, query, fragment), "{text}");
    }
}

#[test]
fn one_bad_piece_is_no_url() {
    for text in [
        "https://h/a\"b",
        "https://h/p?a\"b",
        "https://h/p#a\"b",
        "https://h/p?q#a\"b",
        "https://h/%4g",
        "https://h/%g4",
        "https://h/%",
        "https://h/?%4g",
    ] {
        assert!(Url::parse(text.as_bytes()).is_none(), "{text}");
    }
    assert!(Url::parse(b"https://h/%4f?%4F#%4f").is_some());
}

#[test]
fn this_machine_is_known_by_name_and_address() {
    for (text, own) in [
        ("http://localhost/", true),
        ("http://a.localhost.:80/", true),
        ("http://127.8.9.1/", true),
        ("http://[::1]/", true),
        ("http://[::ffff:127.0.0.1]/", true),
        ("http://example.com/", false),
        ("http://localhost.example/", false),
        ("http://10.0.0.1/", false),
        ("http://[2001:db8::1]/", false),
        ("mailto:a", false),
    ] {
        let url = Url::parse(text.as_bytes());
        assert_eq!(url.is_some_and(|url| url.is_loopback()), own, "{text}");
    }
}
