//! What is put into templates to count what they do ([`crate::bounds`]), and to notice what they print as nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::rewrite::{Printed, Read};
use crate::bounds::{self, Limit};

/// A value that a template writes although nothing gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Empty {
    /// The name, or what is read of one.
    pub name: String,
    /// The path of the first template that does, as findings show it, and its text.
    pub template: (String, String),
    /// The place in it.
    pub range: Range<usize>,
    /// How many places do.
    pub places: usize,
    /// Whether something is made of it in each of them, so that what is written need not be nothing.
    pub is_input: bool,
}

/// A printed expression of some template.
#[derive(Debug)]
pub(super) struct Expression {
    /// The name of the template.
    pub(super) template: String,
    pub(super) printed: Printed,
}

/// The printed expressions of all templates, and which of them were written as nothing: the number of the expression, and
/// of the name in it, if it is one.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) expressions: Vec<Expression>,
    empty: Mutex<BTreeSet<(usize, Option<usize>)>>,
}

impl Seen {
    /// Returns what was written as nothing: each name once, in the order of the templates.
    pub(super) fn empties(&self, text: impl Fn(&str) -> Option<(String, String)>) -> Vec<Empty> {
        let empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Empty> = Vec::new();
        for (number, name) in empty.iter() {
            let Expression { template, printed } = &self.expressions[*number];
            let Some(template) = text(template) else { continue };
            let words = template.1.get(printed.range.clone()).unwrap_or_default();
            let (name, range, is_input) = match name.map(|name| &printed.names[name]) {
                Some(Read { name, range, .. }) => {
                    (name.clone(), range.clone(), words.contains(['|', '%', '(']))
                }
                None => (words.to_owned(), printed.range.clone(), false),
            };
            match found.iter_mut().find(|empty| empty.name == name) {
                Some(known) => {
                    known.places += 1;
                    known.is_input &= is_input;
                }
                None => found.push(Empty {
                    name,
                    template,
                    range,
                    places: 1,
                    is_input,
                }),
            }
        }
        found
    }

    fn look(&self, state: &State, number: usize, value: &Value) {
        let Some(expression) = self.expressions.get(number) else {
            return;
        };
        let mut found = Vec::new();
        // What is read of a name that has no value has none either, and is not told.
        let mut absent: Option<&[String]> = None;
        for (index, Read { path, .. }) in expression.printed.names.iter().enumerate() {
            if absent.is_some_and(|absent| path.len() > absent.len() && path.starts_with(absent)) {
                continue;
            }
            let mut keys = path.iter();
            let first = keys.next().and_then(|name| state.lookup(name));
            let read = keys.try_fold(first, |value, key| {
                let value = value.filter(|value| !value.is_undefined())?;
                Some(value.get_attr(key).ok())
            });
            if read.flatten().is_none_or(|value| value.is_undefined()) {
                absent = Some(path);
                found.push(Some(index));
            }
        }
        if found.is_empty() && value.is_undefined() {
            found.push(None);
        }
        if !found.is_empty() {
            let mut empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
            empty.extend(found.into_iter().map(|name| (number, name)));
        }
    }
}

/// Registers what the rewritten templates call. `sizes` are the lengths of all templates.
pub(super) fn register(env: &mut Environment<'static>, seen: &Arc<Seen>, sizes: BTreeMap<String, usize>) {
    env.add_filter("__hold", |value: Value| {
        made(size(&value)?)?;
        Ok::<Value, Error>(value)
    });
    env.add_filter("__ask", |value: Value| {
        ok(bounds::step(1))?;
        Ok::<Value, Error>(value)
    });
    env.add_filter("__each", |value: Value, body: u64| {
        let rounds = rounds(&value);
        ok(bounds::step(rounds + 1))?;
        ok(bounds::write(rounds.saturating_mul(body)))?;
        Ok::<Value, Error>(value)
    });
    env.add_filter("__enter", move |name: Value| {
        ok(bounds::step(1))?;
        let of = |name: &Value| name.as_str().and_then(|name| sizes.get(name)).copied();
        let most = match of(&name) {
            Some(size) => size,
            None => name
                .try_iter()
                .into_iter()
                .flatten()
                .filter_map(|name| of(&name))
                .max()
                .unwrap_or(0),
        };
        ok(bounds::write(most as u64))?;
        Ok::<Value, Error>(name)
    });
    let seen = Arc::clone(seen);
    env.add_filter("__seen", move |state: &State, value: Value, number: usize| {
        made(size(&value)?)?;
        seen.look(state, number, &value);
        Ok::<Value, Error>(value)
    });
    env.add_filter("__times", times);
}

