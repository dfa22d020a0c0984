//! Patterns for paths, as Python's `pathlib` understands them.

/// Returns whether one part of a path fits a pattern with `*`, `?` and `[…]`.
///
/// Only the last `*` is ever tried again: what an earlier one takes less, it can take more. So the work is at most the
/// length of the pattern times that of the name.
fn part(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where the pattern goes on behind the last `*`, and how much of the name that has taken.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        let rest = &pattern[at..];
        if rest.first() == Some(&'*') {
            at += 1;
            star = Some((at, seen));
        } else if let Some(length) = one(rest, name[seen]) {
            at += length;
            seen += 1;
        } else if let Some((behind, taken)) = &mut star {
            *taken += 1;
            (at, seen) = (*behind, *taken);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// Returns how much of a pattern stands for a character; `None` where its start does not fit.
fn one(pattern: &[char], name: char) -> Option<usize> {
    let (first, rest) = pattern.split_first()?;
    match first {
        '?' => Some(1),
        '[' if rest.iter().skip(1).any(|c| *c == ']') => {
            let end = 1 + rest.iter().skip(1).position(|c| *c == ']').unwrap_or_default();
            let (negated, set) = match rest.first() {
                Some('!') => (true, &rest[1..end]),
                _ => (false, &rest[..end]),
            };
            let mut found = false;
            let mut at = 0;
            while at < set.len() {
                if at + 2 < set.len() && set[at + 1] == '-' {
                    found |= (set[at]..=set[at + 2]).contains(&name);
                    at += 3;
                } else {
                    found |= set[at] == name;
                    at += 1;
                }
            }
            (found != negated).then_some(end + 2)
        }
        first => (*first == name).then_some(1),
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

/// `Path.glob`: the whole path fits, and `**` stands for any folders. Only the last `**` is ever tried again.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.trim_start_matches("./").split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < path.len() {
        match pattern.get(at) {
            Some(&"**") => {
                at += 1;
                star = Some((at, seen));
                // At the end it stands for at least one part.
                if at == pattern.len() {
                    return true;
                }
            }
            Some(first) if fits(first, path[seen]) => {
                at += 1;
                seen += 1;
            }
            _ => match &mut star {
                Some((behind, taken)) => {
                    *taken += 1;
                    (at, seen) = (*behind, *taken);
                }
                None => return false,
            },
        }
    }
    // `a/**` does not fit `a` itself.
    at == pattern.len()
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
            ("*a*b", "xaybzb", true),
            ("*a*b", "xaybz", false),
            ("**", "x", true),
            ("a[", "a[", true),
            ("[]]x", "]x", true),
            ("a*", "a", true),
        ] {
            assert_eq!(matches_end(pattern, path), expected, "{pattern} {path}");
        }
        for (pattern, path, expected) in [
            ("**/*", "a", true),
            ("**/*", "a/b/c", true),
            ("*.j2", "a/b.j2", false),
            ("a/**/*.j2", "a/x/y/b.j2", true),
            ("**/talos/*", "x/talos/y", true),
            ("**/talos/*", "x/talos/y/z", false),
            ("a/**", "a", false),
            ("a/**", "a/b", true),
            ("**/a/**/b", "a/x/a/y/b", true),
            ("**/a/**/b", "a/x/b/c", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_more_than_its_length_times_the_path() {
        let name = "a".repeat(20_000);
        let pattern = "*a".repeat(2000) + "b";
        assert!(!matches_end(&pattern, &name));
        assert!(matches_end(&"*a".repeat(2000), &name));
        let path = "a/".repeat(2000) + "c";
        assert!(!matches(&("**/a/".repeat(500) + "b"), &path));
        assert!(matches(&("**/a/".repeat(500) + "c"), &path));
    }
}
