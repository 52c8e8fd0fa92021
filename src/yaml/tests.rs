use super::*;
use proptest::prelude::*;

fn hidden(_: &str) -> &str {
    "a key"
}

fn parse(text: &str) -> Result<Node, Vec<Fault>> {
    let (mut all, faults) = documents(text, Dialect::Contract, Lines::Each, hidden);
    if faults.is_empty() { Ok(all.remove(0)) } else { Err(faults) }
}

fn lines(node: &Node, found: &mut Vec<u32>) {
    match &node.value {
        Value::List(list) => list.iter().for_each(|node| lines(node, found)),
        Value::Map(map) => map.iter().for_each(|(key, node)| {
            found.push(key.line);
            lines(node, found);
        }),
        _ => found.push(node.line),
    }
}

#[test]
fn every_scalar_knows_its_line() {
    let text = "a: 1\nb:\n  - x\n  - {c: true,\n     d: ~}\n\ne: |\n  long\n  text\nf: 1.5\n";
    let mut found = Vec::new();
    lines(&parse(text).unwrap(), &mut found);
    assert_eq!(found, [1, 1, 2, 3, 4, 4, 5, 5, 7, 7, 10, 10]);
}

#[test]
fn documents_aliases_and_tags_keep_the_lines_they_were_written_on() {
    let text = "a: &x {k: 1,\n l: v}\nb: *x\n---\n!t c: !reset [d]\n5: [*y]\n";
    let text = text.replace("[d]", "&y [d]");
    let (all, faults) = documents(&text, Dialect::Deployment, Lines::Each, hidden);
    assert!(faults.is_empty(), "{faults:?}");
    let mut found = Vec::new();
    all.iter().for_each(|node| lines(node, &mut found));
    assert_eq!(found, [1, 1, 1, 2, 2, 3, 1, 1, 2, 2, 5, 5, 6, 5]);
}

#[test]
fn aliases_of_aliases_end() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..9 {
        let list = vec![format!("*a{}", n - 1); 10].join(",");
        text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    assert_eq!(documents(&text, Dialect::Deployment, Lines::Each, hidden).1.len(), 1);
}

#[test]
fn a_value_that_a_tag_refuses_is_not_shown() {
    let (_, faults) = documents("a: !!int canary\n", Dialect::Deployment, Lines::Each, hidden);
    assert_eq!(faults, [Fault { line: 1, words: "not valid YAML".to_owned() }]);
}

proptest! {
    /// Whatever stands in a file: no panic, and lines that exist, in order.
    #[test]
    fn any_text_is_read_or_refused(text in "[a\\-:\\[\\]{}&*!|>'\"#, \n?~1.%é]{0,60}") {
        let (_, faults) = documents(&text, Dialect::Deployment, Lines::Each, hidden);
        prop_assert!(faults.iter().all(|fault| fault.words.len() < 200));
        match parse(&text) {
            Err(faults) => prop_assert!(!faults.is_empty()),
            Ok(root) => {
                let mut found = Vec::new();
                lines(&root, &mut found);
                prop_assert!(found.is_sorted(), "{found:?}");
                let most = text.lines().count().max(1) + 1;
                prop_assert!(found.iter().all(|&line| line >= 1 && line as usize <= most));
            }
        }
    }
}
