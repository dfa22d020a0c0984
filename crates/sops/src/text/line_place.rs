//! Putting values into dotenv and INI and taking them out: edits of whole lines.

use serde_json::Value;
use yaml::{Edit, Node, line};

use crate::error::SopsError;
use crate::format::Format;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;
use crate::text::keypath::{KeyPath, Step};
use crate::text::lines;

/// Returns the edits that put a value at a path.
pub(crate) fn set(docs: &Documents<'_>, path: &KeyPath, value: &Value) -> Result<Vec<Edit>, SopsError> {
    let refuse = |why| SopsError::Unholdable {
        path: path.to_string(),
        why,
    };
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => {
            return Err(refuse("the format has no mappings and lists in values"));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    let place = Place::find(docs, path)?;
    if docs.format == Format::Dotenv {
        let text = lines::dotenv_text(&value)
            .ok_or_else(|| refuse("dotenv takes the two characters `\\n` for a line break"))?;
        return Ok(vec![match place.value {
            Some((_, node)) => Edit::secret(node.span.clone(), text),
            None if lines::is_dotenv_key(place.key) => {
                Edit::lines(place.end, format!("{}={}\n", place.key, text.as_str()))
            }
            None => return Err(refuse("this is no key that dotenv could read back")),
        }]);
    }
    let text = lines::ini_text(&value)
        .ok_or_else(|| refuse("no quotes of INI can hold this text of several lines"))?;
    if let Some((_, node)) = place.value {
        return Ok(vec![Edit::secret(node.span.clone(), text)]);
    }
    let key = lines::ini_key(place.key).ok_or_else(|| refuse("this is no key that INI could read back"))?;
    let line = format!("{key} = {}\n", text.as_str());
    Ok(vec![match place.section {
        Some(_) => Edit::lines(place.end, line),
        None if lines::is_ini_section(place.section_name) => {
            Edit::lines(place.end, format!("\n[{}]\n{line}", place.section_name))
        }
        None => return Err(refuse("this is no section that INI could read back")),
    }])
}

/// Returns the edits that take the value at a path out.
pub(crate) fn unset(docs: &Documents<'_>, path: &KeyPath) -> Result<Vec<Edit>, SopsError> {
    let missing = || SopsError::NoSuchValue {
        path: path.to_string(),
    };
    let lines = |from: usize, to: usize| {
        let start = line::start(docs.text, from);
        Edit::cut(start..line::next(docs.text, to.max(start)))
    };
    if let (Format::Ini, [Step::Key(name)]) = (docs.format, path.steps()) {
        let (header, keys) = section(docs, name).ok_or_else(missing)?;
        let first = keys.entries().first().map(|(key, _)| key.span.start);
        let last = keys.entries().last().map(|(_, value)| value.span.end);
        let from = if header.span.is_empty() {
            first
        } else {
            Some(header.span.start)
        };
        let from = from.ok_or_else(missing)?;
        return Ok(vec![lines(from, last.unwrap_or(from))]);
    }
    let (key, value) = Place::find(docs, path)?.value.ok_or_else(missing)?;
    Ok(vec![lines(key.span.start, value.span.end)])
}

/// Where a value stands, or would stand.
struct Place<'d> {
    section_name: &'d str,
    section: Option<&'d Node>,
    key: &'d str,
    value: Option<&'d (Node, Node)>,
    /// Where a new line goes.
    end: usize,
}

impl<'d> Place<'d> {
    fn find(docs: &'d Documents<'_>, path: &'d KeyPath) -> Result<Self, SopsError> {
        let nowhere = || SopsError::NoSuchValue {
            path: path.to_string(),
        };
        let root = docs.roots().next().map(|(_, root)| root).ok_or_else(nowhere)?;
        let block = docs
            .sops_entries()
            .first()
            .map_or(docs.text.len(), |range| range.start);
        match (docs.format, path.steps()) {
            (Format::Dotenv, [Step::Key(key)]) => Ok(Self {
                section_name: "",
                section: None,
                key,
                value: root.entry(key),
                end: block,
            }),
            (Format::Ini, [Step::Key(name), Step::Key(key)]) => {
                let found = section(docs, name);
                let end = found.map_or(block, |(header, keys)| match keys.entries().last() {
                    Some((_, value)) => line::next(docs.text, line::end(docs.text, value.span.end)),
                    None if header.span.is_empty() => {
                        docs.text.len() - docs.text.trim_start_matches("\u{feff}").len()
                    }
                    None => line::next(docs.text, header.span.end),
                });
                Ok(Self {
                    section_name: name,
                    section: found.map(|(_, keys)| keys),
                    key,
                    value: found.and_then(|(_, keys)| keys.entry(key)),
                    end,
                })
            }
            _ => Err(nowhere()),
        }
    }
}

/// Returns a section, its name and its keys.
fn section<'d>(docs: &'d Documents<'_>, name: &str) -> Option<&'d (Node, Node)> {
    let (_, root) = docs.roots().next()?;
    root.entry(name).filter(|_| name != SOPS_KEY)
}
