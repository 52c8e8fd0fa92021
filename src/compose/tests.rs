use super::*;
use crate::contract::model::{List, Origin};
use crate::contract::parse;
use crate::url::{Url, decode, passwords};
use proptest::prelude::*;
use std::path::Path;

const HOST: RowId = RowId(0);
const PORT: RowId = RowId(1);
const NAME: RowId = RowId(2);
const USER: RowId = RowId(3);
const PASSWORD: RowId = RowId(4);
const SSLMODE: RowId = RowId(5);
const SCHEME: RowId = RowId(6);
const TLS: RowId = RowId(7);

/// `{SCHEME}://{USER}:{PASSWORD}@{HOST}[:{PORT}]/{NAME}[?sslmode={SSLMODE}]`
const DATABASE: Template = Template {
    text: "",
    parts: List::EMPTY,
    segments: List(&[
        Segment::Part(SCHEME, Place::Scheme),
        Segment::Literal("://"),
        Segment::Part(USER, Place::UserInfo),
        Segment::Literal(":"),
        Segment::Part(PASSWORD, Place::UserInfo),
        Segment::Literal("@"),
        Segment::Part(HOST, Place::Host),
        Segment::Group(List(&[Segment::Literal(":"), Segment::Part(PORT, Place::Port)])),
        Segment::Literal("/"),
        Segment::Part(NAME, Place::PathSegment),
        Segment::Group(List(&[
            Segment::Literal("?sslmode="),
            Segment::Part(SSLMODE, Place::QueryValue),
        ])),
    ]),
};

/// `{TLS?rediss:redis}://[[{USER}]:{PASSWORD}@]{HOST}[:{PORT}]`
const REDIS: Template = Template {
    text: "",
    parts: List::EMPTY,
    segments: List(&[
        Segment::Switch(TLS, "rediss", "redis"),
        Segment::Literal("://"),
        Segment::Group(List(&[
            Segment::Group(List(&[Segment::Part(USER, Place::UserInfo)])),
            Segment::Literal(":"),
            Segment::Part(PASSWORD, Place::UserInfo),
            Segment::Literal("@"),
        ])),
        Segment::Part(HOST, Place::Host),
        Segment::Group(List(&[Segment::Literal(":"), Segment::Part(PORT, Place::Port)])),
    ]),
};

