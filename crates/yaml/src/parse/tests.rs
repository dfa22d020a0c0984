use serde_json::json;

use super::*;

fn one(text: &str) -> Value {
    parse(text).expect("valid YAML")[0].to_json()
}

#[test]
fn reads_what_kubernetes_writes() {
    assert_eq!(
        one("a: 1\nb: [x, 'y', \"z\"]\nc:\n  - d: true\n    e: |\n      x\n      y\n"),
        json!({"a": 1, "b": ["x", "y", "z"], "c": [{"d": true, "e": "x\ny\n"}]})
    );
}

#[test]
fn a_block_scalar_at_the_end_without_newline_has_none() {
    assert_eq!(one("a: |\n  x"), json!({"a": "x"}));
    assert_eq!(one("a: |\n  x\n"), json!({"a": "x\n"}));
}

#[test]
fn comments_are_found_where_they_stand() {
    let text = "# a\nk: v # b\nl: |  # c\n  # text\ns: \"# no\"\n# d\n";
    let found: Vec<&str> = comments(text)
        .expect("valid")
        .into_iter()
        .map(|r| &text[r])
        .collect();
    assert_eq!(found, ["# a", "# b", "# c", "# d"]);
}

#[test]
fn merge_keys_and_aliases_expand() {
    assert_eq!(
        one("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n"),
        json!({"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}})
    );
    assert_eq!(one("b:\n  !!merge <<: {k: 1}\n"), json!({"b": {"k": 1}}));
    for key in ["\"<<\"", "'<<'", "!!str <<"] {
        assert_eq!(
            one(&format!("b:\n  {key}: {{k: 1}}\n")),
            json!({"b": {"<<": {"k": 1}}})
        );
    }
}

#[test]
fn duplicate_keys_are_refused_with_both_places() {
    let error = parse("a: 1\nb: 2\na: 3\n").expect_err("duplicate");
    assert_eq!((error.span, error.first), (10..11, Some(0..1)));
}

#[test]
fn alias_bombs_are_refused_quickly() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..10 {
        let previous = format!("*a{}", i - 1);
        text.push_str(&format!("a{i}: &a{i} [{}]\n", [previous.as_str(); 9].join(", ")));
    }
    assert!(parse(&text).expect_err("bomb").message.contains("expands"));
    // A long text, often.
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(1000));
    assert!(parse(&text).expect_err("bomb").message.contains("aliases expand"));
    // Merge keys.
    let mut text = String::from("a0: &a0 {x: 1, y: 2}\n");
    for i in 1..30 {
        let j = i - 1;
        text.push_str(&format!(
            "a{i}: &a{i} {{p{i}: *a{j}, q{i}: *a{j}, <<: [*a{j}, *a{j}]}}\n"
        ));
    }
    assert!(parse(&text).expect_err("bomb").message.contains("expands"));
    // Itself.
    assert!(
        parse("a: &a [*a]\n")
            .expect_err("bomb")
            .message
            .contains("itself")
    );
    // Document by document.
    let list = format!("a: &a [{}]\nb: [*a, *a, *a, *a]\n---\n", "x, ".repeat(20_000));
    assert!(parse(&list).is_ok());
    assert!(
        parse(&list.repeat(10))
            .expect_err("bomb")
            .message
            .contains("aliases expand")
    );
}

#[test]
fn deep_nesting_and_left_over_templates_are_errors() {
    for bomb in ["[", "- ", "{a: ", "? ", "- - ? [{"] {
        let error = parse(&bomb.repeat(100_000)).expect_err(bomb);
        assert!(!error.message.is_empty(), "{bomb}");
    }
    let block: String = (0..100_u32)
        .map(|depth| format!("{}a:\n", " ".repeat(depth as usize)))
        .collect();
    assert_eq!(parse(&block).expect("fine").len(), 1);
    assert!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
    assert!(parse("a: {{ foo }}\n").is_err());
    assert!(parse("a: \"x\n").is_err());
    assert!(parse("a:\n\t- b\n").is_err());
}
