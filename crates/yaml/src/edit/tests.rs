//! The text is edited as the values are merged, and comments stay.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no mapping"),
    }
}

fn merged(text: &str, patch: Value) -> String {
    merge(text, 0, &["spec", "values"], &object(patch)).expect("editable")
}

const RELEASE: &str = "\
---
spec:
  interval: 1h
  values:
    # Why there are two.
    replicas: 2 # for now
    image:
      repository: ghcr.io/a/b

      # renovate: datasource=docker depName=a/b
      tag: \"1.2\"
    resources: {}
    args: # in this order
      # the first
      - a
      - b
    text: |
      x
       y
    # The last one.
    empty:
  other: true
";

#[test]
fn values_change_in_place_and_comments_stay() {
    let text = merged(
        RELEASE,
        json!({
            "replicas": 3,
            "image": {"tag": "1.3", "pullPolicy": "Always"},
            "resources": {"limits": {"memory": "1Gi"}},
            "args": ["c"],
            "empty": "no",
            "new": {"on": true},
        }),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn null_takes_a_key_out_with_its_comment_and_is_passed_on_where_there_is_none() {
    let text = merged(
        RELEASE,
        json!({"replicas": null, "text": null, "image": {"repository": null, "tag": null}, "absent": null}),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_mapping_that_is_missing_or_empty_is_made() {
    let patch = json!({"a": {"b": [1, "2"]}});
    for text in [
        "spec:\n  x: 1\n",
        "spec:\n  x: 1\n  values:\n",
        "spec:\n  values: {} # none\n",
        "spec:\n  values: # none\n    c: 1",
        "spec: {x: 1}\n",
    ] {
        let out = merged(text, patch.clone());
        let json = parse(&out).expect("YAML")[0].to_json();
        assert_eq!(json.pointer("/spec/values/a/b"), Some(&json!([1, "2"])), "{out}");
    }
    assert_eq!(
        merge("a: 1\n", 1, &["spec"], &Map::new()),
        Err(EditError::NoPlace)
    );
    assert_eq!(
        merge("spec: 1\n", 0, &["spec", "values"], &Map::new()),
        Err(EditError::NoPlace)
    );
}

#[test]
fn an_anchor_that_is_edited_does_not_change_its_aliases() {
    let text = "spec:\n  values:\n    # kept\n    a: &x\n      b: 1\n      c: 2\n    d: *x\n";
    let out = merged(text, json!({"a": {"b": 5}}));
    assert_eq!(
        out,
        "spec:\n  values:\n    # kept\n    a: &x\n      b: 5\n      c: 2\n    d:\n      b: 1\n      c: 2\n"
    );
    let out = merged(text, json!({"d": {"b": 5}}));
    assert_eq!(
        out,
        "spec:\n  values:\n    # kept\n    a: &x\n      b: 1\n      c: 2\n    d:\n      b: 5\n      c: 2\n"
    );
}

#[test]
fn only_the_named_document_changes() {
    let text = "---\na: 1\n---\n# second\na: 1\n---\na: 1\n";
    let out = merge(text, 1, &[], &object(json!({"a": 2})));
    assert_eq!(out.as_deref(), Ok("---\na: 1\n---\n# second\na: 2\n---\na: 1\n"));
}

#[test]
fn a_list_that_is_not_indented_ends_where_its_last_item_does() {
    for first in ["[x, y]", "{n: x}", "x", "[]"] {
        let text = format!(
            "spec:\n  values:\n    list:\n    - {first}\n    - z # last\n\n    # Why there are two.\n    replicas: 2\n"
        );
        let out = merged(&text, json!({"list": ["new"]}));
        assert_eq!(
            out,
            "spec:\n  values:\n    list:\n      - new\n\n    # Why there are two.\n    replicas: 2\n"
        );
        let out = merged(&text, json!({"list": null}));
        assert_eq!(
            out,
            "spec:\n  values:\n\n    # Why there are two.\n    replicas: 2\n"
        );
    }
}

/// The layouts that all editors are tried on.
fn layouts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let cases = include_str!("../../tests/layouts.txt").split("=== ").skip(1);
    cases.map(|case| case.split_once('\n').expect("a name"))
}

/// Returns the ways to all values that are reached by keys alone.
fn ways(value: &Value, way: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        way.push(key.clone());
        out.push(way.clone());
        ways(value, way, out);
        way.pop();
    }
}

/// Returns what a value takes up, from the colon of its key to the end of its last line.
fn place_of(text: &str, root: &Node, way: &[String]) -> Range<usize> {
    let (mut node, mut place) = (root, 0..0);
    for key in way {
        let all = children(text, node, place.start);
        let child = all.into_iter().find(|child| child.name() == Some(key));
        let child = child.expect("there");
        (node, place) = (child.node, child.floor..line::end(text, child.end));
    }
    place
}

#[test]
fn every_value_of_every_layout_can_be_set_and_taken_out() {
    for (name, text) in layouts() {
        let tree = parse(text).expect("YAML").swap_remove(0);
        let before = tree.to_json();
        let mut all = Vec::new();
        ways(&before, &mut Vec::new(), &mut all);
        for way in all {
            let (key, above) = way.split_last().expect("a key");
            for new in [json!("new"), json!({"a": ["b"]}), Value::Null] {
                let path: Vec<&str> = above.iter().map(String::as_str).collect();
                let changes = Map::from_iter([(key.clone(), new.clone())]);
                let out = merge(text, 0, &path, &changes).expect("a place");
                let mut expected = before.clone();
                let pointer: String = above.iter().map(|key| format!("/{key}")).collect();
                let parent = expected.pointer_mut(&pointer).and_then(Value::as_object_mut);
                deep_merge(parent.expect("a mapping"), &changes);
                let after = parse(&out).expect("YAML").swap_remove(0);
                assert_eq!(after.to_json(), expected, "{name}: {way:?}\n{out}");
                let inside = place_of(text, &tree, &way);
                let after: Vec<&str> = comments(&out)
                    .expect("YAML")
                    .into_iter()
                    .map(|at| &out[at])
                    .collect();
                // What stands above a key goes with it, in brackets all of them.
                let stays = |at: &Range<usize>| {
                    let own = text[at.clone()].ends_with(&format!("above {key}"))
                        || text[at.clone()].ends_with(&format!("beside {key}"));
                    let replaced = inside.start <= at.start && at.end <= inside.end;
                    !(replaced || new.is_null() && own)
                };
                for at in comments(text).expect("YAML").into_iter().filter(stays) {
                    let below = name.starts_with("brackets")
                        || new.is_null() && expected.pointer(&pointer) == Some(&json!({}));
                    assert!(
                        below || after.contains(&&text[at.clone()]),
                        "{name}: {way:?} loses {}\n{out}",
                        &text[at]
                    );
                }
            }
        }
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-9..999_i64).prop_map(Value::from),
        "[a-z0-9#:' {}\\-]{0,9}".prop_map(Value::from),
        Just(json!("two\nlines\n")),
        Just(json!("on")),
        Just(json!("${SECRET_DOMAIN}")),
        prop::collection::vec(any::<u8>().prop_map(Value::from), 0..3).prop_map(Value::from),
        Just(json!([{"a": 1, "b": ["x"]}])),
    ]
}

fn tree(with_null: bool) -> impl Strategy<Value = Value> {
    let leaf = if with_null {
        prop_oneof![4 => leaf(), 1 => Just(Value::Null)].boxed()
    } else {
        leaf().boxed()
    };
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map("[a-e]", inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    })
}