type Parts<'a> = &'a [(RowId, &'a [u8])];

fn compose(template: &Template, set: Parts<'_>, defaults: Parts<'_>) -> Result<String, Vec<RowId>> {
    let lookup = |id: RowId| {
        let of = |parts: Parts<'_>| -> Option<usize> { parts.iter().position(|part| part.0 == id) };
        match (of(set), of(defaults)) {
            (Some(at), _) => Some(Found { value: set[at].1, is_default: false }),
            (None, Some(at)) => Some(Found { value: defaults[at].1, is_default: true }),
            (None, None) => None,
        }
    };
    render(template, &lookup).map(|url| String::from_utf8(url.expose().to_vec()).unwrap())
}

#[test]
fn parts_are_encoded_for_their_place() {
    let set: Parts<'_> = &[
        (SCHEME, b"postgres"),
        (HOST, b"db.internal"),
        (PORT, b"5432"),
        (NAME, b"a/b"),
        (USER, b"us:er"),
        (PASSWORD, b"p@s:s/w?o#r%d \xc3\xa4~"),
        (SSLMODE, b"require"),
    ];
    assert_eq!(
        compose(&DATABASE, set, &[]).unwrap(),
        "postgres://us%3Aer:p%40s%3As%2Fw%3Fo%23r%25d%20%C3%A4~@db.internal:5432/a%2Fb?sslmode=require"
    );
}

#[test]
fn hosts_may_be_ipv6_or_socket_directories() {
    for (host, expected) in [
        ("::1", "redis://[::1]"),
        ("[2001:db8::1]", "redis://[2001:db8::1]"),
        ("/run/redis", "redis://%2Frun%2Fredis"),
        ("10.0.0.1", "redis://10.0.0.1"),
    ] {
        assert_eq!(compose(&REDIS, &[(HOST, host.as_bytes())], &[]).unwrap(), expected);
    }
}

#[test]
fn a_part_in_the_wrong_place_does_not_become_another_url() {
    for (id, value) in [
        (SCHEME, "postgres://evil.example/?"),
        (PORT, "5432/other"),
        (HOST, "db:5432"),
        (HOST, "user@db"),
    ] {
        let fill: &[u8] = b"x";
        let all = [SCHEME, HOST, NAME, USER, PASSWORD].map(|other| (other, fill));
        let set: Vec<_> = [(id, value.as_bytes())].into_iter().chain(all).collect();
        let url = compose(&DATABASE, &set, &[]).unwrap();
        assert!(Url::parse(url.as_bytes()).is_none(), "{value}");
    }
}

#[test]
fn groups_drop_with_their_absent_part() {
    assert_eq!(compose(&REDIS, &[(HOST, b"cache")], &[]).unwrap(), "redis://cache");
    let set: Parts<'_> = &[(HOST, b"cache"), (PASSWORD, b"pw"), (TLS, b"Yes")];
    assert_eq!(compose(&REDIS, set, &[]).unwrap(), "rediss://:pw@cache");
    let set: Parts<'_> = &[(HOST, b"cache"), (PASSWORD, b"pw"), (USER, b"u"), (TLS, b"off")];
    assert_eq!(compose(&REDIS, set, &[]).unwrap(), "redis://u:pw@cache");
}

#[test]
fn a_group_of_dropped_groups_drops_too() {
    // `[?[a={USER}][b={PORT}]]`
    const TEMPLATE: Template = Template {
        text: "",
        parts: List::EMPTY,
        segments: List(&[
            Segment::Part(HOST, Place::Verbatim),
            Segment::Group(List(&[
                Segment::Literal("?"),
                Segment::Group(List(&[
                    Segment::Literal("a="),
                    Segment::Part(USER, Place::QueryValue),
                ])),
                Segment::Group(List(&[
                    Segment::Literal("b="),
                    Segment::Part(PORT, Place::QueryValue),
                ])),
            ])),
        ]),
    };
    assert_eq!(compose(&TEMPLATE, &[(HOST, b"h")], &[]).unwrap(), "h");
    assert_eq!(compose(&TEMPLATE, &[(HOST, b"h"), (PORT, b"1")], &[]).unwrap(), "h?b=1");
}

#[test]
fn every_absent_part_is_named() {
    assert_eq!(compose(&DATABASE, &[(HOST, b"db")], &[]), Err(vec![SCHEME, USER, PASSWORD, NAME]));
}

#[test]
fn a_part_that_would_be_dropped_is_an_error_unless_it_is_a_default() {
    // `[{USER}:{PASSWORD}@]` and `[{USER}[:{PASSWORD}]@]`
    const FLAT: Template = Template {
        text: "",
        parts: List::EMPTY,
        segments: List(&[
            Segment::Group(List(&[
                Segment::Part(USER, Place::UserInfo),
                Segment::Literal(":"),
                Segment::Part(PASSWORD, Place::UserInfo),
                Segment::Literal("@"),
            ])),
            Segment::Part(HOST, Place::Host),
        ]),
    };
    const NESTED: Template = Template {
        text: "",
        parts: List::EMPTY,
        segments: List(&[
            Segment::Group(List(&[
                Segment::Part(USER, Place::UserInfo),
                Segment::Group(List(&[
                    Segment::Literal(":"),
                    Segment::Part(PASSWORD, Place::UserInfo),
                ])),
                Segment::Literal("@"),
            ])),
            Segment::Part(HOST, Place::Host),
        ]),
    };
    let host: Parts<'_> = &[(HOST, b"h")];
    let both: Parts<'_> = &[(HOST, b"h"), (PASSWORD, b"pw")];
    for template in [FLAT, NESTED] {
        assert_eq!(compose(&template, both, &[]), Err(vec![USER]));
        assert_eq!(compose(&template, host, &[(PASSWORD, b"pw")]).unwrap(), "h");
    }
}

proptest! {
    #[test]
    fn a_composed_url_parses_back_to_its_parts(
        user in "\\PC{1,12}",
        password in "\\PC{1,24}",
        name in "[^\\p{C}.]\\PC{0,11}",
        sslmode in "\\PC{1,8}",
        port in 1u16..,
    ) {
        let port_text = port.to_string();
        let set: Parts<'_> = &[
            (SCHEME, b"postgres"),
            (HOST, b"db.internal"),
            (PORT, port_text.as_bytes()),
            (NAME, name.as_bytes()),
            (USER, user.as_bytes()),
            (PASSWORD, password.as_bytes()),
            (SSLMODE, sslmode.as_bytes()),
        ];
        let text = compose(&DATABASE, set, &[]).unwrap();

        let own = Url::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(decode(own.user.unwrap()), user.as_bytes());
        prop_assert_eq!(decode(own.password.unwrap()), password.as_bytes());
        prop_assert_eq!((own.host, own.port), (Some("db.internal"), Some(port)));
        prop_assert_eq!(decode(&own.path[1..]), name.as_bytes());
        let (key, value) = own.pairs().next().unwrap();
        prop_assert_eq!((key, decode(value.unwrap())), ("sslmode", sslmode.clone().into_bytes()));
        prop_assert!(passwords(text.as_bytes()).iter().any(|p| p.expose() == password.as_bytes()));

        // What drivers parse it with.
        let other = ::url::Url::parse(&text).unwrap();
        prop_assert_eq!(decode(other.username()), user.as_bytes());
        prop_assert_eq!(decode(other.password().unwrap()), password.as_bytes());
        prop_assert_eq!((other.host_str(), other.port()), (Some("db.internal"), Some(port)));
        prop_assert_eq!(decode(&other.path()[1..]), name.as_bytes());
        prop_assert_eq!(
            other.query_pairs().collect::<Vec<_>>(),
            [("sslmode".into(), sslmode.as_str().into())]
        );
    }
}

