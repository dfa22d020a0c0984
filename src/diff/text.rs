//! Changes for people: unified hunks with the changed words marked, and keys alone for files that hold secrets.

use std::fmt::Write as _;
use std::time::Duration;

use similar::udiff::UnifiedHunkHeader;
use similar::{ChangeTag, DiffOp, TextDiff};

use super::{Change, ChangeKind, redact};
use crate::diag::screen::{self, AnsiColor, ScreenStyle as Ansi};
use crate::seal::Sealed;
use crate::tree::{RepoPath, Tree};
use crate::world::lock::lf;
use crate::world::{Existing, secrecy};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// After this time a diff may be longer than needed.
const DIFF_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether escape sequences are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// Text alone, as `diff -u` writes it.
    Plain,
    /// Colours, and marks on the words that changed.
    Styled,
}

/// Two versions of a file; `None` stands for no file.
#[derive(Debug, Clone, Copy)]
pub struct FileVersions<'a> {
    /// The path, for the header and to know SOPS files by.
    pub path: &'a RepoPath,
    /// The bytes before.
    pub old: Option<&'a [u8]>,
    /// The bytes after.
    pub new: Option<&'a [u8]>,
}

impl<'a> FileVersions<'a> {
    /// Returns what a change, or a conflict if the render won, does to the file; `None` when the bytes stay.
    pub fn of(change: &'a Change, tree: &'a Tree<Sealed>, existing: &'a Existing) -> Option<Self> {
        let path = &change.path;
        match change.kind {
            ChangeKind::Adopt | ChangeKind::Unchanged | ChangeKind::Kept | ChangeKind::Forget => None,
            _ => Some(Self {
                path,
                old: existing.bytes(path),
                new: tree.get(path).map(|artifact| artifact.text().as_bytes()),
            }),
        }
    }

    /// Returns whether only keys of the file may be told.
    pub fn is_sensitive(&self) -> bool {
        secrecy::is_sensitive(self.path, [self.old, self.new])
    }

    /// Returns how many lines come and go; `None` for files that are not text.
    pub fn line_counts(&self) -> Option<(usize, usize)> {
        let (old, new) = (text(self.old)?, text(self.new)?);
        let (mut added, mut removed) = (0, 0);
        for op in lines(&old, &new).ops() {
            if !matches!(op, DiffOp::Equal { .. }) {
                removed += op.old_range().len();
                added += op.new_range().len();
            }
        }
        Some((added, removed))
    }

    /// Renders the difference; empty when there is none but line ends. Never holds a value of a sensitive file.
    pub fn render(&self, style: Escapes) -> String {
        let paint = Paint(style);
        let mut out = String::new();
        if self.is_sensitive() {
            let diff = redact::compare(self.old, self.new);
            if !diff.keys.is_empty() || !diff.notes.is_empty() {
                self.header(paint, &mut out);
            }
            for key in &diff.keys {
                let line = format!("~ {} {}", screen::line(&key.key), key.change.word());
                paint.line(Ansi::of(AnsiColor::Yellow), &line, &mut out);
            }
            for note in &diff.notes {
                paint.line(Ansi::of(AnsiColor::Yellow), &format!("~ {note}"), &mut out);
            }
            return out;
        }
        let (Some(old), Some(new)) = (text(self.old), text(self.new)) else {
            self.header(paint, &mut out);
            out.push_str("~ not text, content changed\n");
            return out;
        };
        let diff = lines(&old, &new);
        let groups = diff.grouped_ops(CONTEXT);
        if !groups.is_empty() || self.old.is_some() != self.new.is_some() {
            self.header(paint, &mut out);
        }
        for group in &groups {
            let header = UnifiedHunkHeader::new(group).to_string();
            paint.line(Ansi::of(AnsiColor::Cyan), header.trim_end(), &mut out);
            for op in group {
                hunk(&diff, op, paint, &mut out);
            }
        }
        out
    }

    fn header(&self, paint: Paint, out: &mut String) {
        let name = |side: Option<&[u8]>, prefix: &str| match side {
            Some(_) => format!("{prefix}/{}", self.path),
            None => "/dev/null".to_owned(),
        };
        paint.line(Ansi::new().bold(), &format!("--- {}", name(self.old, "a")), out);
        paint.line(Ansi::new().bold(), &format!("+++ {}", name(self.new, "b")), out);
    }
}

/// Returns a side as text with LF; a missing side is empty, `None` is a side that is not UTF-8.
fn text(side: Option<&[u8]>) -> Option<String> {
    String::from_utf8(lf(side.unwrap_or_default()).into_owned()).ok()
}

fn lines<'a>(old: &'a str, new: &'a str) -> TextDiff<'a, 'a, str> {
    TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(old, new)
}