/// Reports a limit as an error of the engine.
pub(super) fn ok(result: Result<(), Limit>) -> Result<(), Error> {
    result.map_err(|limit| Error::new(ErrorKind::InvalidOperation, limit.to_string()))
}

/// Checks the size of what a filter is about to make.
pub(super) fn made(size: usize) -> Result<(), Error> {
    ok(bounds::made(size))
}

/// Checks the size of a text that a filter has made of others: by itself it makes one some times as long.
pub(super) fn text(text: String) -> Result<String, Error> {
    made(text.len())?;
    Ok(text)
}

/// Returns how often a loop over a value goes round, also where the value does not know its length.
fn rounds(value: &Value) -> u64 {
    if let Some(len) = value.len() {
        return len as u64;
    }
    let mut rounds = 0;
    // What cannot be gone through is for the loop itself to refuse.
    for _ in value.try_iter().into_iter().flatten() {
        rounds += 1;
        if rounds > bounds::MAX_STEPS {
            break;
        }
    }
    rounds
}

/// Returns what a value counts; an error as soon as that is too much.
pub(super) fn size(value: &Value) -> Result<usize, Error> {
    fn add(value: &Value, depth: usize, sum: &mut usize) -> Result<(), Error> {
        ok(bounds::depth(depth))?;
        *sum += bounds::NODE;
        match value.kind() {
            ValueKind::String => *sum += value.as_str().map_or(0, str::len),
            ValueKind::Bytes => *sum += value.len().unwrap_or(0),
            // No function or filter gives what can be gone through only once.
            ValueKind::Seq | ValueKind::Iterable => {
                for item in value.try_iter()?.checked() {
                    add(&item?, depth + 1, sum)?;
                }
            }
            ValueKind::Map => {
                for key in value.try_iter()?.checked() {
                    let key = key?;
                    add(&value.get_item(&key)?, depth + 1, sum)?;
                    *sum += key.as_str().map_or(bounds::NODE, str::len);
                }
            }
            _ => {}
        }
        ok(bounds::value(*sum))
    }
    let mut sum = 0;
    add(value, 0, &mut sum)?;
    Ok(sum)
}

/// `left * right`: numbers, and texts and lists as often as a number says.
fn times(left: &Value, right: &Value) -> Result<Value, Error> {
    let wrong = || {
        let message = format!(
            "tried to use * operator on unsupported types {} and {}",
            left.kind(),
            right.kind()
        );
        Error::new(ErrorKind::InvalidOperation, message)
    };
    let repeats = |value: &Value| {
        matches!(
            value.kind(),
            ValueKind::String | ValueKind::Seq | ValueKind::Iterable
        )
    };
    let (what, count) = match (repeats(left), repeats(right)) {
        (true, false) => (left, right),
        (false, true) => (right, left),
        (true, true) => return Err(wrong()),
        (false, false) => return product(left, right).ok_or_else(wrong),
    };
    // Python repeats nothing less than never.
    let count = count.as_i64().ok_or_else(wrong)?;
    let count = usize::try_from(count).unwrap_or(0);
    made(size(what)?.saturating_mul(count))?;
    if let Some(text) = what.as_str() {
        return Ok(Value::from(text.repeat(count)));
    }
    let items = what
        .try_iter()?
        .checked()
        .collect::<Result<Vec<Value>, Error>>()?;
    let repeated: Vec<Value> = std::iter::repeat_n(items, count).flatten().collect();
    Ok(if what.is_tuple() {
        Value::from(Tuple::from(repeated))
    } else {
        Value::from(repeated)
    })
}

