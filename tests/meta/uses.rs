//! What a source uses of its crate: read whole, with the trees of its `use` and the paths in its code.

use std::collections::BTreeSet;

use super::code_text;

/// A piece of a source.
#[derive(Clone, Copy, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    /// `::`
    Path,
    Sign(char),
}

/// Returns the pieces of a source without comments, texts, characters and blanks.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_text(rest) {
            length
        } else if c == '"' {
            quoted(rest)
        } else if c == '\'' {
            character(rest)
        } else if is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            found.push(Token::Word(&rest[..end]));
            end
        } else if rest.starts_with("::") {
            found.push(Token::Path);
            2
        } else {
            if !c.is_whitespace() {
                found.push(Token::Sign(c));
            }
            c.len_utf8()
        };
        rest = &rest[skipped..];
    }
    found
}

/// The length of a comment that may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a text such as `r#"…"#`; `None` for anything else.
fn raw_text(text: &str) -> Option<usize> {
    let start = ["br", "cr", "r"]
        .into_iter()
        .find(|start| text.starts_with(start))?;
    let hashes = text[start.len()..].bytes().take_while(|b| *b == b'#').count();
    let open = start.len() + hashes;
    text[open..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text[open + 1..].find(&end)?;
    Some(open + 1 + length + end.len())
}

/// The length of a text in quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let mut chars = text.char_indices().skip(1);
    let end = chars.find(|(_, c)| {
        let is_end = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The length of a character, or of the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(text.len(), |at| at + 4),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// Returns the paths that a source names of its own crate, from the crate's root on, such as `world::lock::Lock`. `module` is
/// its own, such as `world::lock`. Modules that are only for tests are left out.
pub(super) fn uses(module: &str, text: &str) -> BTreeSet<String> {
    let text = code_text(text);
    let tokens = tokens(&text);
    let mut found = BTreeSet::new();
    // The modules around the current place: names, with the depth of braces that ends them.
    let mut around: Vec<(&str, usize)> = Vec::new();
    let (mut at, mut depth) = (0, 0);
    while at < tokens.len() {
        let here = || -> Vec<&str> {
            let own = module.split("::").filter(|part| !part.is_empty());
            own.chain(around.iter().map(|(name, _)| *name)).collect()
        };
        match tokens[at..] {
            [Token::Word("mod"), Token::Word(name), Token::Sign('{'), ..] => {
                around.push((name, depth));
                depth += 1;
                at += 3;
            }
            [Token::Word("crate" | "super" | "self"), Token::Path, ..]
                if at == 0 || tokens[at - 1] != Token::Path =>
            {
                at = tree(&tokens, at, &here(), Vec::new(), &mut found);
            }
            [Token::Sign('{'), ..] => {
                depth += 1;
                at += 1;
            }
            [Token::Sign('}'), ..] => {
                depth = depth.saturating_sub(1);
                around.retain(|(_, start)| *start < depth);
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// Adds the paths of a tree such as `crate::{a, b::{self, c as d}, e::*}` and returns where it ends.
fn tree<'t>(
    tokens: &[Token<'t>],
    mut at: usize,
    here: &[&'t str],
    mut path: Vec<&'t str>,
    found: &mut BTreeSet<String>,
) -> usize {
    let mut is_first = path.is_empty();
    loop {
        match tokens.get(at) {
            Some(Token::Word("crate")) if is_first => path.clear(),
            Some(Token::Word("self")) if is_first => path = here.to_vec(),
            Some(Token::Word("super")) if is_first => {
                path = here[..here.len().saturating_sub(1)].to_vec();
            }
            Some(Token::Word("super")) => {
                path.pop();
            }
            Some(Token::Word("self")) => {}
            Some(Token::Word(name)) => path.push(name),
            Some(Token::Sign('{')) => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match token {
                        Token::Sign('}') => return at + 1,
                        Token::Sign(_) => at += 1,
                        Token::Word("as") => at += 2,
                        _ => at = branch(tokens, at, here, &path, found),
                    }
                }
                return at;
            }
            _ => {
                found.insert(path.join("::"));
                return at.max(1);
            }
        }
        is_first = false;
        if tokens.get(at + 1) != Some(&Token::Path) {
            found.insert(path.join("::"));
            return at + 1;
        }
        at += 2;
    }
}

/// Adds what one branch of a tree names.
fn branch<'t>(
    tokens: &[Token<'t>],
    at: usize,
    here: &[&'t str],
    path: &[&'t str],
    found: &mut BTreeSet<String>,
) -> usize {
    // At the crate's root, the path is empty and still no longer at its start.
    match tokens[at] {
        Token::Word(name) if path.is_empty() => {
            if tokens.get(at + 1) == Some(&Token::Path) {
                tree(tokens, at + 2, here, vec![name], found)
            } else {
                found.insert(name.to_owned());
                at + 1
            }
        }
        _ => tree(tokens, at, here, path.to_vec(), found).max(at + 1),
    }
}

#[test]
fn what_is_used_is_read_in_every_spelling() {
    let told = |module: &str, text: &str| uses(module, text).into_iter().collect::<Vec<_>>().join(" ");
    for (module, text, found) in [
        ("a", "use crate::b;\n", "b"),
        ("a", "pub(crate) use crate::b::c as d;\n", "b::c"),
        (
            "a",
            "use crate::{\n    b,\n    c::{self, d::{e, f as g}, h::*},\n};\n",
            "b c c::d::e c::d::f c::h",
        ),
        ("a", "fn x() { crate::\n    b\n    ::c(1); }\n", "b::c"),
        ("a::b::c", "use super::super::d::e;\n", "a::d::e"),
        ("a::b", "pub use super::super::{c, d::e};\n", "c d::e"),
        ("a::b", "use self::c::d;\nuse super::e;\n", "a::b::c::d a::e"),
        (
            "a::b",
            "mod c {\n    use super::d;\n    use crate::e;\n}\nuse super::f;\n",
            "a::b::d a::f e",
        ),
        (
            "a",
            "fn x<'l>(y: &'l crate::b::C<crate::d::E>) -> char { '\"' }\nuse crate::f;\n",
            "b::C d::E f",
        ),
        (
            "a",
            "const X: &str = \"crate::b\"; // crate::c\n/* crate::d /* crate::e */ */\nuse crate::f;\n",
            "f",
        ),
        (
            "a",
            "const X: &str = r#\"\"crate::b\"#;\nconst Y: char = '\\'';\nuse crate::f;\n",
            "f",
        ),
        (
            "a",
            "#[cfg(test)]\nmod tests {\n    use crate::b;\n}\nuse crate::c;\n",
            "c",
        ),
        ("a", "macro_rules! x { () => { $crate::b::c!() } }\n", "b::c"),
        ("a", "pub(crate) fn x() {}\npub(super) struct Y;\n", ""),
        ("a::b", "use super::*;\n", "a"),
    ] {
        assert_eq!(told(module, text), found, "{text}");
    }
}
