//! Lists and mappings that methods can change, as Python's can.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Tuple};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::counted::{made, ok, size};
use crate::bounds;

/// Registers what the rewritten literals call.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_function("__list", |items: Value| list(&items));
    env.add_function("__dict", |items: Value| dict(&items));
    // What `list` gives is new in Python as well, and can be changed.
    env.add_filter("list", |state: &mut State, items: Value| {
        made(size(&items)?)?;
        let plain = state.apply_filter("__plain_list", &[items])?;
        list(&plain)
    });
}

pub(super) fn list(items: &Value) -> Result<Value, Error> {
    made(size(items)?)?;
    let items = items
        .try_iter()?
        .checked()
        .collect::<Result<Vec<Value>, Error>>()?;
    Ok(Value::from_object(List(Mutex::new(items))))
}

pub(super) fn dict(items: &Value) -> Result<Value, Error> {
    let pairs = pairs(items)?;
    Ok(Value::from_object(Dict(Mutex::new(pairs))))
}

/// Returns whether a value is, or holds, an object. What it is called with has been measured.
fn holds(value: &Value, is: &dyn Fn(&DynObject) -> bool) -> bool {
    let Some(object) = value.as_object() else {
        return false;
    };
    if is(object) {
        return true;
    }
    match object.repr() {
        ObjectRepr::Seq => value
            .try_iter()
            .into_iter()
            .flatten()
            .any(|item| holds(&item, is)),
        ObjectRepr::Map => {
            let entries = object.try_iter_pairs().into_iter().flatten();
            entries.into_iter().any(|(_, item)| holds(&item, is))
        }
        _ => false,
    }
}

fn pairs(items: &Value) -> Result<Vec<(Value, Value)>, Error> {
    let Some(object) = items
        .as_object()
        .filter(|object| object.repr() == ObjectRepr::Map)
    else {
        return Err(invalid("expected a mapping"));
    };
    Ok(object.try_iter_pairs().into_iter().flatten().collect())
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// A list that can be changed.
#[derive(Debug)]
struct List(Mutex<Vec<Value>>);

impl List {
    /// Refuses an item that holds this list: printing it would have no end.
    fn takes(self: &Arc<Self>, item: &Value) -> Result<(), Error> {
        made(size(item)?)?;
        ok(bounds::value(self.items().len() * bounds::NODE))?;
        if holds(item, &|object| {
            object
                .downcast::<Self>()
                .is_some_and(|list| Arc::ptr_eq(&list, self))
        }) {
            return Err(invalid("a list cannot be put into itself"));
        }
        Ok(())
    }

    fn items(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let items = self.items();
        items.get(index(key, items.len())?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items().clone())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let none = Ok(Value::from(()));
        match (method, args) {
            ("append", [item]) => {
                self.takes(item)?;
                self.items().push(item.clone());
                none
            }
            ("extend", [more]) => {
                let more = more
                    .try_iter()?
                    .checked()
                    .collect::<Result<Vec<Value>, Error>>()?;
                ok(bounds::value((self.items().len() + more.len()) * bounds::NODE))?;
                more.iter().try_for_each(|item| self.takes(item))?;
                self.items().extend(more);
                none
            }
            ("insert", [at, item]) => {
                self.takes(item)?;
                let mut items = self.items();
                let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let at = at
                    .as_i64()
                    .ok_or_else(|| invalid("`insert` wants a number and an item"))?;
                let at = if at < 0 { (at + len).max(0) } else { at.min(len) };
                items.insert(usize::try_from(at).unwrap_or_default(), item.clone());
                none
            }
            ("pop", [] | [_]) => {
                let mut items = self.items();
                let last = Value::from(-1);
                let at = index(args.first().unwrap_or(&last), items.len());
                at.map(|at| items.remove(at))
                    .ok_or_else(|| invalid("`pop` of an item that the list does not have"))
            }
            ("remove", [item]) => {
                // Comparing may look into this very list.
                let items = self.items().clone();
                let at = items.iter().position(|other| other == item);
                at.map(|at| self.items().remove(at))
                    .ok_or_else(|| invalid("`remove` of an item that the list does not have"))?;
                none
            }
            ("clear", []) => {
                self.items().clear();
                none
            }
            ("reverse", []) => {
                self.items().reverse();
                none
            }
            ("sort", _) => {
                let mut sorted = vec![Value::from(self.items().clone())];
                sorted.extend_from_slice(args);
                let sorted = state.apply_filter("__plain_sort", &sorted)?;
                *self.items() = sorted.try_iter()?.checked().collect::<Result<_, _>>()?;
                none
            }
            ("copy", []) => Ok(Value::from_object(List(Mutex::new(self.items().clone())))),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, _other: &DynObject) -> Option<std::cmp::Ordering> {
        None
    }
}

/// Returns the place that an index of Python's leads to; negative ones count from the end.
fn index(key: &Value, len: usize) -> Option<usize> {
    let at = key.as_i64()?;
    let at = if at < 0 { at + i64::try_from(len).ok()? } else { at };
    usize::try_from(at).ok().filter(|at| *at < len)
}

/// A mapping that can be changed.
#[derive(Debug)]
struct Dict(Mutex<Vec<(Value, Value)>>);

impl Dict {
    /// Refuses a value that holds this mapping.
    fn takes(self: &Arc<Self>, item: &Value) -> Result<(), Error> {
        made(size(item)?)?;
        ok(bounds::value(self.entries().len() * bounds::NODE))?;
        if holds(item, &|object| {
            object
                .downcast::<Self>()
                .is_some_and(|dict| Arc::ptr_eq(&dict, self))
        }) {
            return Err(invalid("a mapping cannot be put into itself"));
        }
        Ok(())
    }

    fn entries(&self) -> MutexGuard<'_, Vec<(Value, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, key: &Value, value: Value) {
        let mut entries = self.entries();
        match entries.iter_mut().find(|(other, _)| other == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key.clone(), value)),
        }
    }
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let entries = self.entries();
        entries
            .iter()
            .find(|(other, _)| other == key)
            .map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.entries().iter().map(|(key, _)| key.clone()).collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let none = || Value::from(());
        match (method, args) {
            ("update", args) => {
                for more in args {
                    for (key, value) in pairs(more)? {
                        self.takes(&value)?;
                        self.set(&key, value);
                    }
                }
                Ok(none())
            }
            ("setdefault", [key] | [key, _]) => {
                if let Some(value) = self.get_value(key) {
                    return Ok(value);
                }
                let value = args.get(1).cloned().unwrap_or_else(none);
                self.takes(&value)?;
                self.set(key, value.clone());
                Ok(value)
            }
            ("pop", [key] | [key, _]) => {
                let mut entries = self.entries();
                match (entries.iter().position(|(other, _)| other == key), args.get(1)) {
                    (Some(at), _) => Ok(entries.remove(at).1),
                    (None, Some(default)) => Ok(default.clone()),
                    (None, None) => Err(invalid("`pop` of a key that the mapping does not have")),
                }
            }
            ("popitem", []) => match self.entries().pop() {
                Some((key, value)) => Ok(Value::from(Tuple::from([key, value]))),
                None => Err(invalid("`popitem` of an empty mapping")),
            },
            ("clear", []) => {
                self.entries().clear();
                Ok(none())
            }
            ("copy", []) => Ok(Value::from_object(Dict(Mutex::new(self.entries().clone())))),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}
