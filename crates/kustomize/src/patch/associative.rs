//! Lists whose items are told apart by keys, such as containers by their names: how a patch is merged into one.
//!
//! The result follows kyaml's `walk/associative_sequence.go` step by step, also where items lack their keys.

use super::schema::ListSchema;
use super::strategic::{Clash, merge, settle};
use crate::node::{Content, Datum};

/// The values of an item's keys, empty for those that it lacks.
type KeyValues = Vec<String>;

/// A list on its way.
struct Lists {
    old: Vec<Datum>,
    /// Nothing when the list only meets itself.
    patch: Option<Vec<Datum>>,
    /// Whether the patch is the old list: what is merged meets itself.
    is_same: bool,
    schema: Option<ListSchema>,
}

/// Merges a patch into a list.
pub(crate) fn merge_lists(
    old: Datum,
    patch: Option<Datum>,
    keys: &[&str],
    schema: Option<ListSchema>,
) -> Result<Datum, Clash> {
    let items = |datum: Datum| match datum.content {
        Content::List(items) => items,
        _ => Vec::new(),
    };
    let spot = old.spot;
    let lists = Lists {
        old: items(old),
        patch: patch.map(items),
        is_same: false,
        schema,
    };
    Ok(Datum::new(Content::List(lists.merged(keys)?), spot))
}

/// Merges a list with itself.
pub(crate) fn settle_list(list: Datum, keys: &[&str], schema: Option<ListSchema>) -> Result<Datum, Clash> {
    let spot = list.spot;
    let Content::List(items) = list.content else {
        return Ok(list);
    };
    let lists = Lists {
        old: items,
        patch: None,
        is_same: true,
        schema,
    };
    Ok(Datum::new(Content::List(lists.merged(keys)?), spot))
}

impl Lists {
    fn merged(mut self, keys: &[&str]) -> Result<Vec<Datum>, Clash> {
        let sources = [self.patch.as_deref(), Some(self.old.as_slice())];
        let mut values: Vec<KeyValues> = Vec::new();
        for item in sources.into_iter().flatten().flatten() {
            let found: KeyValues = if keys.is_empty() {
                vec![item.as_text().unwrap_or_default().to_owned()]
            } else {
                keys.iter().map(|key| key_value(item, key)).collect()
            };
            if !values.contains(&found) {
                values.push(found);
            }
        }
        let keys: &[&str] = if keys.is_empty() { &[""] } else { keys };
        self.place(values, keys)
    }

    fn place(&mut self, mut values: Vec<KeyValues>, keys: &[&str]) -> Result<Vec<Datum>, Clash> {
        if keys.len() > 1 {
            fill_up(&mut values);
        }
        let mut added: Vec<Datum> = Vec::new();
        let valid_keys = used_keys(&values, keys);
        for tuple in &values {
            let valid = used_values(tuple, keys, &valid_keys);
            let merged = self.merged_item(&valid_keys, &valid)?;
            let Some(mut merged) = merged.filter(|item| !is_nothing(item)) else {
                set_element(&mut self.old, None, &valid_keys, &valid);
                continue;
            };
            for (key, value) in valid_keys.iter().zip(&valid) {
                if !key.is_empty() && merged.get(key).is_none() && !value.is_empty() {
                    merged.set(key, Datum::plain(value.clone(), merged.spot));
                }
            }
            set_element(&mut added, Some(merged), &valid_keys, &valid);
        }
        if !values.is_empty() {
            append_rest(&mut added, std::mem::take(&mut self.old), &valid_keys);
        }
        Ok(added)
    }

    /// Merges the items with these values of their keys.
    fn merged_item(&mut self, keys: &[&str], values: &[String]) -> Result<Option<Datum>, Clash> {
        let present: Vec<usize> = (0..keys.len())
            .filter(|at| values.get(*at).is_some_and(|value| !value.is_empty()))
            .collect();
        let (keys, values): (Vec<&str>, Vec<String>) = if present.is_empty() {
            (keys.to_vec(), values.to_vec())
        } else {
            present.iter().map(|at| (keys[*at], values[*at].clone())).unzip()
        };
        let schema = self.schema.map(ListSchema::item);
        let old = find(&self.old, &keys, &values);
        if self.is_same {
            let Some(at) = old else {
                return Ok(None);
            };
            let settled = settle(self.old[at].clone(), schema)?;
            if let Some(item) = &settled {
                self.old[at] = item.clone();
            }
            return Ok(settled);
        }
        let patch = self
            .patch
            .as_ref()
            .and_then(|items| find(items, &keys, &values).map(|at| items[at].clone()));
        let merging = merge(old.map(|at| self.old[at].clone()), patch, schema)?;
        if let (Some(at), Some(item), true) = (old, &merging.value, merging.is_old) {
            self.old[at] = item.clone();
        }
        Ok(merging.value)
    }
}

fn is_nothing(item: &Datum) -> bool {
    item.is_null() || matches!(&item.content, Content::Map(fields) if fields.is_empty())
}

