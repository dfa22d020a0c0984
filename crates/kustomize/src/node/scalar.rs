//! Scalars as go-yaml keeps them: a text, the type that it was read as, and how it was quoted. What a scalar is in the end
//! depends on all three, for kustomize writes its objects out and reads them again.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Number, Value};
use yaml::go::{Plain, resolve};

/// The type that a scalar was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Whatever it looks like: made by the build.
    Unset,
    /// A text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Another number.
    Float,
    /// Nothing.
    Null,
    /// A date.
    Timestamp,
}

/// How a scalar is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Not at all.
    Plain,
    /// In quotes, or as a block that keeps its lines.
    Quoted,
    /// As a block whose lines are folded.
    Folded,
}

/// A mark of scalars that kustomize keeps as one: those that one entry of `labels` or `commonAnnotations` put into an object.
/// When one of them is changed where it stands, all are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twin {
    /// The number of those that belong together.
    pub(crate) group: u32,
    /// When it was changed last.
    pub(crate) changed: u32,
}

/// Counts groups and changes of twins.
static CHANGES: AtomicU32 = AtomicU32::new(1);

impl Twin {
    pub(crate) fn new() -> Self {
        let number = CHANGES.fetch_add(1, Ordering::Relaxed);
        Self {
            group: number,
            changed: number,
        }
    }

    pub(crate) fn touched(self) -> Self {
        Self {
            changed: CHANGES.fetch_add(1, Ordering::Relaxed),
            ..self
        }
    }
}

/// A scalar.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// The text, after escapes and folding.
    pub text: String,
    /// The type that it was read as.
    pub tag: Tag,
    /// How it is quoted.
    pub quoting: Quoting,
    pub(crate) twin: Option<Twin>,
}

/// Two scalars are equal that are written alike.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.tag, self.quoting) == (&other.text, other.tag, other.quoting)
    }
}

impl Eq for Scalar {}

fn tag_of(plain: &Plain) -> Tag {
    match plain {
        Plain::Null => Tag::Null,
        Plain::Bool(_) => Tag::Bool,
        Plain::Int(_) => Tag::Int,
        Plain::Float(_) => Tag::Float,
        Plain::Timestamp(_) => Tag::Timestamp,
        Plain::Merge | Plain::Text => Tag::Text,
    }
}

impl Scalar {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tag: Tag::Text,
            quoting: Quoting::Plain,
            twin: None,
        }
    }

    pub(crate) fn untyped(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tag: Tag::Unset,
            quoting: Quoting::Plain,
            twin: None,
        }
    }

    /// A scalar as it stands in a file: `tag` is that which is written before it.
    pub(crate) fn read(text: String, quoting: Quoting, tag: Option<&str>) -> Self {
        let tag = match (tag, quoting) {
            (None | Some("!"), Quoting::Plain) => tag_of(&resolve(&text)),
            (None | Some("!"), Quoting::Quoted | Quoting::Folded) => Tag::Text,
            (Some(tag), _) => match tag.strip_prefix("tag:yaml.org,2002:").or(tag.strip_prefix("!!")) {
                Some("int") => Tag::Int,
                Some("float") => Tag::Float,
                Some("bool") => Tag::Bool,
                Some("null") => Tag::Null,
                Some("timestamp") => Tag::Timestamp,
                _ => Tag::Text,
            },
        };
        Self {
            text,
            tag,
            quoting,
            twin: None,
        }
    }

    /// Whether YAML 1.1 takes the text for something else than a text.
    pub(crate) fn looks_typed(&self) -> bool {
        let text = &self.text;
        !text.is_empty()
            && !text.contains('\n')
            && (resolve(text) != Plain::Text || yaml::scalar::yaml11_trap(text).is_some())
    }

    /// What it is when it has been written out and read again, nothing if that fails.
    pub(crate) fn meaning(&self) -> Option<Plain> {
        if self.tag == Tag::Text {
            return Some(Plain::Text);
        }
        let is_block = self.text.contains('\n');
        let seen = resolve(&self.text);
        if self.tag == Tag::Unset || self.tag == tag_of(&seen) {
            let is_text = self.quoting != Quoting::Plain || is_block || seen == Plain::Merge;
            return Some(if is_text { Plain::Text } else { seen });
        }
        match (self.tag, seen) {
            #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
            (Tag::Float, Plain::Int(number)) => Some(Plain::Float(number as f64)),
            _ => None,
        }
    }

    pub(crate) fn to_json(&self) -> Option<Value> {
        Some(match self.meaning()? {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Int(number) => Value::Number(Number::from_i128(number)?),
            Plain::Float(number) => Value::Number(json_number(number)?),
            Plain::Timestamp(text) => Value::String(text),
            Plain::Merge | Plain::Text => Value::String(self.written_text().into_owned()),
        })
    }

    /// The text of a scalar that is one, after it was written out and read again.
    fn written_text(&self) -> Cow<'_, str> {
        if self.quoting == Quoting::Folded {
            refolded(&self.text)
        } else {
            Cow::Borrowed(&self.text)
        }
    }

    /// Whether it may be a key: a text.
    pub(crate) fn is_text_key(&self) -> bool {
        matches!(self.meaning(), Some(Plain::Text | Plain::Timestamp(_)))
    }

    /// The same as a key, which is a text.
    pub(crate) fn as_text_key(&self) -> Self {
        Self {
            tag: Tag::Text,
            ..self.clone()
        }
    }

    /// The same as it is after it went through JSON, whose numbers all are floating.
    pub(crate) fn through_json(&self) -> Option<Self> {
        let (text, tag) = match self.meaning()? {
            Plain::Timestamp(date) => (date, Tag::Text),
            Plain::Null => ("null".to_owned(), Tag::Null),
            Plain::Bool(value) => (value.to_string(), Tag::Bool),
            #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
            Plain::Int(number) => floating(number as f64),
            Plain::Float(number) if !number.is_finite() => return None,
            Plain::Float(number) => floating(number),
            Plain::Merge | Plain::Text => (self.written_text().into_owned(), Tag::Text),
        };
        let mut scalar = Self {
            text,
            tag,
            quoting: Quoting::Plain,
            twin: None,
        };
        if tag == Tag::Text && (scalar.looks_typed() || scalar.text.is_empty()) {
            scalar.quoting = Quoting::Quoted;
        }
        Some(scalar)
    }
}