fn mapping(least: usize, with_null: bool) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-e]", tree(with_null), least..5).prop_map(|map| map.into_iter().collect())
}

/// Writes a mapping with a comment above every key and behind every value of one line, and notes whose they are.
fn commented(
    map: &Map<String, Value>,
    path: &str,
    column: usize,
    out: &mut String,
    notes: &mut Vec<(String, String)>,
) {
    let blanks = " ".repeat(column);
    for (index, (key, value)) in map.iter().enumerate() {
        let path = format!("{path}/{key}");
        let note = format!("# above {path};");
        if index % 2 == 1 {
            out.push('\n');
        }
        out.push_str(&format!("{blanks}{note}\n"));
        notes.push((path.clone(), note));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let note = format!("# beside {path};");
                out.push_str(&format!("{blanks}{key}: {note}\n"));
                notes.push((path.clone(), note));
                commented(inner, &path, column + 2, out, notes);
            }
            value => {
                let block = emit::to_string(&Map::from_iter([(key.clone(), value.clone())]));
                let block = indented(block.trim_end_matches('\n'), column);
                out.push_str(&block);
                if !block.contains('\n') {
                    let note = format!("# beside {path};");
                    out.push_str(&format!(" {note}"));
                    notes.push((path, note));
                }
                out.push('\n');
            }
        }
    }
}

/// Returns whether the changes replaces the value at a path, something around it, or takes one of them out.
fn replaces(base: &Map<String, Value>, changes: &Map<String, Value>, path: &str) -> bool {
    let mut keys = path.split('/').skip(1).peekable();
    let (mut base, mut changes) = (base, changes);
    while let Some(key) = keys.next() {
        match (base.get(key), changes.get(key)) {
            (_, None) => return false,
            (_, Some(Value::Null)) => return true,
            (Some(Value::Object(b)), Some(Value::Object(p))) => (base, changes) = (b, p),
            // Replaced itself: what stands above and beside its key stays.
            _ => return keys.peek().is_some(),
        }
    }
    false
}

proptest! {
    #[test]
    fn editing_the_text_is_merging_the_values(base in mapping(1, false), patch in mapping(0, true)) {
        let (mut text, mut notes) = ("---\nspec:\n  values:\n".to_owned(), Vec::new());
        commented(&base, "", 4, &mut text, &mut notes);
        text.push_str("  # the end\n  after: 1\n");
        let mut expected = base.clone();
        deep_merge(&mut expected, &patch);
        let out = merge(&text, 0, &["spec", "values"], &patch);
        let out = out.map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        let json = parse(&out).expect("YAML")[0].to_json();
        prop_assert_eq!(&json["spec"]["values"], &Value::Object(expected.clone()), "{}", out);
        prop_assert_eq!(&json["spec"]["after"], &json!(1));
        prop_assert!(out.contains("  # the end\n"));
        let emptied = |path: &str| {
            // Where every key of a mapping goes, `{}` takes the place of all of it.
            path.match_indices('/').any(|(end, _)| {
                let pointer = &path[..end];
                let value = if pointer.is_empty() {
                    Some(&json["spec"]["values"])
                } else {
                    json["spec"]["values"].pointer(pointer)
                };
                value.is_some_and(|value| value == &json!({}))
            })
        };
        for (path, note) in notes {
            let gone = replaces(&base, &patch, &path) || emptied(&path);
            prop_assert!(gone || out.contains(&note), "lost {}\n{}\n=>\n{}", note, text, out);
        }
    }

    #[test]
    fn a_merge_of_nothing_changes_no_byte(base in mapping(1, false)) {
        let (mut text, mut notes) = ("spec:\n  values:\n".to_owned(), Vec::new());
        commented(&base, "", 4, &mut text, &mut notes);
        prop_assert_eq!(merge(&text, 0, &["spec", "values"], &base), Ok(text.clone()));
        prop_assert_eq!(merge(&text, 0, &["spec", "values"], &Map::new()), Ok(text));
    }
}
