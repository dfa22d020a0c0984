//! Filters that Jinja2 has and `MiniJinja` lacks or does differently.
#![expect(clippy::needless_pass_by_value, reason = "the engine hands arguments over")]

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};

use super::counted::{made, ok, size, text};
use super::{json, percent};
use crate::bounds;

/// Registers them.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("__plain_list", minijinja::filters::list);
    env.add_filter("__plain_sort", minijinja::filters::sort);
    env.add_filter("__plain_first", minijinja::filters::first);
    env.add_filter("__percent", |state: &State, left: Value, right: Value| {
        defined(state, &right)?;
        percent::percent(&left, &right)
    });
    env.add_filter("tojson", json::tojson);
    env.add_filter("indent", indent);
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_filter("string", |state: &State, value: Value| {
        defined(state, &value)?;
        text(text_of(&value))
    });
    for name in ["default", "d"] {
        env.add_filter(name, default);
    }
    for name in ["e", "escape", "forceescape"] {
        env.add_filter(name, |value: Value| text(escape(&text_of(&value))));
    }
    env.add_filter("replace", replace);
    env.add_filter("int", int);
    env.add_filter("float", float);
    env.add_filter("first", first);
    env.add_filter("join", join);
    // Data has no attributes, only keys.
    env.add_filter("attr", |_: Value, _: Value| Value::UNDEFINED);
    env.add_filter("pprint", |value: Value| text(repr_of(&value)));
    env.add_test("callable", |value: Value| {
        value
            .as_object()
            .is_some_and(|object| object.repr() == minijinja::value::ObjectRepr::Plain)
    });
    env.add_test("sequence", |value: Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String)
    });
    env.add_filter("format", format);
    env.add_filter("center", |text: String, width: Option<usize>| {
        super::methods::center(&text, width.unwrap_or(80), ' ')
    });
    env.add_filter("__plain_slice", minijinja::filters::slice);
    env.add_filter("__plain_batch", minijinja::filters::batch);
    env.add_filter(
        "slice",
        |state: &mut State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
            let args = arguments(args, &kwargs, ["slices", "fill_with"])?;
            in_rows(state, "__plain_slice", value, args)
        },
    );
    env.add_filter(
        "batch",
        |state: &mut State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
            let args = arguments(args, &kwargs, ["linecount", "fill_with"])?;
            in_rows(state, "__plain_batch", value, args)
        },
    );
    env.add_filter("__plain_map", minijinja::filters::map);
    env.add_filter("__plain_chain", minijinja::filters::chain);
    env.add_filter("__plain_zip", minijinja::filters::zip);
    // What they give may hold one value many times, and be made only when it is gone through.
    for (name, plain) in [
        ("map", "__plain_map"),
        ("chain", "__plain_chain"),
        ("zip", "__plain_zip"),
    ] {
        env.add_filter(
            name,
            move |state: &mut State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
                let mut all = vec![value];
                all.extend(args.0);
                if kwargs.args().next().is_some() {
                    all.push(Value::from(kwargs));
                }
                let given = state.apply_filter(plain, &all)?;
                made(size(&given)?)?;
                Ok::<Value, Error>(given)
            },
        );
    }
    env.add_filter("wordcount", wordcount);
    env.add_filter("truncate", truncate);
}

/// Prints a value as Python's `str` gives it.
pub(super) fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::Number && !value.is_integer() {
        return Ok(out.write_str(&text_of(value))?);
    }
    minijinja::escape_formatter(out, state, value)
}

/// Returns the text that Python's `str` gives.
pub(super) fn text_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::Number if !value.is_integer() => {
            f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float_text)
        }
        _ => value.to_string(),
    }
}

/// Returns the text that Python's `repr` gives.
pub(super) fn repr_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => {
            // A list of one prints the text as `repr` does.
            let text = Value::from(vec![value.clone()]).to_string();
            text[1..text.len() - 1].to_owned()
        }
        _ => text_of(value),
    }
}

/// Returns a number as Python prints it.
pub(super) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, size) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |size| ('-', size));
        return format!("{digits}e{sign}{size:0>2}");
    }
    let text = number.to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// Python's `str.splitlines`.
