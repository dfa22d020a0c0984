//! Values put in and taken out of every layout that the other editors are tried on.

use serde_json::{Value, json};

use super::super::Step;
use super::*;
use crate::ops::edit::edits_at;
use crate::text::document::Documents;

fn layouts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let cases = include_str!("../../../yaml/tests/layouts.txt")
        .split("=== ")
        .skip(1);
    cases.map(|case| case.split_once('\n').unwrap())
}

fn ways(value: &Value, way: &mut Vec<Step>, out: &mut Vec<KeyPath>) {
    let steps: Vec<(Step, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (Step::Key(key.clone()), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (Step::Index(at), value))
            .collect(),
        _ => return,
    };
    for (step, value) in steps {
        way.push(step);
        out.push(KeyPath::new(way.clone()));
        ways(value, way, out);
        way.pop();
    }
}

/// Puts a value into JSON, or takes the one there out; what is left of a list or mapping is an empty one.
fn edited(value: &Value, steps: &[Step], new: Option<&Value>) -> Value {
    let mut value = value.clone();
    let mut at = &mut value;
    let (last, above) = steps.split_last().unwrap();
    for step in above {
        at = match step {
            Step::Key(key) => &mut at[key],
            Step::Index(index) => &mut at[*index],
        };
    }
    match (last, new) {
        (Step::Key(key), Some(new)) => at[key] = new.clone(),
        (Step::Index(index), Some(new)) => at[*index] = new.clone(),
        (Step::Key(key), None) => drop(at.as_object_mut().unwrap().shift_remove(key)),
        (Step::Index(index), None) => drop(at.as_array_mut().unwrap().remove(*index)),
    }
    value
}

#[test]
fn every_value_of_every_layout_can_be_set_and_taken_out() {
    let news = [json!("new"), json!({"a": ["b"]}), json!("two\nlines\n")];
    for (name, text) in layouts() {
        let before = yaml::parse(text).unwrap()[0].to_json();
        let mut all = Vec::new();
        ways(&before, &mut Vec::new(), &mut all);
        for path in all {
            for new in news.iter().map(Some).chain([None]) {
                let docs = Documents::parse(text).unwrap();
                let edits = edits_at(&docs, path.within(0), new);
                let edits = edits.unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
                let out = yaml::apply(text, &edits).unwrap();
                let found =
                    yaml::parse(&out).unwrap_or_else(|error| panic!("{name}: {path}: {error:?}\n{out}"));
                let expected = edited(&before, path.steps(), new);
                assert_eq!(found[0].to_json(), expected, "{name}: {path}: {new:?}\n{out}");
                let foot = text.lines().last().filter(|line| line.starts_with('#'));
                assert!(
                    foot.is_none_or(|foot| out.ends_with(&format!("{foot}\n"))),
                    "{name}: {path}\n{out}"
                );
            }
        }
    }
}
