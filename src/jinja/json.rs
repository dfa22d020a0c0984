//! `tojson` as Jinja2 has it: Python's `json.dumps` with sorted keys, safe inside of HTML.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use super::counted::{made, ok};
use super::filters::float_text;
use crate::bounds;

/// Most characters of an indentation.
const MAX_INDENT: usize = 100;
/// Deepest nesting.
const MAX_DEPTH: usize = 200;

/// The filter.
#[expect(clippy::needless_pass_by_value, reason = "the engine hands values over")]
pub(super) fn tojson(value: Value, indent: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => kwargs.get::<Option<Value>>("indent")?,
    };
    kwargs.assert_all_used()?;
    let indent = indent.filter(|indent| !indent.is_none());
    let width = indent.as_ref().map_or(0, |indent| match indent.as_str() {
        Some(text) => text.len(),
        None => indent.as_usize().unwrap_or(0),
    });
    if width > MAX_INDENT {
        let message = format!("`tojson` with an indentation of more than {MAX_INDENT}");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let indent = indent.map(|indent| match indent.as_str() {
        Some(text) => text.to_owned(),
        None => " ".repeat(width),
    });
    let mut out = String::new();
    write(&mut out, &value, indent.as_deref(), 0)?;
    made(out.len())?;
    Ok(Value::from(out))
}

fn write(out: &mut String, value: &Value, indent: Option<&str>, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "`tojson` of a value that is nested too deeply",
        ));
    }
    ok(bounds::value(out.len()))?;
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number if value.is_integer() => out.push_str(&value.to_string()),
        ValueKind::Number => {
            let number = f64::try_from(value.clone()).unwrap_or_default();
            out.push_str(&match number {
                number if number.is_nan() => "NaN".to_owned(),
                number if number.is_infinite() => {
                    if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
                }
                number => float_text(number),
            });
        }
        ValueKind::String => text(out, value.as_str().unwrap_or_default()),
        ValueKind::Seq => {
            let items = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
            block(out, ['[', ']'], items.len(), indent, depth, |out, index| {
                write(out, &items[index], indent, depth + 1)
            })?;
        }
        ValueKind::Map => {
            let mut entries = Vec::new();
            for key in value.try_iter()?.checked() {
                let key = key?;
                let entry = value.get_item(&key)?;
                entries.push((key, entry));
            }
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            block(out, ['{', '}'], entries.len(), indent, depth, |out, index| {
                let (key, entry) = &entries[index];
                if let Some(key) = key.as_str() {
                    text(out, key);
                } else {
                    out.push('"');
                    write(out, key, None, depth)?;
                    out.push('"');
                }
                out.push_str(": ");
                write(out, entry, indent, depth + 1)
            })?;
        }
        kind => {
            let message = format!("`tojson` of what is no data: {kind}");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    }
    Ok(())
}

/// Writes items between brackets.
fn block(
    out: &mut String,
    brackets: [char; 2],
    len: usize,
    indent: Option<&str>,
    depth: usize,
    mut item: impl FnMut(&mut String, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    let [open, close] = brackets;
    out.push(open);
    for index in 0..len {
        match indent {
            Some(indent) => {
                out.push_str(if index > 0 { ",\n" } else { "\n" });
                out.push_str(&indent.repeat(depth + 1));
            }
            None if index > 0 => out.push_str(", "),
            None => {}
        }
        item(out, index)?;
    }
    if let Some(indent) = indent.filter(|_| len > 0) {
        out.push('\n');
        out.push_str(&indent.repeat(depth));
    }
    out.push(close);
    Ok(())
}

fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' if !matches!(c, '<' | '>' | '&' | '\'') => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}
