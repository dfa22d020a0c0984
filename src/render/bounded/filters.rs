//! The calls that are put into templates, and Tera's own filters that can give much more than they get.
#![expect(
    clippy::needless_pass_by_value,
    reason = "the engine hands arguments over by value"
)]

use tera::{Kwargs, State, Tera, TeraResult, Value};

use crate::bounds::{self, Limit};

/// Registers them.
pub(in crate::render) fn register(tera: &mut Tera) {
    tera.register_function(
        "__enter",
        |args: Kwargs, _: &State<'_>| -> TeraResult<&'static str> {
            ok(bounds::step(1))?;
            ok(bounds::write(args.must_get("n")?))?;
            Ok("")
        },
    );
    tera.register_filter(
        "__ask",
        |value: Value, _: Kwargs, _: &State<'_>| -> TeraResult<Value> {
            ok(bounds::step(1))?;
            Ok(value)
        },
    );
    tera.register_filter(
        "__each",
        |value: Value, args: Kwargs, _: &State<'_>| -> TeraResult<Value> {
            let rounds = match value.as_str() {
                Some(text) => text.chars().count(),
                None => value.len().unwrap_or(0),
            } as u64;
            ok(bounds::step(rounds + 1))?;
            ok(bounds::write(rounds.saturating_mul(args.must_get("n")?)))?;
            Ok(value)
        },
    );
    for name in ["__print", "__hold"] {
        tera.register_filter(
            name,
            |value: Value, _: Kwargs, _: &State<'_>| -> TeraResult<Value> {
                ok(bounds::made(size(&value)?))?;
                Ok(value)
            },
        );
    }
    tera.register_function("range", range);
    tera.register_filter("replace", replace);
    tera.register_filter("indent", indent);
    tera.register_filter("join", join);
    tera.register_filter("split", split);
    tera.register_filter(
        "str",
        |value: Value, _: Kwargs, _: &State<'_>| -> TeraResult<String> {
            ok(bounds::made(size(&value)?))?;
            Ok(value.to_string())
        },
    );
    tera.register_filter(
        "json",
        |value: Value, _: Kwargs, _: &State<'_>| -> TeraResult<String> {
            ok(bounds::made(size(&value)?))?;
            serde_json::to_string(&value).map_err(|error| tera::Error::message(error.to_string()))
        },
    );
}

fn ok(result: Result<(), Limit>) -> TeraResult<()> {
    result.map_err(tera::Error::message)
}

/// Returns what a value counts; no more than it takes to know that it is too large.
fn size(value: &Value) -> TeraResult<usize> {
    fn add(value: &Value, depth: usize, sum: &mut usize) -> Result<(), Limit> {
        bounds::depth(depth)?;
        *sum += bounds::NODE;
        if let Some(text) = value.as_str() {
            *sum += text.len();
        } else if let Some(items) = value.as_array() {
            for item in items {
                add(item, depth + 1, sum)?;
            }
        } else if let Some(map) = value.as_map() {
            for (key, item) in map {
                *sum += key.as_str().map_or(bounds::NODE, str::len);
                add(item, depth + 1, sum)?;
            }
        } else if let Some(bytes) = value.as_bytes() {
            *sum += bytes.len();
        }
        bounds::value(*sum)
    }
    let mut sum = 0;
    ok(add(value, 0, &mut sum))?;
    Ok(sum)
}

/// `range(start, end, step_by)`.
fn range(args: Kwargs, _: &State<'_>) -> TeraResult<Vec<i128>> {
    let wrong = |what: &str| Err(tera::Error::message(format!("`range`: {what}")));
    let start = args.get::<i128>("start")?.unwrap_or_default();
    let end = args.must_get::<i128>("end")?;
    let step = args.get::<i128>("step_by")?.unwrap_or(1);
    if step == 0 {
        return wrong("`step_by` is 0");
    }
    if start > end && step > 0 {
        return wrong("`start` is more than `end`");
    }
    let (Some(length), Some(size)) = (end.checked_sub(start), step.checked_abs()) else {
        return wrong("the numbers are too large");
    };
    let length = if step > 0 { length } else { (-length).max(0) };
    let count = length / size + i128::from(length % size != 0);
    // A tenth of all rounds, as both engines have it by themselves.
    let Some(count) = u64::try_from(count)
        .ok()
        .filter(|count| *count <= bounds::MAX_STEPS / 10)
    else {
        return wrong("there would be more than 100000 numbers");
    };
    ok(bounds::step(count))?;
    Ok((0..i128::from(count)).map(|index| start + index * step).collect())
}

/// `replace(from, to)`.
fn replace(text: &str, args: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let (from, to) = (args.must_get::<&str>("from")?, args.must_get::<&str>("to")?);
    let grown = text.matches(from).count().saturating_mul(to.len());
    ok(bounds::made(text.len().saturating_add(grown)))?;
    Ok(text.replace(from, to))
}

/// `indent(width, indentation, first, blank)`: all lines but the first and empty ones.
fn indent(text: &str, args: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let width = args.get::<usize>("width")?.unwrap_or(4).min(1000);
    let first = args.get::<bool>("first")?.unwrap_or_default();
    let blank = args.get::<bool>("blank")?.unwrap_or_default();
    let letter = args.get::<&str>("indentation")?.unwrap_or(" ");
    if letter.chars().count() != 1 {
        return Err(tera::Error::message("`indentation` must be one character"));
    }
    let indentation = letter.repeat(width);
    let lines = text.lines().count();
    ok(bounds::made(
        text.len().saturating_add(lines.saturating_mul(indentation.len())),
    ))?;
    let mut out = String::with_capacity(text.len() * 2);
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if if index == 0 {
            first
        } else {
            blank || !line.is_empty()
        } {
            out.push_str(&indentation);
        }
        out.push_str(line);
    }
    if text.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

/// `join(sep)`.
fn join(items: &[Value], args: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let separator = args.get::<&str>("sep")?.unwrap_or_default();
    let mut sum = items.len().saturating_mul(separator.len());
    for item in items {
        sum = sum.saturating_add(size(item)?);
        ok(bounds::value(sum))?;
    }
    ok(bounds::made(sum))?;
    Ok(items
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join(separator))
}

/// `split(pat)`.
fn split(text: &str, args: Kwargs, _: &State<'_>) -> TeraResult<Vec<String>> {
    let pattern = args.must_get::<&str>("pat")?;
    let parts = text.matches(pattern).count() + 1;
    ok(bounds::made(
        text.len().saturating_add(parts.saturating_mul(bounds::NODE)),
    ))?;
    Ok(text.split(pattern).map(str::to_owned).collect())
}