fn product(left: &Value, right: &Value) -> Option<Value> {
    let number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if !number(left) || !number(right) {
        return None;
    }
    let whole = |value: &Value| match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        _ if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    };
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        return left.checked_mul(right).map(Value::from);
    }
    let float = |value: &Value| match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        _ => f64::try_from(value.clone()).ok(),
    };
    Some(Value::from(float(left)? * float(right)?))
}

#[cfg(test)]
mod tests {
    use super::super::{Engine, Options, Template, Undefined};
    use super::*;
    use crate::diag::{Diagnostics, concise};

    fn engine(texts: &[(&str, &str)], undefined: Undefined) -> Engine {
        let options = Options {
            undefined,
            ..Options::of_jinja()
        };
        let templates = texts.iter().map(|(name, text)| Template {
            name: (*name).to_owned(),
            shown: format!("templates/{name}"),
            text: (*text).to_owned(),
        });
        let data = [
            ("x".to_owned(), Value::from("t")),
            ("l".to_owned(), Value::from(vec![1, 2])),
        ];
        Engine::new(&options, templates)
            .expect("fine")
            .with(data, &Arc::default())
    }

    fn rendered(texts: &[(&str, &str)]) -> Result<String, String> {
        let engine = engine(texts, Undefined::Lenient);
        engine.render(texts[0].0, &BTreeMap::new()).map_err(|fault| {
            let mut diags = Diagnostics::default();
            let finding = fault.into_diagnostic(&mut diags);
            diags.push(finding);
            concise::render(&diags)
        })
    }

    #[test]
    fn products_are_those_of_python() {
        for (text, expected) in [
            ("{{ 2 * 3 + 4 * -2 }}", "-2"),
            (
                "{{ 1.5 * 2 }} {{ true * 3 }} {{ 7 // 2 * 2 }} {{ 2 * 3 ** 2 }} {{ 2 * l[1] % 3 }}",
                "3.0 3 6 18 1",
            ),
            (
                "{{ 'ab' * 2 }}{{ 2 * 'c' }}{{ 'd' * -1 }}{{ [1] * 2 }}{{ (1, 2) * 2 }}",
                "ababcc[1, 1](1, 2, 1, 2)",
            ),
        ] {
            assert_eq!(rendered(&[("a", text)]).as_deref(), Ok(expected), "{text}");
        }
    }

    fn ends(bomb: &str, said: &str) {
        let finding = rendered(&[("a", bomb)]).err().unwrap_or_default();
        assert!(finding.contains(said), "{said}: {finding}");
        assert!(finding.contains("templates/a"), "{finding}");
    }

    #[test]
    fn methods_and_filters_are_measured_before_they_make_something() {
        for (bomb, said) in [
            // Methods.
            ("{{ (x * 1000000).replace('t', 'ttttt') }}", "value of more than"),
            (
                "{{ x.replace('', x * 2000000).replace('t', 'tt') }}",
                "value of more than",
            ),
            ("{{ (x * 1000000).join(l + l + l) }}", "value of more than"),
            (
                "{{ ','.join([x * 1000000] * 2) ~ ','.join([x * 1000000, x * 1000000, x * 1000000]) }}",
                "value of more than",
            ),
            ("{{ ('\t' * 1000000).expandtabs(100) }}", "value of more than"),
            (
                "{{ x.expandtabs(1) }}{{ '\t'.expandtabs(10 ** 15) }}",
                "value of more than",
            ),
            ("{{ x.ljust(10 ** 15) }}", "value of more than"),
            ("{{ x.rjust(10 ** 15) }}", "value of more than"),
            ("{{ x.center(10 ** 15) }}", "value of more than"),
            ("{{ x.zfill(10 ** 15) }}", "value of more than"),
            ("{{ '{:100000000}'.format(x) }}", "value of more than"),
            ("{{ ('{0}' * 1000).format(x * 10000) }}", "value of more than"),
            // Filters.
            ("{{ x|center(10 ** 15) }}", "value of more than"),
            ("{{ l|slice(10 ** 15)|list|length }}", "value of more than"),
            ("{{ l|slice(1000, x * 10000)|list|length }}", "value of more than"),
            ("{{ l|batch(10 ** 15, x)|list|length }}", "value of more than"),
            (
                "{{ [l]|map('default', x)|list|length }}{{ ([none] * 9)|map('default', x * 1000000, true)|list|length }}",
                "value of more than",
            ),
            ("{{ ('%9999s' * 1000) % ((x,) * 1000) }}", "value of more than"),
            (
                "{{ ('%(a)9999d' * 1000)|format(a=1)|length }}",
                "value of more than",
            ),
            ("{{ ('%(a)s' * 1000) % {'a': x * 10000} }}", "value of more than"),
            ("{{ x|indent(10 ** 15) }}", "value of more than"),
            (
                "{{ [[[x] * 1000] * 100]|tojson(x * 101) }}",
                "an indentation of more than 100",
            ),
            ("{{ ([[[[[x]]]]] * 9000)|tojson(100) }}", "value of more than"),
        ] {
            ends(bomb, said);
        }
    }

