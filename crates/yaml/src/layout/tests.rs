//! What every editor builds on, over the layouts that texts come in.

use super::*;
use crate::parse::parse;
use crate::splice::{Edit, apply};

fn root(text: &str) -> Node {
    parse(text).expect("YAML").swap_remove(0)
}

/// Returns the children below a key of the root, as they are written: `at..floor` and `floor..end`.
fn written(text: &str, key: &str) -> Vec<String> {
    let root = root(text);
    let all = children(text, &root, 0);
    let child = all.iter().find(|child| child.name() == Some(key)).expect("there");
    children(text, child.node, child.floor)
        .iter()
        .map(|child| {
            format!(
                "{}→{}",
                &text[child.at..child.floor],
                &text[child.floor..child.end]
            )
        })
        .collect()
}

#[test]
fn lists_that_start_with_brackets_are_told_from_lists_in_brackets() {
    for (text, flow) in [
        ("a:\n- [b]\n", false),
        ("a:\n- {b: c}\n- d\n", false),
        ("a:\n- # x\n  [b]\n", false),
        ("a:\n- &x {b: c}\n", false),
        ("a:\n- [[b]]\n", false),
        ("a:\n  - [b]\n", false),
        ("a: [[b]]\n", true),
        ("a: {}\n", true),
        ("a: [ b ]\n", true),
    ] {
        let root = root(text);
        let list = root.get("a").expect("there");
        assert_eq!(is_flow(text, list), flow, "{text}");
        assert_eq!(is_block(text, list), !flow, "{text}");
    }
}

#[test]
fn children_are_found_in_every_layout() {
    for (text, expected) in [
        (
            "a:\n- [b]\n- {c: d} # e\n\n# f\n-  g\nz: 1\n",
            vec!["-→ [b]", "-→ {c: d}", "-→  g"],
        ),
        (
            "a: # x\n  - &n b\n  -\n  - !!str\n  - |\n    t\n\n  - >+\n    u\n\nz: 1\n",
            vec!["-→ &n b", "-→", "-→ !!str", "-→ |\n    t", "-→ >+\n    u\n"],
        ),
        (
            "a:\n- - x\n  - y\n- k: v\n  l:\n  - w\n",
            vec!["-→ - x\n  - y", "-→ k: v\n  l:\n  - w"],
        ),
        (
            "a: &n\n- # c\n  k: v\n- &x l: w\n",
            vec!["-→ # c\n  k: v", "-→ &x l: w"],
        ),
        (
            "a:\n  b: # c\n    d: e # f\n  g:\n  h: &n\n  i: \"j\n    k\"\n",
            vec!["b:→ # c\n    d: e", "g:→", "h:→ &n", "i:→ \"j\n    k\""],
        ),
        ("a: [ b, [c] ,{d: e} ]\n", vec!["→b", "→[c]", "→{d: e}"]),
        ("a: { b : c, \"d\":e, f: }\n", vec!["b :→ c", "\"d\":→e", "f:→"]),
        ("a:\n  ? b\n  : c\n", vec!["b→\n  : c"]),
        ("a: []\n", vec![]),
    ] {
        assert_eq!(written(text, "a"), expected, "{text}");
    }
}

#[test]
fn the_end_of_a_document_is_that_of_its_last_value() {
    for (text, end) in [
        ("a: 1 # x\n# y\n", "a: 1"),
        ("a:\n- b\n-\n\n# y\n", "a:\n- b\n-"),
        ("a: |\n  b\n\n", "a: |\n  b"),
        ("a: |+\n  b\n\n", "a: |+\n  b\n"),
        ("---\n# x\n- - [b]\n  - c\n# y\n", "---\n# x\n- - [b]\n  - c"),
        ("a: &x # y\n", "a: &x"),
    ] {
        assert_eq!(&text[..super::end(text, &root(text), 0)], end, "{text}");
    }
}

#[test]
fn a_child_knows_its_lines_and_the_comments_above() {
    let text = "# top\n\na: 1\n# own\n\n# of b\nb:\n  # of c\n  - k: v\n    l: w # x\n";
    let root = root(text);
    let all = children(text, &root, 0);
    assert_eq!(&text[all[0].lead..all[0].lines.end], "# top\n\na: 1\n");
    assert_eq!(&text[all[1].lead..all[1].lines.start], "# own\n\n# of b\n");
    assert_eq!(&text[all[1].heading(text)..all[1].lines.start], "# of b\n");
    let items = children(text, all[1].node, all[1].floor);
    assert_eq!(items[0].comments(text), "# of c\n");
    assert_eq!(items[0].content(text), "- k: v\n  l: w # x\n");
    assert_eq!(items[0].moved(text, 0, true), "# of c\n- k: v\n  l: w # x\n");
    let keys = children(text, items[0].node, items[0].floor);
    assert_eq!((keys[0].inline, keys[1].inline, keys[1].column), (true, false, 4));
    assert_eq!(keys[0].moved(text, 2, true), "  k: v\n");
}

#[test]
fn taking_one_child_out_leaves_the_others() {
    for text in [
        "a:\n- [b]\n- {c: d} # e\n- g\nz: 1\n",
        "a:\n  # one\n  - b\n  # two\n  - |\n    c\n\n    # no comment\n  - d\n  # end\nz: 1\n",
        "a:\n- - x\n  - y\n- k: v\n  l:\n  - w\n-\n",
        "a: [b, [c] , {d: e}]\n",
        "a: [\n  b,\n  c\n]\nz: 1\n",
        "a:\n- &n b\n- |+\n  c\n\n- !!str d",
    ] {
        let tree = root(text);
        let all = children(text, &tree, 0);
        let list = &all[0];
        let items = children(text, list.node, list.floor);
        let before = list.node.to_json();
        for at in 0..items.len() {
            let range = cut(text, list.node, &items, at).expect("others are left");
            let out = apply(text, &[Edit::cut(range)]).expect("one edit");
            let mut expected = before.as_array().expect("a list").clone();
            expected.remove(at);
            let json = root(&out).to_json();
            assert_eq!(
                json["a"],
                serde_json::Value::Array(expected),
                "{at} of\n{text}\n=>\n{out}"
            );
            assert_eq!(json.get("z").is_some(), text.contains("\nz: "), "{out}");
        }
    }
}

#[test]
fn a_block_text_ends_where_nothing_below_would_join_it() {
    for (text, can) in [
        ("a: b\nc: d\n", true),
        ("a: b\n# c\nd: e\n", true),
        ("a: b\n  # c\nd: e\n", false),
        ("a: b\n   \nd: e\n", false),
        ("a: b\n\n", true),
    ] {
        assert_eq!(block_text::can_end_at(text, 4, 0), can, "{text:?}");
    }
    for (text, without) in [
        ("a: |\n  b", "a: |-\n  b"),
        ("a: >+\n  b", "a: >-\n  b"),
        ("a: |-\n  b", "a: |-\n  b"),
    ] {
        let root = root(text);
        let header = block_text::header(text, &root.entries()[0].1, 2).expect("a header");
        let edits: Vec<Edit> = block_text::without_last_line_break(text, &header)
            .into_iter()
            .collect();
        assert_eq!(apply(text, &edits).as_deref(), Some(without));
    }
}
