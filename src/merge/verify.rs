//! The meaning of a merge, told by values alone: a second opinion on what [`super::by_key`] did to the text.

use serde_json::Value;

use super::identity::Identity;

/// Returns whether `merged` has every change of both sides: where one side left the base, the other's value; where
/// both agree, theirs. Where both changed a value differently anything may stand, for it was resolved.
pub(super) fn is_merge(
    base: Option<&Value>,
    yours: Option<&Value>,
    render: Option<&Value>,
    merged: Option<&Value>,
) -> bool {
    match (yours, render) {
        (Some(Value::Object(y)), Some(Value::Object(r))) => {
            let empty = serde_json::Map::new();
            let b = base.and_then(Value::as_object).unwrap_or(&empty);
            let Some(Value::Object(m)) = merged else {
                return false;
            };
            let keys = b.keys().chain(y.keys()).chain(r.keys()).chain(m.keys());
            keys.into_iter()
                .all(|key| is_merge(b.get(key), y.get(key), r.get(key), m.get(key)))
        }
        (Some(Value::Array(y)), Some(Value::Array(r))) => {
            let b = base
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let Some(Value::Array(m)) = merged else {
                return false;
            };
            match Identity::of(&[b, y, r, m]) {
                Some(identity) => {
                    let find = |list: &[Value], id: &str| {
                        list.iter()
                            .find(|item| identity.id(item).as_deref() == Some(id))
                            .cloned()
                    };
                    b.iter()
                        .chain(y)
                        .chain(r)
                        .chain(m)
                        .filter_map(|item| identity.id(item))
                        .all(|id| {
                            let [b, y, r, m] = [b, y, r, m].map(|list| find(list, &id));
                            is_merge(b.as_ref(), y.as_ref(), r.as_ref(), m.as_ref())
                        })
                }
                None => leaf(base, yours, render, merged),
            }
        }
        _ => leaf(base, yours, render, merged),
    }
}

/// Returns whether a merged text of YAML documents has every change of both sides.
pub(super) fn texts(sides: [&str; 3], merged: &str) -> bool {
    let [Ok(base), Ok(yours), Ok(render)] = sides.map(yaml::parse) else {
        return false;
    };
    let Ok(merged) = yaml::parse(merged) else {
        return false;
    };
    let [b, y, r, m] = [base, yours, render, merged].map(|documents| {
        let documents: Vec<Value> = documents.iter().map(yaml::Node::to_json).collect();
        Value::Array(documents)
    });
    let [lb, ly, lr, lm] = [&b, &y, &r, &m].map(|list| list.as_array().map(Vec::len));
    if lb == ly && ly == lr && lr == lm {
        let at = |list: &Value, i: usize| list.get(i).cloned();
        return (0..lb.unwrap_or(0)).all(|i| {
            let [b, y, r, m] = [&b, &y, &r, &m].map(|list| at(list, i));
            is_merge(b.as_ref(), y.as_ref(), r.as_ref(), m.as_ref())
        });
    }
    is_merge(Some(&b), Some(&y), Some(&r), Some(&m))
}

fn leaf(base: Option<&Value>, yours: Option<&Value>, render: Option<&Value>, merged: Option<&Value>) -> bool {
    if yours == render || base == render {
        merged == yours
    } else if base == yours {
        merged == render
    } else {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lost_edit_is_found() {
        let base = json!({"a": 1, "l": [{"name": "x", "v": 1}]});
        let yours = json!({"a": 2, "l": [{"name": "x", "v": 1}, {"name": "y"}]});
        let render = json!({"a": 1, "b": 3, "l": [{"name": "x", "v": 5}]});
        let judge = |merged: Value| is_merge(Some(&base), Some(&yours), Some(&render), Some(&merged));
        assert!(judge(
            json!({"a": 2, "b": 3, "l": [{"name": "x", "v": 5}, {"name": "y"}]})
        ));
        for wrong in [
            json!({"a": 1, "b": 3, "l": [{"name": "x", "v": 5}, {"name": "y"}]}),
            json!({"a": 2, "l": [{"name": "x", "v": 5}, {"name": "y"}]}),
            json!({"a": 2, "b": 3, "l": [{"name": "x", "v": 5}]}),
            json!({"a": 2, "b": 3, "l": [{"name": "x", "v": 1}, {"name": "y"}]}),
            json!({"a": 2, "b": 3, "c": 1, "l": [{"name": "x", "v": 5}, {"name": "y"}]}),
        ] {
            assert!(!judge(wrong.clone()), "{wrong}");
        }
    }
}