    #[test]
    fn chains_of_filters_and_what_is_made_late_are_measured() {
        let quotes = format!("{{{{ '\"'{} }}}}", "|tojson".repeat(60));
        let coded = format!("{{{{ x{} }}}}", "|b64encode".repeat(60));
        let reprs = format!("{{{{ '\"\\''{} }}}}", "|pprint".repeat(60));
        let escapes = format!("{{{{ ('&' * 300000){} }}}}", "|e".repeat(60));
        let bigs = format!(
            "{{% set big = x * 1000000 %}}{{{{ [{}] ~ '' }}}}",
            "big, ".repeat(1000)
        );
        let lazy = format!(
            "{{% for i in range(90000)|chain('a') %}}{}{{% endfor %}}",
            "a".repeat(1000)
        );
        for (bomb, said) in [
            (quotes.as_str(), "value of more than"),
            (coded.as_str(), "value of more than"),
            (reprs.as_str(), "value of more than"),
            (escapes.as_str(), "value of more than"),
            (bigs.as_str(), "value of more than"),
            // What is made only when it is gone through.
            (
                "{% set ns = namespace(a=l|chain('ab')) %}{% for i in range(60) %}{% set ns.a = ns.a|chain(ns.a) %}{% endfor %}{{ ns.a|list|length }}",
                "value of more than",
            ),
            (
                "{% set big = x * 1000000 %}{% set all = 'abc'|chain([big], [big], [big]) %}{{ all ~ '' }}",
                "value of more than",
            ),
            (
                "{% set big = x * 1000000 %}{{ 'abc'|zip([big, big, big]) ~ '' }}",
                "value of more than",
            ),
            (lazy.as_str(), "writes more than"),
        ] {
            ends(bomb, said);
        }
    }

