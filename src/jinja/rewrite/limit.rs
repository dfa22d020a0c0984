//! Tags that may take too much by themselves.

use std::ops::Range;

use super::lexer::{JinjaTag, TokenKind};
use crate::bounds::{self, Limit};

/// Finds a tag that may take too much by itself, before a call can tell.
pub(super) fn limit(text: &str, tags: &[JinjaTag]) -> Option<(Range<usize>, Limit)> {
    if let Some(one_more) = tags.get(bounds::MAX_TAGS) {
        return Some((one_more.range.clone(), Limit::tags()));
    }
    let mut branches: Vec<usize> = Vec::new();
    for tag in tags {
        let found = |limit| Some((tag.range.start..tag.range.start + 1, limit));
        let (mut joins, mut all, mut here) = (0, 0, 0);
        for token in &tag.tokens {
            let word = token.text(text);
            match token.kind {
                // Behind a comma another expression starts.
                TokenKind::Other if word == "," => here = 0,
                TokenKind::Other if matches!(word, ")" | "]" | "}" | "=" | ":") => {}
                TokenKind::Name if !matches!(word, "and" | "or" | "not" | "in" | "is" | "if") => {}
                TokenKind::Other | TokenKind::Name => {
                    joins += usize::from(matches!(word, "~" | "+"));
                    all += 1;
                    here += 1;
                }
                TokenKind::Text | TokenKind::Number => {}
            }
            if here > bounds::MAX_OPERATORS.0 || all > bounds::MAX_OPERATORS.1 {
                return found(Limit::operators());
            }
        }
        if joins > bounds::MAX_JOINS {
            return found(Limit::joins());
        }
        match tag
            .tokens
            .first()
            .filter(|_| tag.block)
            .map(|first| first.text(text))
        {
            Some("if") => branches.push(0),
            Some("endif") => drop(branches.pop()),
            Some("elif") => {
                if let Some(count) = branches.last_mut() {
                    *count += 1;
                    if *count > bounds::MAX_BRANCHES {
                        return found(Limit::branches());
                    }
                }
            }
            _ => {}
        }
    }
    None
}
