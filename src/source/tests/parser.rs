use crate::source::env_file::parse;

/// `NAME=value` of each entry with its line, and the lines that are wrong.
fn parsed(text: &[u8]) -> (Vec<(usize, String)>, Vec<usize>) {
    let (entries, wrong) = parse(text);
    let entries = entries
        .iter()
        .map(|entry| {
            let value = String::from_utf8_lossy(entry.value.expose());
            (entry.line, format!("{}={value}", entry.name))
        })
        .collect();
    (entries, wrong.iter().map(|wrong| wrong.line).collect())
}

#[track_caller]
fn one(text: &str, expected: &str) {
    let (entries, wrong) = parsed(text.as_bytes());
    assert_eq!(entries, [(1, expected.to_owned())], "{text:?}");
    assert!(wrong.is_empty(), "{text:?}");
}

#[track_caller]
fn none(text: &str) {
    let (entries, wrong) = parsed(text.as_bytes());
    assert!(entries.is_empty(), "{text:?}: {entries:?}");
    assert_eq!(wrong, [1], "{text:?}");
}

#[test]
fn unquoted_values_end_at_a_comment_and_are_trimmed() {
    one("A=b", "A=b");
    one("A= b c \t", "A=b c");
    one("A=b #c", "A=b");
    one("A=b\t# c", "A=b");
    one("A=b#c", "A=b#c");
    one("A=#c", "A=#c");
    one("A= #c", "A=");
    one("A=", "A=");
    one("A=b=c==", "A=b=c==");
    one(r"A=$HOME\n`x`'y'", r"A=$HOME\n`x`'y'");
    one("  export\tA=b", "A=b");
    one("export=b", "export=b");
    one("A=b\r\n", "A=b");
}

#[test]
fn single_quotes_are_literal() {
    one(r#"A=' $b \n " # ' # comment"#, r#"A= $b \n " # "#);
    one("A=''", "A=");
    one("A= 'b'\r\n", "A=b");
}

#[test]
fn double_quotes_know_five_escapes() {
    one(r#"A="\n\t\"\\\$ ' # $b" "#, "A=\n\t\"\\$ ' # $b");
    one(r#"A="b\\""#, r"A=b\");
    one(r#"A="""#, "A=");
}

#[test]
fn anything_else_is_an_error_with_its_line() {
    for text in [
        "A",
        "A b",
        "A =b",
        "1A=b",
        "A-B=c",
        "=b",
        "export A",
        "A='b",
        "A=\"b",
        "A=\"b\\",
        "A='b'c",
        "A=\"b\"#c",
        r#"A="\r""#,
        r#"A="\x""#,
        "A=b\0c",
        "A='b\0'",
        "\u{e4}=b",
        "export  =b",
    ] {
        none(text);
    }
}

#[test]
fn lines_are_counted_through_comments_blank_lines_and_quotes() {
    let text = "\u{feff}# c\r\n\r\n  \nA=1\nB='x\r\ny'\nC=\"p\nq\" # c\nD=4";
    let (entries, wrong) = parsed(text.as_bytes());
    let expected =
        [(4, "A=1"), (5, "B=x\ny"), (7, "C=p\nq"), (9, "D=4")].map(|(n, t)| (n, t.to_owned()));
    assert_eq!(entries, expected);
    assert!(wrong.is_empty());
}

#[test]
fn an_open_quote_is_an_error_of_its_own_line_and_the_rest_is_read() {
    let (entries, wrong) = parsed(b"A=1\nB=\"open\nC=3\nD='x'y\nE=5\n");
    assert_eq!(wrong, [2, 4]);
    let lines: Vec<_> = entries.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 3, 5]);
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let (entries, wrong) = parse(b"A=\xff\nB='\xfe'");
    assert_eq!(entries[0].value.expose(), b"\xff");
    assert_eq!(entries[1].value.expose(), b"\xfe");
    assert!(wrong.is_empty());
}

#[test]
fn errors_are_bounded_and_hold_no_text() {
    let (_, wrong) = parse("canary\n".repeat(10_000).as_bytes());
    assert_eq!(wrong.len(), 20);
    assert!(!format!("{wrong:?}").contains("canary"));
}