    #[test]
    fn bombs_end_with_a_finding_that_names_the_template() {
        let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
        let ifs = "{% if x %}".repeat(5000);
        let joins = format!("{{{{ x{} }}}}", " ~ x".repeat(100_000));
        for (bomb, said) in [
            (
                "{% for i in range(100000) %}{% for i in range(100000) %}{% for i in range(100000) %}a{% endfor %}{% endfor %}{% endfor %}",
                "rounds",
            ),
            (
                "{% for i in range(100000) %}{% for i in range(100000) %}{% endfor %}{% endfor %}",
                "rounds",
            ),
            (
                "{% set ns = namespace(a=x) %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
                "value of more than",
            ),
            (
                "{% set ns = namespace(a=[x]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
                "value of more than",
            ),
            (
                "{% set ns = namespace(a=[x]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}",
                "value of more than",
            ),
            (
                "{% set ns = namespace(a=[x]) %}{% for i in range(9000) %}{% set ns.a = [ns.a] %}{% endfor %}",
                "nests a value",
            ),
            (
                "{% macro m(a, n) %}{{ m(a ~ a, n) }}{% endmacro %}{{ m(x, 1) }}",
                "value of more than",
            ),
            (
                "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(20) }}",
                "template/limit",
            ),
            ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
            (
                "{% set l = [] %}{% for i in range(60) %}{% set _ = l.extend(l) %}{% do l.append(x) %}{% endfor %}",
                "more than",
            ),
            ("{% set l = [] %}{% do l.append(l) %}{{ l }}", "put into itself"),
            (
                "{% set a = [] %}{% set b = [a] %}{% do a.append(b) %}{{ a ~ '' }}",
                "put into itself",
            ),
            ("{{ 'a' * 100000000 }}", "value of more than"),
            ("{{ ([1] * 100000000)|list|length }}", "value of more than"),
            ("{{ (x * 1000000)|replace('t', 'ttttt') }}", "value of more than"),
            ("{{ ('a\nb' * 1000)|indent(10000) }}", "value of more than"),
            (
                "{{ [x * 1000000, x * 1000000, x * 1000000]|join(',') }}",
                "value of more than",
            ),
            (
                "{% set y %}{% for i in range(99999) %}0123456789012345678901234567890123456789{{ x }}{% endfor %}{% endset %}",
                "value of more than",
            ),
            (deep.as_str(), "operators"),
            (joins.as_str(), "operators"),
            (ifs.as_str(), "recursion"),
        ] {
            ends(bomb, said);
        }
        let ten = |name: &str| format!("{{% include '{name}' %}}").repeat(10);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let texts: Vec<String> = names
            .iter()
            .skip(1)
            .map(|name| ten(name))
            .chain(["x".repeat(100_000)])
            .collect();
        let files: Vec<(&str, &str)> = names.into_iter().zip(texts.iter().map(String::as_str)).collect();
        assert!(rendered(&files).expect_err("bomb").contains("writes more than"));
    }

    #[test]
    fn a_value_that_nothing_gives_is_told_once() {
        let text = "{{ a }}{{ a.b }}{{ 'x' ~ a }}{{ x }}{{ b|default('') }}{% if c %}{{ d }}{% endif %}\
                    {% for i in l %}{{ i }}{{ loop.index }}{% endfor %}{% set e = 1 %}{{ e }}{{ f if f else 'g' }}\
                    {% macro m(h) %}{{ h }}{% endmacro %}{{ m(1) }}{{ x.nope }}{{ a|default('') }}";
        let engine = engine(&[("t", text)], Undefined::Chainable);
        engine.render("t", &BTreeMap::new()).expect("fine");
        let empties = engine.empties();
        let names: Vec<(&str, usize)> = empties
            .iter()
            .map(|empty| (empty.name.as_str(), empty.places))
            .collect();
        assert_eq!(names, [("a", 3), ("x.nope", 1)]);
        assert_eq!(&text[empties[0].range.clone()], "a");
    }

    /// Under an operator or a filter, something is written all the same.
    #[test]
    fn what_is_made_of_a_value_that_nothing_gives_is_told() {
        let text = "{% set n = {'address': '1', 'deep': {'a': 1}} %}{{ '%s/32' % n.adress }}{{ n.address ~ n.nope }}\
                    {{ n['non'] | upper }}{{ n.deep.b.c ~ '' }}{{ n.address.upper() }}{{ n.no|default('') }}\
                    {{ '%s' % n.deep['a'] }}{{ y | length }}{{ n.adress }}{{ n.deep.items()|length }}";
        let engine = engine(&[("t", text)], Undefined::Chainable);
        engine.render("t", &BTreeMap::new()).expect("fine");
        let empties = engine.empties();
        let told: Vec<(&str, &str, bool)> = empties
            .iter()
            .map(|empty| (empty.name.as_str(), &text[empty.range.clone()], empty.is_input))
            .collect();
        assert_eq!(
            told,
            [
                ("n.adress", "n.adress", false),
                ("n.nope", "n.nope", false),
                ("n['non']", "n['non']", true),
                ("n.deep.b", "n.deep.b", false),
                ("y", "y", true),
            ]
        );
    }
}
