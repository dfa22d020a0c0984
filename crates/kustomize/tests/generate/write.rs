//! Objects as text, in many ways.

use serde_json::Value;

use super::Generator;

impl Generator {
    /// Writes documents into one file.
    pub fn documents(&mut self, documents: &[Value]) -> String {
        if documents.len() == 1 && self.dice.one_in(8) {
            self.feature("JSON manifest");
            return serde_json::to_string_pretty(&documents[0]).expect("JSON");
        }
        if documents.len() > 1 && self.dice.one_in(6) {
            self.feature("List");
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": documents});
            return yaml::to_string(&list);
        }
        let mut text = String::new();
        if self.dice.one_in(4) {
            self.feature("documents of comments");
            text.push_str("# a comment\n---\n");
        }
        for (number, document) in documents.iter().enumerate() {
            if number > 0 {
                text.push_str(if self.dice.one_in(4) {
                    "--- # next\n"
                } else {
                    "---\n"
                });
            }
            text.push_str(&self.document(document));
        }
        if self.dice.one_in(4) {
            self.feature("trailing mark");
            text.push_str("---\n");
        }
        if self.dice.one_in(8) {
            self.feature("carriage returns");
            text = text.replace('\n', "\r\n");
        }
        text
    }

    fn document(&mut self, document: &Value) -> String {
        if self.dice.one_in(4) {
            return yaml::to_string(document);
        }
        let mut text = String::new();
        self.node(document, 0, &mut text);
        if self.dice.one_in(4) && document["metadata"].is_object() {
            self.feature("anchors");
            let more: &&str = self.dice.pick(&[
                "anchors: &x {k: 1, l: [a]}\nused:\n  <<: *x\n  l: 2\nagain: *x\n",
                "one: &n demo\ntwo:\n  *n : 1\nthree: *n\n",
                "one: &n demo\ntwo:\n  *n: 1\n  other: [*n, *n]\n",
                "one: &n a\ntwo: &n b\nthree: *n\n",
                "one: &a {x: 1}\ntwo: &b {x: 2, y: 3}\nthree:\n  <<: [*a, *b]\n  z: 0\n",
                "num: &v 012\nsame: *v\ndate: 2024-01-02\nyes: on\nhex: 0x10\nexp: 1e3\n",
            ]);
            text.push_str(more);
        }
        text
    }

    /// Block style, with quotes here and there.
    fn node(&mut self, node: &Value, indent: usize, out: &mut String) {
        match node {
            Value::Object(map) => {
                for (key, value) in map {
                    out.push_str(&" ".repeat(indent));
                    out.push_str(&self.key(key));
                    out.push(':');
                    self.value(value, indent, out);
                }
            }
            Value::Array(items) => {
                for item in items {
                    out.push_str(&" ".repeat(indent));
                    out.push('-');
                    match item {
                        Value::Object(map) if !map.is_empty() => {
                            let mut inner = String::new();
                            self.node(item, indent + 2, &mut inner);
                            out.push(' ');
                            out.push_str(&inner[indent + 2..]);
                        }
                        other => self.value(other, indent, out),
                    }
                }
            }
            other => {
                out.push_str(&self.scalar(other));
                out.push('\n');
            }
        }
    }

    fn value(&mut self, value: &Value, indent: usize, out: &mut String) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                if self.dice.one_in(8) {
                    out.push(' ');
                    out.push_str(&value.to_string());
                    out.push('\n');
                } else {
                    out.push('\n');
                    self.node(value, indent + 2, out);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                let indent = if self.dice.one_in(2) { indent } else { indent + 2 };
                self.node(value, indent, out);
            }
            Value::String(text) if text.contains('\n') && self.dice.one_in(3) => {
                self.feature("folded text");
                Self::folded(text, indent + 2, out);
            }
            Value::String(text) if text.contains('\n') => {
                out.push_str(match text.trim_end_matches('\n').len().abs_diff(text.len()) {
                    0 => " |-\n",
                    1 => " |\n",
                    _ => " |+\n",
                });
                for line in text.lines() {
                    out.push_str(&" ".repeat(indent + 2));
                    out.push_str(line);
                    out.push('\n');
                }
            }
            other => {
                out.push(' ');
                out.push_str(&self.scalar(other));
                out.push('\n');
            }
        }
    }

    /// A block whose lines are folded: a break between two lines that start with no blank is written twice.
    fn folded(text: &str, indent: usize, out: &mut String) {
        out.push_str(match text.trim_end_matches('\n').len().abs_diff(text.len()) {
            0 => " >-\n",
            1 => " >\n",
            _ => " >+\n",
        });
        let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
        for (number, line) in lines.iter().enumerate() {
            out.push_str(&" ".repeat(indent));
            out.push_str(line);
            out.push('\n');
            let next = lines.get(number + 1);
            let starts = |line: &str| line.starts_with(|c: char| c != ' ');
            if next.is_some_and(|next| starts(line) && starts(next)) {
                out.push('\n');
            }
        }
        if text.ends_with("\n\n") {
            out.push('\n');
        }
    }

    fn key(&mut self, key: &str) -> String {
        if key.is_empty() || key.chars().all(|c| c.is_ascii_digit()) || self.dice.one_in(30) {
            format!("\"{key}\"")
        } else {
            key.to_owned()
        }
    }

    fn scalar(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) => {
                let plain = text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ' '))
                    && text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && !text.ends_with(' ')
                    && !matches!(
                        text.as_str(),
                        "yes" | "no" | "on" | "off" | "y" | "n" | "true" | "false" | "null"
                    );
                if plain && !self.dice.one_in(6) {
                    text.clone()
                } else if self.dice.one_in(2) && !text.contains(['\'', '\\']) {
                    format!("'{text}'")
                } else {
                    yaml::double_quoted(text).to_string()
                }
            }
            Value::Null => (*self.dice.pick(&["null", "~", "null", ""])).to_owned(),
            other => other.to_string(),
        }
    }
}
