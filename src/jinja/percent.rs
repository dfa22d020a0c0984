//! Python's `%` on texts, and on numbers.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::counted::{ok, text};
use super::filters::{float_text, repr_of, text_of};
use crate::bounds;

/// Most characters that a width or precision may ask for.
const MAX_WIDTH: usize = 10_000;

/// Formats a text with values, or returns the remainder of two numbers.
pub(super) fn percent(left: &Value, right: &Value) -> Result<Value, Error> {
    match left.as_str() {
        Some(pattern) => format(pattern, right).and_then(text).map(Value::from),
        None => remainder(left, right),
    }
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// The remainder has the sign of the divisor, as in Python.
fn remainder(left: &Value, right: &Value) -> Result<Value, Error> {
    let number = |value: &Value| -> Option<f64> { f64::try_from(value.clone()).ok() };
    if let (Some(a), Some(b)) = (left.as_i64(), right.as_i64()) {
        if b == 0 {
            return Err(invalid("division by zero"));
        }
        let rest = i128::from(a).rem_euclid(i128::from(b).abs());
        let rest = if b < 0 && rest != 0 {
            rest + i128::from(b)
        } else {
            rest
        };
        return Ok(Value::from(rest));
    }
    match (number(left), number(right)) {
        (Some(_), Some(0.0)) => Err(invalid("division by zero")),
        (Some(a), Some(b)) => Ok(Value::from(a - b * (a / b).floor())),
        _ => Err(invalid(format!(
            "`%` is for a text or numbers, not for {} and {}",
            left.kind(),
            right.kind()
        ))),
    }
}

/// One `%…` of a pattern.
#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

fn format(pattern: &str, values: &Value) -> Result<String, Error> {
    let list: Vec<Value> = if values.is_tuple() {
        values.try_iter()?.checked().collect::<Result<_, _>>()?
    } else {
        vec![values.clone()]
    };
    let mut list = list.into_iter();
    let mut by_name = false;
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut named = None;
        if chars.peek() == Some(&'(') {
            let name: String = chars.by_ref().skip(1).take_while(|c| *c != ')').collect();
            named = Some(values.get_attr(&name).unwrap_or_default());
            by_name = true;
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| "-+ 0#".contains(*c)) {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => spec.alternate = true,
            }
        }
        spec.width = number(&mut chars, &mut list)?.unwrap_or(0).min(MAX_WIDTH);
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(&mut chars, &mut list)?.unwrap_or(0).min(MAX_WIDTH));
        }
        while chars.next_if(|c| "lhL".contains(*c)).is_some() {}
        let Some(kind) = chars.next() else {
            return Err(invalid("the format ends in an incomplete `%`"));
        };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match named {
            Some(value) => value,
            None => list
                .next()
                .ok_or_else(|| invalid("the format has more `%` than there are values"))?,
        };
        out.push_str(&one(&spec, kind, &value)?);
        ok(bounds::value(out.len()))?;
    }
    if list.next().is_some() && !by_name && (values.is_tuple() || values.kind() != ValueKind::Map) {
        return Err(invalid("the format has fewer `%` than there are values"));
    }
    Ok(out)
}

/// Reads a width or precision: digits, or `*` for one of the values.
fn number(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    list: &mut std::vec::IntoIter<Value>,
) -> Result<Option<usize>, Error> {
    if chars.next_if_eq(&'*').is_some() {
        let value = list.next().and_then(|value| value.as_usize());
        return value
            .map(Some)
            .ok_or_else(|| invalid("`*` in a format wants a number"));
    }
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    Ok(digits.parse().ok())
}

fn one(spec: &Spec, kind: char, value: &Value) -> Result<String, Error> {
    let body = match kind {
        's' | 'r' | 'a' => {
            let text = if kind == 's' {
                text_of(value)
            } else {
                repr_of(value)
            };
            let text: String = match spec.precision {
                Some(most) => text.chars().take(most).collect(),
                None => text,
            };
            return Ok(pad(spec, "", &text, false));
        }
        'c' => {
            let text = value.as_str().map(str::to_owned);
            let text =
                text.or_else(|| Some(char::from_u32(u32::try_from(value.as_i64()?).ok()?)?.to_string()));
            let text = text.ok_or_else(|| invalid("`%c` wants a character or a number"))?;
            return Ok(pad(spec, "", &text, false));
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => integer(spec, kind, value)?,
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => float(spec, kind, value)?,
        other => return Err(invalid(format!("the format has an unknown `%{other}`"))),
    };
    let (negative, digits) = match body.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, body.as_str()),
    };
    let sign = match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    Ok(pad(spec, sign, digits, true))
}

