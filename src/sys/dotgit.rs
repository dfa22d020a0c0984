//! The names under which a file system finds git's own directory.
//!
//! Whatever is written there, git may run: hooks, `core.fsmonitor`, filters. A name that is `.git` on any system is
//! refused on every system, for a repository travels.
//!
//! The facts are those of git's `is_ntfs_dotgit` and `is_ntfs_dot_generic` (`path.c`) and of `is_hfs_dotgit` with
//! `next_hfs_char` (`utf8.c`).

/// Returns whether one part of a path names git's directory on some file system: `.git` in any case; with blanks, dots
/// or a stream (`::$INDEX_ALLOCATION`) behind it or as `git~1`, the short name, as NTFS takes it; with code points that
/// HFS+ ignores.
///
/// ```
/// use clusterwright::sys::dotgit::is_git_dir;
/// assert!(is_git_dir(".GIT") && is_git_dir("git~1") && is_git_dir(".git. ") && is_git_dir(".g\u{200c}it"));
/// assert!(!is_git_dir(".github") && !is_git_dir("git"));
/// ```
pub fn is_git_dir(part: &str) -> bool {
    is_at(part, ".git", "git~")
}

/// Returns whether one part of a path names `.gitmodules` on some file system. Git takes the URLs and paths of
/// submodules from there, some versions of it commands as well (CVE-2018-17456, `update = !command`).
pub fn is_git_modules(part: &str) -> bool {
    is_at(part, ".gitmodules", "gitmod~")
}

/// `short` is the beginning of the short names that NTFS gives, before the number.
fn is_at(part: &str, name: &str, short: &str) -> bool {
    // Most names are told from it by one letter.
    let cleaned: String;
    let part = if part.is_ascii() {
        part
    } else {
        cleaned = part.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
        &cleaned
    };
    let starts = |prefix: &str| {
        part.get(..prefix.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
    };
    if starts(name) {
        return ends_for_ntfs(&part[name.len()..]);
    }
    if !starts(short) {
        return false;
    }
    let rest = &part[short.len()..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && ends_for_ntfs(&rest[digits..])
}

/// Returns whether nothing follows that NTFS counts: it drops dots and blanks at the end, and takes what follows a
/// colon as a stream of the same file.
fn ends_for_ntfs(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '.']);
    rest.is_empty() || rest.starts_with(':')
}

/// The code points that HFS+ ignores when it compares names.
fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_known() {
        for part in [
            ".git",
            ".GIT",
            ".Git",
            "git~1",
            "GIT~1",
            "git~2",
            "git~10",
            ".git.",
            ".git ",
            ".git . .",
            "git~1 .",
            ".git::$INDEX_ALLOCATION",
            ".git:$I30:$INDEX_ALLOCATION",
            "git~1::$INDEX_ALLOCATION",
            ".git...:alternative-stream",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\u{206f}",
            ".\u{200d}g\u{202a}i\u{202e}T",
        ] {
            assert!(is_git_dir(part), "{part:?}");
        }
        for part in [
            "git",
            ".github",
            ".gitignore",
            ".gitattributes",
            ".gitkeep",
            "git~",
            "git~x",
            "git~1x",
            "x.git",
            ".git-x",
            ". git",
            "repo.git",
            "",
            "ä.git",
        ] {
            assert!(!is_git_dir(part), "{part:?}");
        }
    }

    #[test]
    fn the_list_of_submodules_is_known_too() {
        for part in [
            ".gitmodules",
            ".GitModules",
            "gitmod~1",
            ".gitmodules .",
            ".gitmodules:x",
            ".git\u{200c}modules",
        ] {
            assert!(is_git_modules(part), "{part:?}");
        }
        assert!(!is_git_modules(".gitmodules.yaml") && !is_git_modules("gitmodules"));
    }
}
