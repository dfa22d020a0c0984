//! Feature expressions: `monitoring_enabled and (loki_enabled or tracing_enabled)`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Longest expression, in bytes: the longest of the library has some 80. What is built of it is walked by functions that
/// call themselves, as deep as it has operators, so this bounds them as well.
const MAX_LENGTH: usize = 4096;

/// How many parentheses and `not`s may be open at once. Every one of them is a few calls deep.
const MAX_DEPTH: usize = 64;

/// A boolean expression over the keys of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A key of `cluster.yaml` or a derived name, with dots for what stands in a mapping.
    Key(String),
    /// A string, number or boolean.
    Literal(Value),
    /// `not x`
    Not(Box<Expr>),
    /// `a and b`
    And(Box<Expr>, Box<Expr>),
    /// `a or b`
    Or(Box<Expr>, Box<Expr>),
    /// `a == b`; with `false`, `a != b`
    Equal(Box<Expr>, Box<Expr>, bool),
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the text.
    pub offset: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Symbol(&'static str),
}

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// With what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        if text.len() > MAX_LENGTH {
            return Err(ExprError {
                message: format!(
                    "an expression may have {MAX_LENGTH} bytes, this one has {}",
                    text.len()
                ),
                offset: MAX_LENGTH,
            });
        }
        let tokens = tokenize(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            next: 0,
            depth: 0,
            end: text.len(),
        };
        let expr = parser.or()?;
        match parser.tokens.get(parser.next) {
            None => Ok(expr),
            Some((_, offset)) => Err(ExprError {
                message: "expected `and` or `or` here".to_owned(),
                offset: *offset,
            }),
        }
    }

    /// Returns the value over a context; a key that is not set is null, and null counts as false.
    pub fn eval(&self, context: &Map<String, Value>) -> bool {
        match self {
            Self::And(a, b) => a.eval(context) && b.eval(context),
            Self::Or(a, b) => a.eval(context) || b.eval(context),
            Self::Not(a) => !a.eval(context),
            Self::Equal(a, b, equal) => (a.value(context) == b.value(context)) == *equal,
            Self::Key(_) | Self::Literal(_) => truthy(self.value(context)),
        }
    }

    fn value<'a>(&'a self, context: &'a Map<String, Value>) -> &'a Value {
        match self {
            Self::Key(key) => look_up(context, key),
            Self::Literal(value) => value,
            _ => &Value::Null,
        }
    }

    /// Returns all keys that occur.
    pub fn keys(&self) -> BTreeSet<&str> {
        let mut keys = BTreeSet::new();
        self.visit(&mut |key| {
            keys.insert(key);
        });
        keys
    }

    fn visit<'a>(&'a self, f: &mut impl FnMut(&'a str)) {
        match self {
            Self::Key(key) => f(key),
            Self::Literal(_) => {}
            Self::Not(a) => a.visit(f),
            Self::And(a, b) | Self::Or(a, b) | Self::Equal(a, b, _) => {
                a.visit(f);
                b.visit(f);
            }
        }
    }

    /// Returns the keys that decide the value: of `false and x` only the first operand's, of `true and x` both.
    pub fn deciding(&self, context: &Map<String, Value>) -> Vec<String> {
        let mut keys = Vec::new();
        self.decide(context, &mut keys);
        keys.dedup();
        keys
    }

    fn decide(&self, context: &Map<String, Value>, keys: &mut Vec<String>) {
        match self {
            Self::And(a, b) | Self::Or(a, b) => {
                let stops = matches!(self, Self::Or(..));
                match (a.eval(context) == stops, b.eval(context) == stops) {
                    (true, _) => a.decide(context, keys),
                    (_, true) => b.decide(context, keys),
                    _ => {
                        a.decide(context, keys);
                        b.decide(context, keys);
                    }
                }
            }
            _ => self.visit(&mut |key| keys.push(key.to_owned())),
        }
    }
}

/// Returns the value of a name, with dots for what stands in a mapping; null when it is not set.
pub fn look_up<'a>(context: &'a Map<String, Value>, name: &str) -> &'a Value {
    let mut parts = name.split('.');
    let first = parts.next().and_then(|first| context.get(first));
    parts
        .try_fold(first, |value, part| value.map(|value| value.get(part)))
        .flatten()
        .unwrap_or(&Value::Null)
}

/// Returns whether a value counts as true: not null, false, 0, `""`, `[]` or `{}`.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
    }
}

fn tokenize(text: &str) -> Result<Vec<(Token, usize)>, ExprError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let offset = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let length = if let Some(symbol) = ["==", "!=", "(", ")"].iter().find(|s| rest.starts_with(**s)) {
            tokens.push((Token::Symbol(symbol), offset));
            symbol.len()
        } else if first == '\'' || first == '"' {
            let end = rest[1..].find(first).ok_or_else(|| ExprError {
                message: "this quote is never closed".to_owned(),
                offset,
            })?;
            tokens.push((Token::Literal(Value::from(&rest[1..=end])), offset));
            end + 2
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let number: i64 = rest[..end].parse().map_err(|_| ExprError {
                message: "this number is too large".to_owned(),
                offset,
            })?;
            tokens.push((Token::Literal(number.into()), offset));
            end
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
                .unwrap_or(rest.len());
            let token = match &rest[..end] {
                "true" => Token::Literal(true.into()),
                "false" => Token::Literal(false.into()),
                word => Token::Word(word.to_owned()),
            };
            tokens.push((token, offset));
            end
        } else {
            return Err(ExprError {
                message: format!("unexpected `{first}`"),
                offset,
            });
        };
        rest = &rest[length..];
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, usize)],
    next: usize,
    /// How many parentheses and `not`s are open.
    depth: usize,
    end: usize,
}