/// Fills to the width: with zeros after the sign, or with blanks.
fn pad(spec: &Spec, sign: &str, body: &str, numeric: bool) -> String {
    let missing = spec.width.saturating_sub(sign.len() + body.chars().count());
    if spec.minus {
        format!("{sign}{body}{}", " ".repeat(missing))
    } else if spec.zero && numeric {
        format!("{sign}{}{body}", "0".repeat(missing))
    } else {
        format!("{}{sign}{body}", " ".repeat(missing))
    }
}

fn integer(spec: &Spec, kind: char, value: &Value) -> Result<String, Error> {
    let wanted = || invalid(format!("`%{kind}` wants a number, not {}", value.kind()));
    let number = match value.kind() {
        ValueKind::Bool => i128::from(value.is_true()),
        ValueKind::Number => match i128::try_from(value.clone()) {
            Ok(number) => number,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Python cuts the fraction off as well"
            )]
            Err(_) if "diu".contains(kind) => {
                f64::try_from(value.clone()).map_err(|_| wanted())?.trunc() as i128
            }
            Err(_) => return Err(wanted()),
        },
        _ => return Err(wanted()),
    };
    let size = number.unsigned_abs();
    let digits = match kind {
        'x' => format!("{size:x}"),
        'X' => format!("{size:X}"),
        'o' => format!("{size:o}"),
        _ => size.to_string(),
    };
    let digits = format!("{digits:0>width$}", width = spec.precision.unwrap_or(0));
    let prefix = match kind {
        'x' if spec.alternate => "0x",
        'X' if spec.alternate => "0X",
        'o' if spec.alternate => "0o",
        _ => "",
    };
    Ok(format!("{}{prefix}{digits}", if number < 0 { "-" } else { "" }))
}

fn float(spec: &Spec, kind: char, value: &Value) -> Result<String, Error> {
    let wanted = || invalid(format!("`%{kind}` wants a number, not {}", value.kind()));
    let number = match value.kind() {
        ValueKind::Bool => f64::from(u8::from(value.is_true())),
        ValueKind::Number => f64::try_from(value.clone()).map_err(|_| wanted())?,
        _ => return Err(wanted()),
    };
    let precision = spec.precision.unwrap_or(6);
    let text = match kind.to_ascii_lowercase() {
        'f' => format!("{number:.precision$}"),
        'e' => exponent(&format!("{number:.precision$e}")),
        _ => general(number, precision.max(1)),
    };
    Ok(if kind.is_ascii_uppercase() {
        text.to_uppercase()
    } else {
        text
    })
}

/// Writes the exponent with a sign and two digits.
fn exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, size) = exponent
                .strip_prefix('-')
                .map_or(('+', exponent), |size| ('-', size));
            format!("{digits}e{sign}{size:0>2}")
        }
        None => text.to_owned(),
    }
}

fn general(number: f64, precision: usize) -> String {
    if number == 0.0 || !number.is_finite() {
        return float_text(number).trim_end_matches(".0").to_owned();
    }
    let scientific = format!("{number:.digits$e}", digits = precision - 1);
    let size: i64 = scientific
        .split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0);
    let cut = |text: &str| {
        let zeros = if text.contains('.') {
            text.trim_end_matches('0')
        } else {
            text
        };
        zeros.trim_end_matches('.').to_owned()
    };
    if size < -4 || size >= i64::try_from(precision).unwrap_or(i64::MAX) {
        let (digits, e) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return exponent(&format!("{}e{e}", cut(digits)));
    }
    let digits = usize::try_from(i64::try_from(precision).unwrap_or(0) - 1 - size).unwrap_or(0);
    cut(&format!("{number:.digits$}"))
}