#[test]
fn a_template_of_the_built_in_contract_is_shown_whole() {
    let row = |contract: &Contract, name: &[u8]| *contract.row(contract.known(name).unwrap().row);
    for name in [b"DATABASE_URL".as_slice(), b"REDIS_URL"] {
        let template = row(&builtin::CONTRACT, name).template.unwrap();
        assert_eq!(shown(&builtin::CONTRACT, &template), template.text);
    }
    let text = "version: 1\nname: own\nextends: builtin:nexis-gateway\nvariables:\n\
                \x20 - {name: V, secret: true, template: 'h://x:Sup3rS3cret@{NEXIS_DATABASE_HOST}'}\n";
    let own = parse(text, Path::new("own"), Origin::File("own")).unwrap();
    let whole = row(&own, b"DATABASE_URL").template.unwrap();
    assert_eq!(shown(&own, &whole), whole.text);
    let other = row(&own, b"V").template.unwrap();
    assert_eq!(shown(&own, &other), "h://[redacted]@{NEXIS_DATABASE_HOST}");
}

#[test]
fn only_scheme_names_and_punctuation_of_a_template_are_shown() {
    for (text, expected) in [
        ("https://svc:Sup3rS3cret@{PH}/x", "https://[redacted]@{PH}/[redacted]"),
        ("h://u:p@ss/w@{PH}", "h://[redacted]@{PH}"),
        ("h://{U?a:b}:{P}x@{PH}", "h://{U?[redacted]}:{P}[redacted]@{PH}"),
        ("h://[{U}:{P}@]{PH}:80/a:b", "h://[{U}:{P}@]{PH}:[redacted]"),
        ("{U?a:b}://{U}:{P}@{PH}", "{U?a:b}://{U}:{P}@{PH}"),
        ("{U?Sup3rS3cret:b}{PH}", "{U?[redacted]}{PH}"),
        ("h://{PH}/d?u=u&password=Sup3rS3cret", "h://{PH}/[redacted]"),
        ("h://{PH}/d[?sslmode={P}]", "h://{PH}/[redacted][?[redacted]={P}]"),
        ("host={PH} user=app password=Sup3rS3cret", "[redacted]={PH} [redacted]"),
        ("Sup3r S3cret://{PH}", "[redacted]://{PH}"),
        ("{PH}=;,&{P}", "{PH}=;,[redacted]{P}"),
        ("{PH}", "{PH}"),
    ] {
        let text = format!(
            "version: 1\nname: own\nvariables:\n  - {{name: V, secret: true, template: '{text}'}}\n\
             parts:\n  - {{name: PH}}\n  - {{name: P}}\n  - {{name: U, format: {{kind: flag}}}}\n"
        );
        let contract = parse(&text, Path::new("own"), Origin::File("own")).unwrap();
        let template = contract.rows.0[0].template.unwrap();
        assert_eq!(shown(&contract, &template), expected);
    }
}