impl Parser<'_> {
    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some((Token::Word(w), _)) if w == word);
        self.next += usize::from(found);
        found
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some((Token::Symbol(s), _)) if *s == symbol);
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expr, ExprError> {
        let mut expr = self.and()?;
        while self.eat_word("or") {
            expr = Expr::Or(Box::new(expr), Box::new(self.and()?));
        }
        Ok(expr)
    }

    fn and(&mut self) -> Result<Expr, ExprError> {
        let mut expr = self.not()?;
        while self.eat_word("and") {
            expr = Expr::And(Box::new(expr), Box::new(self.not()?));
        }
        Ok(expr)
    }

    /// Reads what stands behind a `not` or an opening parenthesis.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<Expr, ExprError>) -> Result<Expr, ExprError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ExprError {
                message: format!("more than {MAX_DEPTH} parentheses and `not`s are open here"),
                offset: self.tokens.get(self.next).map_or(self.end, |(_, offset)| *offset),
            });
        }
        let expr = read(self)?;
        self.depth -= 1;
        Ok(expr)
    }

    fn not(&mut self) -> Result<Expr, ExprError> {
        if self.eat_word("not") {
            return Ok(Expr::Not(Box::new(self.deeper(Self::not)?)));
        }
        let left = self.atom()?;
        for (symbol, equal) in [("==", true), ("!=", false)] {
            if self.eat_symbol(symbol) {
                return Ok(Expr::Equal(Box::new(left), Box::new(self.atom()?), equal));
            }
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Expr, ExprError> {
        let offset = self.tokens.get(self.next).map_or(self.end, |(_, offset)| *offset);
        if self.eat_symbol("(") {
            let expr = self.deeper(Self::or)?;
            return if self.eat_symbol(")") {
                Ok(expr)
            } else {
                Err(ExprError {
                    message: "this parenthesis is never closed".to_owned(),
                    offset,
                })
            };
        }
        let expr = match self.tokens.get(self.next) {
            Some((Token::Word(word), _)) if !matches!(word.as_str(), "and" | "or" | "not") => {
                Expr::Key(word.clone())
            }
            Some((Token::Literal(value), _)) => Expr::Literal(value.clone()),
            _ => {
                return Err(ExprError {
                    message: "expected a config key or a value here".to_owned(),
                    offset,
                });
            }
        };
        self.next += 1;
        Ok(expr)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context() -> Map<String, Value> {
        match json!({"on": true, "off": false, "stack": "vm", "n": 0, "vars": {"deep": {"on": true}}}) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn evaluates_with_the_usual_precedence() {
        for (text, expected) in [
            ("on", true),
            ("off or on and off", false),
            ("(off or on) and not off", true),
            ("not off and stack == 'vm'", true),
            ("stack != \"vm\" or missing", false),
            ("n == 0 and not n", true),
            ("missing == 'x'", false),
            ("true", true),
            ("vars.deep.on and vars.deep.missing != 1", true),
            ("vars.missing.on", false),
        ] {
            assert_eq!(
                Expr::parse(text).expect(text).eval(&context()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn names_the_keys_that_decide() {
        let decide = |text: &str| Expr::parse(text).expect(text).deciding(&context());
        assert_eq!(decide("on and off and stack == 'vm'"), ["off"]);
        assert_eq!(decide("on and stack == 'vm'"), ["on", "stack"]);
        assert_eq!(decide("on and (off or missing)"), ["off", "missing"]);
        assert_eq!(decide("off or on"), ["on"]);
    }

    #[test]
    fn errors_say_where() {
        for (text, offset) in [
            ("on and", 6),
            ("on off", 3),
            ("(on", 0),
            ("on & off", 3),
            ("a == 'x", 5),
            ("", 0),
            ("é", 0),
        ] {
            assert_eq!(Expr::parse(text).expect_err(text).offset, offset, "{text}");
        }
    }

    #[test]
    fn long_and_deep_expressions_are_refused_before_they_fill_the_stack() {
        for (bomb, said) in [
            ("not ".repeat(300_000) + "a", "may have 4096 bytes"),
            ("(".repeat(100_000), "may have 4096 bytes"),
            ("(".repeat(4000), "more than 64"),
            ("not ".repeat(1000) + "a", "more than 64"),
            ("a and ".repeat(300_000) + "a", "may have 4096 bytes"),
        ] {
            let error = Expr::parse(&bomb).expect_err(said);
            assert!(error.message.contains(said), "{}", error.message);
        }
        let deep = format!("{}on{}", "(".repeat(64), ")".repeat(64));
        assert!(Expr::parse(&deep).expect("fine").eval(&context()));
        let long = format!("{}on", "off or ".repeat(500));
        let long = Expr::parse(&long).expect("fine");
        assert!(long.eval(&context()) && !long.deciding(&context()).is_empty());
    }
}
