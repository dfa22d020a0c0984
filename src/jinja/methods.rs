//! Python's methods on texts, lists and mappings.

use minijinja::value::{Kwargs, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::counted::{self, made};
use super::filters::{joined, split_lines};
use super::objects;

/// Called for every method that the value itself does not have.
pub(super) fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let own = match value.kind() {
        ValueKind::String => of_text(value.as_str().unwrap_or_default(), method, args)?,
        ValueKind::Seq => of_list(value, method, args)?,
        ValueKind::Map if method == "copy" && args.is_empty() => Some(objects::dict(value)?),
        _ => None,
    };
    if let Some(result) = own {
        return Ok(result);
    }
    let changes = match value.kind() {
        ValueKind::Seq => [
            "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse",
        ]
        .contains(&method),
        ValueKind::Map => ["update", "setdefault", "pop", "popitem", "clear"].contains(&method),
        _ => false,
    };
    if changes {
        let what = if value.kind() == ValueKind::Seq {
            "a list of the data cannot be changed; take a copy first: `set x = that|list`"
        } else {
            "a mapping of the data cannot be changed; take a copy first: `set x = that.copy()`"
        };
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    pycompat::unknown_method_callback(state, value, method, args)
}

fn of_text(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let list = |items: Vec<&str>| objects::list(&items.into_iter().collect()).map(Some);
    Ok(Some(match method {
        "split" | "rsplit" => {
            let (sep, most, kwargs): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
            let sep = match sep {
                Some(sep) => Some(sep),
                None => kwargs.get::<Option<Value>>("sep")?,
            };
            let most = most.or(kwargs.get("maxsplit")?).unwrap_or(-1);
            kwargs.assert_all_used()?;
            let sep = sep.filter(|sep| !sep.is_none());
            let sep = match &sep {
                Some(sep) => Some(sep.as_str().filter(|sep| !sep.is_empty()).ok_or_else(|| {
                    Error::new(
                        ErrorKind::InvalidOperation,
                        "`split` wants a text that is not empty",
                    )
                })?),
                None => None,
            };
            return list(split(text, sep, usize::try_from(most).ok(), method == "rsplit"));
        }
        "splitlines" => {
            let (keep, kwargs): (Option<Value>, Kwargs) = from_args(args)?;
            let keep = keep.or(kwargs.get::<Option<Value>>("keepends")?);
            return list(split_lines(text, keep.is_some_and(|keep| keep.is_true())));
        }
        "partition" | "rpartition" => {
            let (sep,): (&str,) = from_args(args)?;
            let from_right = method == "rpartition";
            let found = if from_right {
                text.rsplit_once(sep)
            } else {
                text.split_once(sep)
            };
            let parts = match found {
                Some((before, after)) => [before, sep, after],
                None if from_right => ["", "", text],
                None => [text, "", ""],
            };
            Value::from(minijinja::value::Tuple::from(parts.map(Value::from)))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "swapcase" => {
            let swap = |c: char| -> String {
                if c.is_uppercase() {
                    c.to_lowercase().collect()
                } else {
                    c.to_uppercase().collect()
                }
            };
            Value::from(text.chars().map(swap).collect::<String>())
        }
        "casefold" => Value::from(text.to_lowercase()),
        "index" => {
            let (what,): (&str,) = from_args(args)?;
            let at = text.find(what).map(|at| text[..at].chars().count());
            Value::from(at.ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, "`index` of a text that is not there")
            })?)
        }
        "isdecimal" => Value::from(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())),
        _ => return longer(text, method, args),
    }))
}