/// A floating number in JSON, where a whole one has no point.
fn json_number(number: f64) -> Option<Number> {
    const WHOLE: f64 = 1e15;
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return format!("{number:.0}").parse().ok();
    }
    Number::from_f64(number)
}

/// What a text is after go-yaml has folded it: it breaks once more before a line that starts with a blank, and not between
/// lines at all when the text starts with one.
fn refolded(text: &str) -> Cow<'_, str> {
    let blank = |c: char| matches!(c, ' ' | '\t');
    let in_quotes =
        text.contains(" \n") || text.ends_with(' ') || text.chars().any(|c| c.is_control() && c != '\n');
    let body = text.trim_end_matches('\n');
    if in_quotes || !body.contains('\n') {
        return Cow::Borrowed(text);
    }
    let starts_blank = text.starts_with(blank);
    let mut out = String::with_capacity(text.len() + 8);
    let mut lines = body.split('\n');
    let mut before = lines.next().unwrap_or_default();
    out.push_str(before);
    let mut breaks = 0;
    for line in lines {
        breaks += 1;
        if line.is_empty() {
            continue;
        }
        let keeps = before.starts_with(blank) || line.starts_with(blank);
        let written = breaks + usize::from(!before.starts_with(blank) && !starts_blank);
        match if keeps { written } else { written - 1 } {
            0 => out.push(' '),
            count => out.push_str(&"\n".repeat(count)),
        }
        out.push_str(line);
        (before, breaks) = (line, 0);
    }
    out.push_str(&text[body.len()..]);
    Cow::Owned(out)
}

/// A number as go-yaml writes it, and the type that it is read as again.
fn floating(number: f64) -> (String, Tag) {
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // As `%g` has it for the shortest digits.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return (format!("{mantissa}e{sign}{:02}", exponent.abs()), Tag::Float);
    }
    let text = number.to_string();
    let tag = if text.contains('.') { Tag::Float } else { Tag::Int };
    (text, tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folded_texts_get_another_break_before_lines_that_start_with_a_blank() {
        for (text, again) in [
            ("a\nb", "a\nb"),
            ("a\n\nb\n", "a\n\nb\n"),
            ("f(c,\n  d\n)", "f(c,\n\n  d\n)"),
            ("one line", "one line"),
        ] {
            assert_eq!(refolded(text), again, "{text:?}");
        }
    }

    #[test]
    fn a_scalar_is_what_it_is_read_as_when_it_was_written() {
        let read = |text: &str, quoting, tag| Scalar::read(text.to_owned(), quoting, tag).to_json();
        let (plain, quoted) = (Quoting::Plain, Quoting::Quoted);
        for (found, wanted) in [
            (read("1", plain, None), json!(1)),
            (read("1", quoted, None), json!("1")),
            (read("1", plain, Some("!!str")), json!("1")),
            (read("1", plain, Some("!!float")), json!(1)),
            (read("1.50", plain, None), json!(1.5)),
            (read("yes", plain, None), json!("yes")),
            (Scalar::untyped("12").to_json(), json!(12)),
            (Scalar::text("12").to_json(), json!("12")),
        ] {
            assert_eq!(found, Some(wanted));
        }
        assert_eq!(read("x", plain, Some("!!int")), None);
        // A number that took the quotes of the text in whose place it stands is a text.
        let number = Scalar {
            quoting: quoted,
            ..Scalar::read("2".to_owned(), plain, None)
        };
        assert_eq!(number.to_json(), Some(json!("2")));
    }
}
