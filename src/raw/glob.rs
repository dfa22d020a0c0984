//! Patterns for paths, as Python's `pathlib` understands them.

/// Returns whether one part of a path fits a pattern with `*`, `?` and `[…]`.
fn part(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => {
            let rest = &rest[rest.iter().take_while(|c| **c == '*').count()..];
            (0..=name.len()).any(|skip| part(rest, &name[skip..]))
        }
        Some(('?', rest)) => !name.is_empty() && part(rest, &name[1..]),
        Some(('[', rest)) if rest.iter().skip(1).any(|c| *c == ']') && !name.is_empty() => {
            let end = 1 + rest.iter().skip(1).position(|c| *c == ']').unwrap_or_default();
            let (negated, set) = match rest.first() {
                Some('!') => (true, &rest[1..end]),
                _ => (false, &rest[..end]),
            };
            let mut found = false;
            let mut at = 0;
            while at < set.len() {
                if at + 2 < set.len() && set[at + 1] == '-' {
                    found |= (set[at]..=set[at + 2]).contains(&name[0]);
                    at += 3;
                } else {
                    found |= set[at] == name[0];
                    at += 1;
                }
            }
            found != negated && part(&rest[end + 1..], &name[1..])
        }
        Some((c, rest)) => name.first() == Some(c) && part(rest, &name[1..]),
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<char>>();
    part(&chars(pattern), &chars(name))
}

/// `Path.match`: the last parts of a path fit the pattern's.
pub(super) fn matches_end(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.trim_start_matches("./").split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    path.len() >= pattern.len()
        && pattern
            .iter()
            .rev()
            .zip(path.iter().rev())
            .all(|(pattern, part)| fits(pattern, part))
}

/// `Path.glob`: the whole path fits, and `**` stands for any folders.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    fn go(pattern: &[&str], path: &[&str]) -> bool {
        match pattern.split_first() {
            None => path.is_empty(),
            Some((&"**", [])) => !path.is_empty(),
            Some((&"**", rest)) => (0..=path.len()).any(|skip| go(rest, &path[skip..])),
            Some((first, rest)) => path.first().is_some_and(|part| fits(first, part)) && go(rest, &path[1..]),
        }
    }
    let pattern: Vec<&str> = pattern.trim_start_matches("./").split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    go(&pattern, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_python() {
        for (pattern, path, expected) in [
            ("*.partial.yaml.j2", "a/b/x.partial.yaml.j2", true),
            ("*.partial.yaml.j2", "a/b/x.yaml.j2", false),
            ("b/*.j2", "a/b/x.j2", true),
            ("a/*.j2", "a/b/x.j2", false),
            ("[!a]?.txt", "bc.txt", true),
            ("[a-c]*", "x/cde", true),
        ] {
            assert_eq!(matches_end(pattern, path), expected, "{pattern} {path}");
        }
        for (pattern, path, expected) in [
            ("**/*", "a", true),
            ("**/*", "a/b/c", true),
            ("*.j2", "a/b.j2", false),
            ("a/**/*.j2", "a/x/y/b.j2", true),
            ("**/talos/*", "x/talos/y", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
