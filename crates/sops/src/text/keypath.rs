//! Where a value lies: `["stringData"]["password"]` as `sops` writes it, or `stringData.password` as our reports do.

use crate::error::SopsError;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// A way from the root of a document to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(pub(crate) Vec<Step>);

/// A place in a file.
#[derive(Debug, Clone, Copy)]
pub struct At<'p> {
    /// Number of the document, from 0.
    pub document: usize,
    /// The way in it.
    pub path: &'p KeyPath,
}

impl KeyPath {
    /// Returns the place at the end of this path in a document, counted from 0.
    pub fn within(&self, document: usize) -> At<'_> {
        At { document, path: self }
    }

    /// Makes a path of steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// Reads a path in either spelling.
    ///
    /// # Errors
    /// [`SopsError::BadPath`] when it is neither, is empty, or leads into the `sops` block.
    pub fn parse(text: &str) -> Result<Self, SopsError> {
        let steps = steps(text.trim()).ok_or(SopsError::BadPath)?;
        match steps.first() {
            Some(Step::Key(key)) if key != crate::text::SOPS_KEY => Ok(Self(steps)),
            _ => Err(SopsError::BadPath),
        }
    }

    /// Returns the keys on the way, without positions in lists.
    pub(crate) fn keys(&self) -> Vec<String> {
        let key = |step: &Step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        };
        self.0.iter().filter_map(key).collect()
    }

    /// Returns the steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl std::fmt::Display for KeyPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut path = String::new();
        for step in &self.0 {
            match step {
                Step::Key(key) => crate::text::walk::push_key(&mut path, key),
                Step::Index(at) => path.push_str(&format!("[{at}]")),
            }
        }
        f.write_str(&path)
    }
}

fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = bracket(inner)?;
            steps.push(step);
            rest = after;
        } else {
            let rest_of_key = if steps.is_empty() {
                rest
            } else {
                rest.strip_prefix('.')?
            };
            let end = rest_of_key.find(['.', '[']).unwrap_or(rest_of_key.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(rest_of_key[..end].to_owned()));
            rest = &rest_of_key[end..];
        }
    }
    (!steps.is_empty()).then_some(steps)
}

/// Reads what stands between brackets: a quoted key or a number.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let mut escaped = false;
        let close = inner[1..].char_indices().find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped && quote == '"';
            ends
        })?;
        let end = 1 + close.0;
        let key = if quote == '"' {
            serde_json::from_str(&inner[..=end]).ok()?
        } else {
            inner[1..end].to_owned()
        };
        return Some((Step::Key(key), inner[end + 1..].strip_prefix(']')?));
    }
    let (number, after) = inner.split_once(']')?;
    Some((Step::Index(number.parse().ok()?), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        KeyPath::parse(text).ok().map(|path| path.to_string())
    }

    #[test]
    fn both_spellings_name_the_same_value() {
        for (text, path) in [
            (r#"["a"]["b"][0]"#, "a.b[0]"),
            ("a.b[0]", "a.b[0]"),
            ("['a']['b']", "a.b"),
            (r#"["x.y"]["q\"]"]"#, r#"["x.y"]["q\"]"]"#),
            (r#"stringData["x.y"]"#, r#"stringData["x.y"]"#),
            ("list[0].key", "list[0].key"),
        ] {
            assert_eq!(read(text).as_deref(), Some(path), "{text}");
            assert_eq!(read(path).as_deref(), Some(path), "{path} reads back");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            "a..b",
            "[",
            "[x]",
            r#"["a""#,
            "[0]",
            r#"["sops"]["mac"]"#,
            "a[-1]",
            r#"["a"]b"#,
        ] {
            assert_eq!(KeyPath::parse(text), Err(SopsError::BadPath), "{text}");
        }
    }
}