pub(super) fn split_lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let mut end = at + c.len_utf8();
        match c {
            '\r' => {
                if let Some((_, next)) = chars.next_if(|(_, c)| *c == '\n') {
                    end += next.len_utf8();
                }
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {}
            _ => continue,
        }
        lines.push(&text[start..if keep_ends { end } else { at }]);
        start = end;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// Returns the arguments of a call, given in order or by name.
fn arguments<const N: usize>(
    args: Rest<Value>,
    kwargs: &Kwargs,
    names: [&str; N],
) -> Result<[Option<Value>; N], Error> {
    if args.len() > N {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let mut args = args.0.into_iter();
    let mut found = [const { None }; N];
    for (slot, name) in found.iter_mut().zip(names) {
        *slot = match args.next() {
            Some(value) => Some(value),
            None => kwargs.get::<Option<Value>>(name)?,
        };
    }
    kwargs.assert_all_used()?;
    Ok(found)
}

/// Jinja2's `indent`, with its last line end as Jinja2 keeps it.
fn indent(state: &State, text: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let [width, first, blank] = arguments(args, &kwargs, ["width", "first", "blank"])?;
    let is_on = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let text = match text.kind() {
        ValueKind::String => text.to_string(),
        ValueKind::Undefined if state.undefined_behavior() == minijinja::UndefinedBehavior::Strict => {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        kind => return Err(invalid(format!("`indent` is for a text, not for {kind}"))),
    };
    let indention = match width.as_ref().map(|width| (width.as_str(), width.as_i64())) {
        None => "    ".to_owned(),
        Some((Some(text), _)) => text.to_owned(),
        Some((None, Some(width))) => {
            let width = usize::try_from(width).unwrap_or(0);
            ok(bounds::value(width))?;
            " ".repeat(width)
        }
        Some((None, None)) => return Err(invalid("`indent` wants a number or a text")),
    };
    let text = format!("{text}\n");
    let lines = split_lines(&text, false);
    let (first, blank) = (is_on(first), is_on(blank));
    made(
        text.len()
            .saturating_add(lines.len().saturating_mul(indention.len())),
    )?;
    let mut out = String::with_capacity(text.len() + lines.len() * indention.len());
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let indented = if index == 0 {
            first
        } else {
            blank || !line.is_empty()
        };
        if indented {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// An error for what is missing, where everything must be defined.
fn defined(state: &State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() && state.undefined_behavior() == minijinja::UndefinedBehavior::Strict {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    Ok(())
}

/// `default(value, boolean)`.
fn default(value: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let [other, boolean] = arguments(args, &kwargs, ["default_value", "boolean"])?;
    let boolean = boolean.is_some_and(|boolean| boolean.is_true());
    if value.is_undefined() || boolean && !value.is_true() {
        return Ok(other.unwrap_or_else(|| Value::from("")));
    }
    Ok(value)
}

/// What HTML would misread, as Jinja2 writes it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

/// `replace(old, new, count)`.
fn replace(state: &State, text: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    defined(state, &text)?;
    let [old, new, count] = arguments(args, &kwargs, ["old", "new", "count"])?;
    let (Some(old), Some(new)) = (old, new) else {
        return Err(Error::from(ErrorKind::MissingArgument));
    };
    let (text, old, new) = (text_of(&text), text_of(&old), text_of(&new));
    let grown = text.matches(old.as_str()).count().saturating_mul(new.len());
    made(text.len().saturating_add(grown))?;
    Ok(match count.and_then(|count| count.as_usize()) {
        Some(count) => text.replacen(&old, &new, count),
        None => text.replace(&old, &new),
    })
}

/// `int(default, base)`: what is no number gives the default.
fn int(value: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let [default, base] = arguments(args, &kwargs, ["default", "base"])?;
    let default = default.unwrap_or_else(|| Value::from(0));
    let base = base.and_then(|base| base.as_usize()).unwrap_or(10);
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => value,
        ValueKind::Number => whole(f64::try_from(value).unwrap_or_default()).unwrap_or(default),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim().replace('_', "");
            let digits = match base {
                16 => text.trim_start_matches("0x").trim_start_matches("0X"),
                8 => text.trim_start_matches("0o").trim_start_matches("0O"),
                2 => text.trim_start_matches("0b").trim_start_matches("0B"),
                _ => text.as_str(),
            };
            let radix = u32::try_from(base).ok().filter(|radix| (2..=36).contains(radix));
            let number = radix.and_then(|radix| i128::from_str_radix(digits, radix).ok());
            match number {
                Some(number) => Value::from(number),
                None => text.parse().ok().and_then(whole).unwrap_or(default),
            }
        }
        _ => default,
    })
}

/// The number without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit is refused before"
)]
fn whole(number: f64) -> Option<Value> {
    let whole = number.trunc();
    (whole.is_finite() && whole.abs() < 1e38).then(|| Value::from(whole as i128))
}

/// `float(default)`.
fn float(value: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let [default] = arguments(args, &kwargs, ["default"])?;
    let number = match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value).ok(),
        ValueKind::String => value
            .as_str()
            .and_then(|text| text.trim().replace('_', "").parse().ok()),
        _ => None,
    };
    Ok(number.map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from))
}