fn key_value(item: &Datum, key: &str) -> String {
    let value = item.get(key).filter(|value| !value.is_null_or_empty());
    value.and_then(Datum::as_text).unwrap_or_default().to_owned()
}

/// Completes tuples that agree in one key, and of which one lacks what the other has.
fn fill_up(values: &mut [KeyValues]) {
    if values.iter().flatten().all(|value| !value.is_empty()) {
        return;
    }
    for first in 0..values.len() {
        for second in 0..values.len() {
            if let Some(both) = common(&values[first], &values[second]) {
                values[first].clone_from(&both);
                values[second] = both;
            }
        }
    }
}

fn common(first: &KeyValues, second: &KeyValues) -> Option<KeyValues> {
    let mut agree = false;
    let mut both = Vec::with_capacity(first.len());
    for (a, b) in first.iter().zip(second) {
        if a == b {
            agree = true;
        } else if !a.is_empty() && !b.is_empty() {
            return None;
        }
        both.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    agree.then_some(both)
}

/// The keys that any item has; all of them if none has any.
fn used_keys<'k>(values: &[KeyValues], keys: &[&'k str]) -> Vec<&'k str> {
    let is_used = |at: usize| {
        values
            .iter()
            .any(|tuple| tuple.get(at).is_some_and(|value| !value.is_empty()))
    };
    let used: Vec<&str> = (0..keys.len())
        .filter(|at| is_used(*at))
        .map(|at| keys[at])
        .collect();
    if used.is_empty() { keys.to_vec() } else { used }
}

fn used_values(tuple: &KeyValues, keys: &[&str], used: &[&str]) -> KeyValues {
    let numbered = tuple.iter().enumerate();
    numbered
        .filter(|(at, value)| !value.is_empty() || used.contains(&keys[*at]))
        .map(|(_, value)| value.clone())
        .collect()
}

/// Finds the first item that has these values.
fn find(items: &[Datum], keys: &[&str], values: &[String]) -> Option<usize> {
    if keys.first().is_none_or(|key| key.is_empty()) {
        let wanted = values.first().map_or("", String::as_str);
        return items
            .iter()
            .position(|item| item.as_text().unwrap_or_default() == wanted);
    }
    items.iter().position(|item| {
        let pairs = keys.iter().zip(values);
        !item.is_null()
            && matches!(item.content, Content::Map(_))
            && pairs.into_iter().all(|(key, value)| {
                item.get(key)
                    .is_some_and(|found| found.as_text().unwrap_or_default() == value)
            })
    })
}

/// Puts an item in the place of those with the same values, or at the end; without an item it takes them out.
fn set_element(items: &mut Vec<Datum>, element: Option<Datum>, keys: &[&str], values: &[String]) {
    let is_mapping_setter = keys.first().is_some_and(|key| !key.is_empty())
        && values.first().is_some_and(|value| !value.is_empty());
    let mut found_any = false;
    let mut kept = Vec::with_capacity(items.len() + 1);
    for item in items.drain(..) {
        if is_nothing(&item) {
            continue;
        }
        if !matches!(item.content, Content::Map(_)) && is_mapping_setter {
            kept.push(item);
            continue;
        }
        if has_values(&item, keys, values) {
            found_any = true;
            if let Some(element) = &element {
                kept.push(element.clone());
            }
        } else if !values.is_empty() {
            kept.push(item);
        }
    }
    *items = kept;
    if let Some(element) = element
        && !found_any
        && !element.is_null()
    {
        items.push(element);
    }
}

fn has_values(item: &Datum, keys: &[&str], values: &[String]) -> bool {
    let mut last = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            last = if key.is_empty() {
                item.as_text().unwrap_or_default() == value
            } else {
                item.get(key)
                    .is_some_and(|found| value.is_empty() || found.as_text().unwrap_or_default() == value)
            };
        }
        if !last {
            return false;
        }
    }
    true
}

/// Adds the items of the old list; those that are there already take their own place.
fn append_rest(added: &mut Vec<Datum>, old: Vec<Datum>, keys: &[&str]) {
    for item in old {
        if keys.first().is_none_or(|key| key.is_empty()) {
            let value = item.as_text().unwrap_or_default().to_owned();
            set_element(added, Some(item), &[""], &[value]);
            continue;
        }
        let mut values = Vec::new();
        for key in keys {
            match item.get(key) {
                None => added.push(item.clone()),
                Some(value) => values.push(value.as_text().unwrap_or_default().to_owned()),
            }
        }
        if keys.len() > 1 {
            set_element(added, None, keys, &values);
        }
        set_element(added, Some(item), keys, &values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_that_agree_in_one_key_are_filled_up() {
        let tuple = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let mut values = vec![tuple("80", "TCP"), tuple("80", ""), tuple("81", "")];
        fill_up(&mut values);
        assert_eq!(values, [tuple("80", "TCP"), tuple("80", "TCP"), tuple("81", "")]);
        assert_eq!(used_keys(&[tuple("80", "")], &["port", "protocol"]), ["port"]);
    }
}
