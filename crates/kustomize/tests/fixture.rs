//! Small trees in one text: `#==> path` starts a file, `#==> expected` what is wanted. That is what kustomize itself prints, or
//! lines such as `refused NoMatch overlay/kustomization.yaml:3 there is no …`, with the line of the place.

#![allow(dead_code, reason = "each of those who include this uses a part of it")]
#![allow(unreachable_pub, reason = "a module of tests, and of a tool")]

use std::collections::BTreeMap;

/// What starts a file.
const MARK: &str = "#==> ";

/// The name of the part that is no file.
const EXPECTED: &str = "expected";

/// A tree with what is wanted of it. The folder that is built is `overlay`, or the root if there is none.
#[derive(Debug, Default)]
pub struct Fixture {
    pub files: BTreeMap<String, Vec<u8>>,
    pub expected: String,
}

impl Fixture {
    pub fn parse(text: &str) -> Self {
        let mut fixture = Self::default();
        let mut path = String::new();
        for line in text.split_inclusive('\n') {
            if let Some(next) = line.strip_prefix(MARK) {
                next.trim_end().clone_into(&mut path);
                if path != EXPECTED {
                    fixture.files.insert(path.clone(), Vec::new());
                }
            } else if path == EXPECTED {
                fixture.expected.push_str(line);
            } else if let Some(file) = fixture.files.get_mut(&path) {
                file.extend_from_slice(line.as_bytes());
            }
        }
        fixture
    }

    pub fn root(&self) -> &'static str {
        let has_overlay = self.files.keys().any(|path| path.starts_with("overlay/"));
        if has_overlay { "overlay" } else { "" }
    }

    pub fn is_refused(&self) -> bool {
        self.expected.starts_with("refused ")
    }
}

/// The text of a fixture with another expectation.
pub fn with_expected(text: &str, expected: &str) -> String {
    let mark = format!("{MARK}{EXPECTED}\n");
    let start = text.find(&mark).map_or(text, |at| &text[..at]);
    format!("{start}{mark}{expected}")
}