/// The first item; of what is missing, nothing.
fn first(state: &mut State, value: Value) -> Result<Value, Error> {
    defined(state, &value)?;
    if value.is_undefined() {
        return Ok(value);
    }
    state.apply_filter("__plain_first", &[value])
}

/// `slice` and `batch`: rows of a list, the last ones filled up.
fn in_rows(
    state: &mut State,
    plain: &str,
    value: Value,
    [count, fill]: [Option<Value>; 2],
) -> Result<Value, Error> {
    let count = count.ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
    let each = match &fill {
        Some(fill) => size(fill)?,
        None if plain == "__plain_batch" => 0,
        None => bounds::NODE,
    };
    let rows = count.as_usize().unwrap_or(0).saturating_mul(each);
    made(size(&value)?.saturating_add(rows))?;
    let args: Vec<Value> = [value, count].into_iter().chain(fill).collect();
    state.apply_filter(plain, &args)
}

/// `join(separator, attribute)`.
fn join(state: &mut State, value: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    defined(state, &value)?;
    let [separator, attribute] = arguments(args, &kwargs, ["d", "attribute"])?;
    let separator = text_of(&separator.unwrap_or_else(|| Value::from("")));
    let value = match attribute {
        Some(attribute) => {
            let kwargs = Kwargs::from_iter([("attribute", attribute)]);
            state.apply_filter("map", &[value, Value::from(kwargs)])?
        }
        None => value,
    };
    if value.is_undefined() {
        return Ok(Value::from(""));
    }
    joined(&separator, &value, |item| defined(state, item)).map(Value::from)
}

/// Returns the texts of a value's items with a text between them.
pub(super) fn joined(
    separator: &str,
    value: &Value,
    check: impl Fn(&Value) -> Result<(), Error>,
) -> Result<String, Error> {
    let mut out = String::new();
    for (index, item) in value.try_iter()?.checked().enumerate() {
        let item = item?;
        check(&item)?;
        ok(bounds::value(out.len().saturating_add(size(&item)?)))?;
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(&text_of(&item));
    }
    text(out)
}

/// The length of what is missing is 0 but where everything must be defined.
fn length(state: &State, value: Value) -> Result<usize, Error> {
    if value.is_undefined() {
        return match state.undefined_behavior() {
            minijinja::UndefinedBehavior::Strict => Err(Error::from(ErrorKind::UndefinedError)),
            _ => Ok(0),
        };
    }
    value.len().ok_or_else(|| {
        invalid(format!(
            "`length` is for a text, list or mapping, not for {}",
            value.kind()
        ))
    })
}

/// Jinja2's `format`: `'%s %s'|format(a, b)`.
fn format(pattern: String, values: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let names: Vec<String> = kwargs.args().map(str::to_owned).collect();
    let values = if names.is_empty() {
        Value::from(minijinja::value::Tuple::from(values.0))
    } else if values.0.is_empty() {
        let pairs = names
            .iter()
            .map(|name| Ok((name.clone(), kwargs.get::<Value>(name)?)));
        Value::from_pairs(pairs.collect::<Result<Vec<(String, Value)>, Error>>()?)
    } else {
        return Err(invalid("`format` takes values in order or by name, not both"));
    };
    percent::percent(&Value::from(pattern), &values)
}

fn wordcount(text: &Value) -> usize {
    let text = text_of(text);
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .count()
}

/// Jinja2's `truncate`, with its leeway of 5.
fn truncate(text: String, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let [length, killwords, end, leeway] =
        arguments(args, &kwargs, ["length", "killwords", "end", "leeway"])?;
    let number = |value: Option<Value>, default| value.and_then(|value| value.as_usize()).unwrap_or(default);
    let (length, leeway) = (number(length, 255), number(leeway, 5));
    let killwords = killwords.is_some_and(|value| value.is_true());
    let end = end.map_or_else(|| "...".to_owned(), |end| text_of(&end));
    if text.chars().count() <= length + leeway {
        return Ok(text);
    }
    let most = length
        .checked_sub(end.chars().count())
        .ok_or_else(|| invalid("`truncate` to less than its end"))?;
    let cut: String = text.chars().take(most).collect();
    if killwords {
        return Ok(cut + &end);
    }
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    Ok(format!("{whole}{end}"))
}