/// Methods that give a longer text: how long is known before it is made.
fn longer(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let (sign, digits) = match text.strip_prefix(['+', '-']) {
                Some(digits) => text.split_at(text.len() - digits.len()),
                None => ("", text),
            };
            let missing = width.saturating_sub(text.chars().count());
            made(text.len().saturating_add(missing))?;
            Value::from(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        "ljust" | "rjust" | "center" => {
            let (width, fill): (usize, Option<char>) = from_args(args)?;
            let fill = fill.unwrap_or(' ');
            if method == "center" {
                return center(text, width, fill).map(|text| Some(Value::from(text)));
            }
            let missing = width.saturating_sub(text.chars().count());
            made(text.len().saturating_add(missing.saturating_mul(fill.len_utf8())))?;
            let filling: String = std::iter::repeat_n(fill, missing).collect();
            Value::from(match method {
                "ljust" => format!("{text}{filling}"),
                _ => format!("{filling}{text}"),
            })
        }
        "expandtabs" => {
            let (size,): (Option<usize>,) = from_args(args)?;
            let size = size.unwrap_or(8);
            let grown = text.matches('\t').count().saturating_mul(size);
            made(text.len().saturating_add(grown))?;
            Value::from(expand_tabs(text, size))
        }
        "replace" => {
            let (old, new, count): (&str, &str, Option<i64>) = from_args(args)?;
            // Python takes a number below 0 for all of them.
            let most = count.and_then(|count| usize::try_from(count).ok());
            let found = text.matches(old).count().min(most.unwrap_or(usize::MAX));
            made(text.len().saturating_add(found.saturating_mul(new.len())))?;
            Value::from(text.replacen(old, new, found))
        }
        "join" => {
            let (values,): (Value,) = from_args(args)?;
            Value::from(joined(text, &values, |_| Ok(()))?)
        }
        "format" => {
            let mut values = 0_usize;
            for value in args {
                values = values.saturating_add(counted::size(value)?);
            }
            made(formatted(text, args, values))?;
            return Ok(None);
        }
        _ => return Ok(None),
    }))
}

/// Returns how long what `format` gives may be: each field may show all values, and be as wide as the largest number in the
/// fields, or in the values where a field takes its width from one.
fn formatted(text: &str, args: &[Value], values: usize) -> usize {
    let (mut fields, mut depth, mut widest) = (0_usize, 0_usize, 0_usize);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '{' => {
                fields += 1;
                depth += 1;
            }
            '}' => depth = depth.saturating_sub(1),
            c if c.is_ascii_digit() && depth > 0 => {
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                widest = widest.max(rest[..end].parse().unwrap_or(usize::MAX));
                rest = &rest[end..];
                continue;
            }
            _ => {}
        }
        if depth > 1 {
            widest = args.iter().filter_map(Value::as_usize).fold(widest, usize::max);
        }
        rest = &rest[c.len_utf8()..];
    }
    text.len()
        .saturating_add(fields.saturating_mul(values.saturating_add(widest)))
}

fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                out.push_str(&" ".repeat(blanks));
                column += blanks;
            }
            '\t' => {}
            c => {
                out.push(c);
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    out
}

/// Python's `str.split` and `str.rsplit`.
fn split<'t>(text: &'t str, sep: Option<&str>, most: Option<usize>, from_right: bool) -> Vec<&'t str> {
    match (sep, most, from_right) {
        (Some(sep), None, _) => text.split(sep).collect(),
        (Some(sep), Some(most), false) => text.splitn(most + 1, sep).collect(),
        (Some(sep), Some(most), true) => {
            let mut parts: Vec<&str> = text.rsplitn(most + 1, sep).collect();
            parts.reverse();
            parts
        }
        (None, None, _) => text.split_whitespace().collect(),
        (None, Some(most), false) => {
            let mut parts = Vec::new();
            let mut rest = text.trim_start();
            while parts.len() < most
                && let Some((part, after)) = rest.split_once(char::is_whitespace)
            {
                parts.push(part);
                rest = after.trim_start();
            }
            parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
            parts
        }
        (None, Some(most), true) => {
            let mut parts = Vec::new();
            let mut rest = text.trim_end();
            while parts.len() < most
                && let Some((before, part)) = rest.rsplit_once(char::is_whitespace)
            {
                parts.push(part);
                rest = before.trim_end();
            }
            parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
            parts.reverse();
            parts
        }
    }
}

/// Python's `str.center`: an odd blank goes to the left where the width is odd.
pub(super) fn center(text: &str, width: usize, fill: char) -> Result<String, Error> {
    made(text.len().saturating_add(width.saturating_mul(fill.len_utf8())))?;
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    let fill = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(format!("{}{text}{}", fill(left), fill(missing - left)))
}

fn of_list(value: &Value, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "index" => {
            let (what,): (Value,) = from_args(args)?;
            let mut found = None;
            for (index, item) in value.try_iter()?.checked().enumerate() {
                if item? == what {
                    found = Some(index);
                    break;
                }
            }
            let missing = || {
                Error::new(
                    ErrorKind::InvalidOperation,
                    "`index` of an item that the list does not have",
                )
            };
            Value::from(found.ok_or_else(missing)?)
        }
        "copy" if args.is_empty() => objects::list(value)?,
        _ => return Ok(None),
    }))
}
