//! Flux's variable substitution: which `${…}` a text holds and whether each stands on its own.
//!
//! The syntax is that of `fluxcd/pkg/envsubst`: `$$` is a dollar sign, `${NAME…}` a variable with an optional
//! bash-like operation, of which `:-`, `:=` and `=` give a default.

use std::collections::HashMap;
use std::ops::Range;

/// A `${…}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable<'t> {
    /// From the `$` to the `}`.
    pub span: Range<usize>,
    /// Its name; empty when Flux cannot read one, which makes the whole build fail.
    pub name: &'t str,
    /// Whether it has a default.
    pub default: bool,
}

/// Finds the variables in a text.
pub fn variables(text: &str) -> Vec<Variable<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    if !text.contains("${") {
        return found;
    }
    let ends = ends(bytes);
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'$' {
            at += 1;
        } else if bytes.get(at + 1) == Some(&b'{') {
            let end = ends.get(&(at + 1)).copied().unwrap_or(text.len());
            found.push(variable(text, at..end));
            at += 2;
        } else if bytes.get(at + 1) == Some(&b'$') {
            at += 2;
        } else {
            at += 1;
        }
    }
    found
}

fn variable(text: &str, span: Range<usize>) -> Variable<'_> {
    let body = &text[span.start + 2..];
    let length = usize::from(body.starts_with('#'));
    let name = &body[length..];
    let name = &name[..name
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(name.len())];
    let rest = &body[length + name.len()..];
    let known = rest.starts_with(['}', ':', '=', ',', '^', '/', '#', '%']);
    Variable {
        span,
        name: if known { name } else { "" },
        default: [":-", ":=", "="].iter().any(|mark| rest.starts_with(mark)),
    }
}

/// Where each `{` closes; at the end of its line when it does not. In one pass, for braces may be nested by the thousand.
fn ends(bytes: &[u8]) -> HashMap<usize, usize> {
    let mut ends = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' => ends.extend(open.pop().map(|start| (start, at + 1))),
            b'\n' => ends.extend(open.drain(..).map(|start| (start, at))),
            _ => {}
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(&str, &str, bool)> {
        let variables = variables(text).into_iter();
        variables.map(|v| (&text[v.span], v.name, v.default)).collect()
    }

    #[test]
    fn names_operations_and_defaults_are_told_apart() {
        assert_eq!(seen("a ${A} b"), [("${A}", "A", false)]);
        assert_eq!(seen("${A/./-}-tls"), [("${A/./-}", "A", false)]);
        assert_eq!(
            seen("${A:-x}${B:=y}${C=z}"),
            [
                ("${A:-x}", "A", true),
                ("${B:=y}", "B", true),
                ("${C=z}", "C", true),
            ]
        );
        assert_eq!(
            seen("${A:0:3} ${#A}"),
            [("${A:0:3}", "A", false), ("${#A}", "A", false)]
        );
    }

    #[test]
    fn an_even_number_of_dollars_is_escaped() {
        assert_eq!(seen("$${A} $$$${A} $A $(A)"), []);
        assert_eq!(seen("$$${A}"), [("${A}", "A", false)]);
    }

    #[test]
    fn what_flux_cannot_read_has_no_name() {
        assert_eq!(
            seen("${a.b} ${} ${A-x}"),
            [("${a.b}", "", false), ("${}", "", false), ("${A-x}", "", false),]
        );
        assert_eq!(seen("${unclosed\nnext"), [("${unclosed", "", false)]);
    }

    #[test]
    fn a_default_may_hold_another_variable() {
        assert_eq!(
            seen("${A:-${B}}"),
            [("${A:-${B}}", "A", true), ("${B}", "B", false)]
        );
    }

    #[test]
    fn nested_braces_are_looked_at_once() {
        let bomb = "${".repeat(200_000);
        assert_eq!(variables(&bomb).len(), 200_000);
        let text = "}${A:-${B}} }";
        assert_eq!(seen(text)[0], ("${A:-${B}}", "A", true));
    }
}