fn hunk(diff: &TextDiff<'_, '_, str>, op: &DiffOp, paint: Paint, out: &mut String) {
    if paint.0 == Escapes::Plain || matches!(op, DiffOp::Equal { .. }) {
        for change in diff.iter_changes(op) {
            paint.diff_line(change.tag(), &[(false, change.value())], out);
        }
        return;
    }
    for change in diff.iter_inline_changes(op) {
        paint.diff_line(change.tag(), change.values(), out);
    }
}

#[derive(Clone, Copy)]
struct Paint(Escapes);

impl Paint {
    fn piece(self, style: Ansi, text: &str, out: &mut String) {
        if self.0 == Escapes::Styled && style != Ansi::new() {
            write!(out, "{style}{text}{style:#}").expect("a string takes every text");
        } else {
            out.push_str(text);
        }
    }

    fn line(self, style: Ansi, text: &str, out: &mut String) {
        self.piece(style, text, out);
        out.push('\n');
    }

    fn diff_line(self, tag: ChangeTag, pieces: &[(bool, &str)], out: &mut String) {
        let (sign, style) = match tag {
            ChangeTag::Equal => (" ", Ansi::new()),
            ChangeTag::Delete => ("-", Ansi::of(AnsiColor::Red)),
            ChangeTag::Insert => ("+", Ansi::of(AnsiColor::Green)),
        };
        self.piece(style, sign, out);
        for (marked, piece) in pieces {
            let piece = screen::line(piece.strip_suffix('\n').unwrap_or(piece));
            let style = if *marked { style.bold().underline() } else { style };
            if !piece.is_empty() {
                self.piece(style, &piece, out);
            }
        }
        out.push('\n');
        if pieces.last().is_some_and(|(_, piece)| !piece.ends_with('\n')) {
            out.push_str("\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(path: &str, old: Option<&str>, new: Option<&str>, style: Escapes) -> String {
        let path = RepoPath::parse(path).expect("valid");
        let sides = FileVersions {
            path: &path,
            old: old.map(str::as_bytes),
            new: new.map(str::as_bytes),
        };
        sides.render(style)
    }

    #[test]
    fn hunks_are_those_of_diff_u() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let new = old.replace("b\n", "B\n").replace('j', "k");
        insta::assert_snapshot!(render("x.yaml", Some(old), Some(&new), Escapes::Plain), @r"
        --- a/x.yaml
        +++ b/x.yaml
        @@ -1,5 +1,5 @@
         a
        -b
        +B
         c
         d
         e
        @@ -7,4 +7,4 @@
         g
         h
         i
        -j
        +k
        ");
    }

    #[test]
    fn styled_hunks_mark_the_words() {
        let styled = render(
            "x.yaml",
            Some("image: a:1.2.3\n"),
            Some("image: a:1.3.0\n"),
            Escapes::Styled,
        );
        let styled = screen::shown(&styled, true);
        assert!(styled.contains("\u{1b}[1m\u{1b}[4m"), "{styled:?}");
        let stripped = anstream::adapter::strip_str(&styled).to_string();
        let plain = render(
            "x.yaml",
            Some("image: a:1.2.3\n"),
            Some("image: a:1.3.0\n"),
            Escapes::Plain,
        );
        assert_eq!(stripped, plain);
    }

    #[test]
    fn line_ends_are_no_difference_and_a_missing_newline_is_said() {
        assert_eq!(
            render("x", Some("a\r\nb\r\n"), Some("a\nb\n"), Escapes::Plain),
            ""
        );
        insta::assert_snapshot!(render("x", Some("a"), Some("a\n"), Escapes::Plain), @r"
        --- a/x
        +++ b/x
        @@ -1 +1 @@
        -a
        \ No newline at end of file
        +a
        ");
        assert_eq!(
            render("x", None, Some(""), Escapes::Plain),
            "--- /dev/null\n+++ b/x\n"
        );
    }

    #[test]
    fn secrets_are_told_by_key_alone() {
        let old = "stringData:\n  password: canary\n  user: canary2\n";
        let new = "stringData:\n  password: ENC[AES256_GCM,data:x]\nsops:\n  mac: y\n";
        for style in [Escapes::Plain, Escapes::Styled] {
            let shown = render("s.sops.yaml", Some(old), Some(new), style);
            assert!(!shown.contains("canary") && !shown.contains("ENC["), "{shown}");
        }
        insta::assert_snapshot!(render("s.sops.yaml", Some(old), Some(new), Escapes::Plain), @r"
        --- a/s.sops.yaml
        +++ b/s.sops.yaml
        ~ stringData.password changed
        ~ stringData.user removed
        ~ now encrypted
        ");
    }

    #[test]
    fn control_characters_are_spelled_out() {
        let shown = render("x", Some("a\n"), Some("\u{1b}[31mred\u{202e}\n"), Escapes::Plain);
        assert!(shown.contains("+\\u{1b}[31mred\\u{202e}"), "{shown}");
    }
}
