//! `clusterwright.lock`: which files are ours, by the hash of the bytes we wrote.
//!
//! Committed, sorted by path, one line a file, so that two branches merge unless they touch the same app. A line is
//! `<sha256>  <origin>@<template>  <path>`; the hash is taken over the bytes with LF line ends, and for SOPS files these are
//! ciphertext: no hash of a plaintext ever stands here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::ops::Range;

use sha2::Digest as _;

use crate::diag::{Aborted, Diagnostic, Diagnostics, counted};
use crate::sys::root::{Root, limits};
use crate::tree::RepoPath;

/// Name of the lock file, at the top of the user's repository.
pub const LOCK_FILE: &str = "clusterwright.lock";

/// First line, up to the format's version.
const HEADER: &str = "# clusterwright.lock, format ";

/// The format that this version reads and writes.
const FORMAT: u32 = 1;

/// What helps against a lock that cannot be read.
const REBUILD: &str = "or delete `clusterwright.lock` and run `clusterwright configure`: files that equal the render become ours again";

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Returns the hash of bytes as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the hash of a text after [`lf`], so that a checkout with CRLF has the same.
    pub fn of_text(bytes: &[u8]) -> Self {
        Self::of(&lf(bytes))
    }

    /// Returns the first 12 hex digits, enough to tell versions of one file apart.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }

    /// Reads 64 hex digits, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        for (i, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the bytes with each CRLF as LF; borrows when there is none.
pub fn lf(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'\r') {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    for (i, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(i + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    Cow::Owned(out)
}

/// Returns whether two texts are equal but for CRLF and LF.
pub fn same_text(a: &[u8], b: &[u8]) -> bool {
    a == b || lf(a) == lf(b)
}

/// What the lock knows about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEntry {
    /// Hash of the version that was last settled: written by us, or rendered when a person chose to keep theirs.
    pub hash: Sha256,
    /// The app that the file belongs to, as [`crate::tree::Origin::app`] names it.
    pub origin: String,
    /// What told the template's version, as [`crate::tree::Origin::fingerprint`]; `None` in older locks.
    pub fingerprint: Option<String>,
}

/// The files that are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The files, sorted by path.
    pub entries: BTreeMap<RepoPath, LockEntry>,
}

/// A line that cannot be read.
struct Problem {
    code: &'static str,
    span: Range<usize>,
    message: String,
    label: &'static str,
    help: String,
}

impl Lock {
    /// Reads a lock file. An empty text is an empty lock.
    ///
    /// # Errors
    /// When a line cannot be read; every such line is reported with its place.
    pub fn parse(text: &str, sink: &mut Diagnostics) -> Result<Self, Aborted> {
        let (lock, problems) = read(text);
        if problems.is_empty() {
            return Ok(lock);
        }
        let source = sink.sources.add(LOCK_FILE, text);
        let mut aborted = None;
        let more = problems.len().saturating_sub(TOLD);
        for (number, mut problem) in problems.into_iter().take(TOLD).enumerate() {
            if number + 1 == TOLD && more > 0 {
                let are = if more == 1 { "is" } else { "are" };
                let more = counted(more, "more line");
                problem.message = format!("{}; so {are} {more}", problem.message);
            }
            let finding = Diagnostic::error(problem.code, problem.message)
                .at(source.span(problem.span), problem.label)
                .help(problem.help)
                .help(REBUILD);
            aborted = Some(sink.abort(finding));
        }
        aborted.map_or(Ok(lock), Err)
    }

    /// Reads the lock of a repository; an empty one where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(root: &Root, diags: &mut Diagnostics) -> Result<Self, Aborted> {
        Self::parse(&read_text(root, diags)?, diags)
    }

    /// Reads a lock file without reporting; `None` when a line cannot be read.
    pub(crate) fn read_quietly(text: &str) -> Option<Self> {
        let (lock, problems) = read(text);
        problems.is_empty().then_some(lock)
    }

    /// Returns the text of the lock file.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "{HEADER}{FORMAT}\n\
             # The files that clusterwright wrote: SHA-256 (line ends as LF), app@template, path. Commit it; do not edit it.\n"
        );
        for (path, entry) in &self.entries {
            let fingerprint = entry.fingerprint.as_ref();
            let fingerprint = fingerprint.map(|text| format!("@{text}")).unwrap_or_default();
            writeln!(
                out,
                "{}  {}{fingerprint}  {path}",
                entry.hash,
                one_word(&entry.origin)
            )
            .expect("a string takes every text");
        }
        out
    }
}

/// Reads the text of a repository's lock; empty where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn read_text(root: &Root, diags: &mut Diagnostics) -> Result<String, Aborted> {
    match root.read_text_if_there(LOCK_FILE, limits::LOCK) {
        Ok(text) => Ok(text.unwrap_or_default()),
        Err(refused) => Err(diags.abort(refused.finding("read", LOCK_FILE))),
    }
}

/// Keeps an origin from breaking the columns.
pub(crate) fn one_word(origin: &str) -> String {
    let word: String = origin
        .chars()
        .map(|c| {
            if c.is_whitespace() || c.is_control() {
                '-'
            } else {
                c
            }
        })
        .collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

fn read(text: &str) -> (Lock, Vec<Problem>) {
    let mut lock = Lock::default();
    let mut problems = Vec::new();
    let mut in_conflict = false;
    for (span, line) in lines(text) {
        if is_marker(line) {
            if !in_conflict {
                problems.push(conflict(span));
            }
            in_conflict = !line.starts_with(">>>>>>>");
        } else if let Some(version) = line.strip_prefix(HEADER) {
            if version.trim().parse() != Ok(FORMAT) {
                problems.push(unknown_format(span, version.trim()));
                return (lock, problems);
            }
        } else if !line.starts_with('#') && !line.trim().is_empty() && !in_conflict {
            match entry(line) {
                Ok((path, entry)) => match lock.entries.get(&path) {
                    Some(other) if other.hash != entry.hash => problems.push(twice(span, &path)),
                    _ => {
                        lock.entries.insert(path, entry);
                    }
                },
                Err(why) => problems.push(bad_line(span, &why)),
            }
        }
    }
    (lock, problems)
}

fn is_marker(line: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
        .iter()
        .any(|marker| line.starts_with(marker))
}

/// Returns the first line with which git begins a side of a conflict.
pub fn git_marker(text: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") {
            return Some(at..at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

fn entry(line: &str) -> Result<(RepoPath, LockEntry), String> {
    let shape = || "a line is `<sha256>  <app>  <path>`, with two spaces between".to_owned();
    let (hash, rest) = line.split_once("  ").ok_or_else(shape)?;
    let (origin, path) = rest.split_once("  ").ok_or_else(shape)?;
    let hash = Sha256::parse(hash).ok_or_else(|| "the first column must be 64 hex digits".to_owned())?;
    let normal = RepoPath::parse(path).map_err(|error| error.to_string())?;
    if normal.as_str() != path {
        return Err(format!("the path must be written as `{normal}`"));
    }
    if origin.is_empty() {
        return Err(shape());
    }
    if origin.contains(is_unseen) {
        return Err("the second column has a character that cannot be seen".to_owned());
    }
    let (origin, fingerprint) = match origin.split_once('@') {
        Some((origin, fingerprint)) => (origin, Some(fingerprint.to_owned())),
        None => (origin, None),
    };
    let origin = origin.to_owned();
    let entry = LockEntry {
        hash,
        origin,
        fingerprint,
    };
    Ok((normal, entry))
}

/// Whether a character is invisible or changes what stands around it: control characters, the marks of writing direction,
/// and those without width (Unicode 16, general category Cf, as far as fonts and terminals obey them).
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// How many lines of one kind are told one by one; a lock that somebody forged may have as many as it likes.
const TOLD: usize = 20;

/// Says which lines of the lock count for nothing, and why; `text` is the lock's. Goes over it once, however many they are.
pub fn not_ours(text: &str, doubts: &[(RepoPath, &'static str)], diags: &mut Diagnostics) {
    if doubts.is_empty() {
        return;
    }
    let doubted: BTreeMap<&RepoPath, &str> = doubts.iter().map(|(path, why)| (path, *why)).collect();
    let lines = lines(text).filter_map(|(span, line)| {
        let (path, _) = entry(line).ok()?;
        let why = *doubted.get(&path)?;
        Some((span, path, why))
    });
    // A path may stand there twice.
    let mut seen = BTreeSet::new();
    let lines: Vec<_> = lines.filter(|(_, path, _)| seen.insert(path.clone())).collect();
    let source = diags.sources.add(LOCK_FILE, text);
    let (told, rest) = lines.split_at(lines.len().min(TOLD));
    let findings = told.iter().map(|(span, path, why)| {
        let message = format!("the lock lists `{path}`, and that line counts for nothing: {why}");
        (span, message)
    });
    let rest = rest.first().map(|(span, ..)| {
        let message = format!(
            "{} more lines of the lock count for nothing, from this one on",
            rest.len()
        );
        (span, message)
    });
    for (span, message) in findings.chain(rest) {
        diags.push(
            Diagnostic::warning("lock/not-ours", message)
                .at(source.span(span.clone()), "counts for nothing")
                .note("the file stays as it is, and the next run that writes drops the line")
                .help("delete the line; if the file is not wanted any more, delete it yourself"),
        );
    }
}

/// Returns the lines of a text with their places, without line ends.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line = whole.trim_end_matches(['\n', '\r']);
        let span = start..start + line.len();
        start += whole.len();
        (span, line)
    })
}

fn conflict(span: Range<usize>) -> Problem {
    Problem {
        code: "lock/conflict",
        span,
        message: "the lock has a merge conflict".to_owned(),
        label: "left by git",
        help:
            "take either side, `git checkout --theirs clusterwright.lock`, and run `clusterwright configure`"
                .to_owned(),
    }
}

fn unknown_format(span: Range<usize>, version: &str) -> Problem {
    Problem {
        code: "lock/unknown-format",
        span,
        message: format!("the lock has format `{version}`, this version reads format {FORMAT}"),
        label: "unknown format",
        help: "use the version of clusterwright that wrote it, or a newer one".to_owned(),
    }
}

fn twice(span: Range<usize>, path: &RepoPath) -> Problem {
    Problem {
        code: "lock/listed-twice",
        span,
        message: format!("`{path}` stands in the lock twice, with two hashes"),
        label: "the second one",
        help: "delete one of the two lines; a wrong choice only makes the file count as edited".to_owned(),
    }
}

fn bad_line(span: Range<usize>, why: &str) -> Problem {
    Problem {
        code: "lock/bad-line",
        span,
        message: format!("cannot read this line of the lock: {why}"),
        label: "not an entry",
        help: "restore the line with `git checkout clusterwright.lock`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn findings(text: &str) -> String {
        let mut sink = Diagnostics::default();
        match Lock::parse(text, &mut sink) {
            Ok(_) => String::new(),
            Err(_) => crate::diag::concise::render(&sink),
        }
    }

    fn sample() -> Lock {
        let mut lock = Lock::default();
        for (path, origin) in [("b c/ d.yaml", "media/jellyfin"), ("a.yaml", "repo")] {
            lock.entries.insert(
                RepoPath::parse(path).expect("valid"),
                LockEntry {
                    hash: Sha256::of_text(path.as_bytes()),
                    origin: origin.to_owned(),
                    fingerprint: (path == "a.yaml").then(|| "0123456789ab".to_owned()),
                },
            );
        }
        lock
    }

    #[test]
    fn is_sorted_with_one_line_a_file_and_reads_back() {
        let text = sample().to_text();
        assert_eq!(text.lines().count(), 4);
        assert!(
            text.lines()
                .nth(2)
                .is_some_and(|l| l.ends_with("  repo@0123456789ab  a.yaml"))
        );
        let mut sink = Diagnostics::default();
        assert_eq!(Lock::parse(&text, &mut sink), Ok(sample()));
        assert_eq!(Lock::parse(&text.replace('\n', "\r\n"), &mut sink), Ok(sample()));
        assert_eq!(Lock::parse("", &mut sink), Ok(Lock::default()));
    }

    #[test]
    fn findings_name_the_line_and_the_way_out() {
        let text = sample().to_text();
        let lines: Vec<&str> = text.lines().collect();
        let conflict = format!(
            "{}\n<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n",
            lines[0], lines[2], lines[3]
        );
        let found = findings(&conflict);
        assert!(
            found.starts_with("clusterwright.lock:2:1: error[lock/conflict]"),
            "{found}"
        );
        assert_eq!(found.lines().count(), 1, "{found}");
        assert!(findings("# clusterwright.lock, format 9\nwhatever\n").contains("format `9`"));
        assert!(findings("zz  repo  a\n").contains("64 hex digits"));
        let hash = Sha256::of(b"");
        for path in ["../x", "/x", ".git/config", "a//b", "./a", ""] {
            assert!(
                findings(&format!("{hash}  repo  {path}\n")).contains("bad-line"),
                "{path}"
            );
        }
        assert!(findings(&format!("{hash}  repo\n")).contains("two spaces"));
        let twice = format!("{hash}  repo  a\n{}  repo  a\n", Sha256::of(b"x"));
        assert!(findings(&twice).starts_with("clusterwright.lock:2:1: error[lock/listed-twice]"));
        assert_eq!(findings(&format!("{hash}  repo  a\n{hash}  repo  a\n")), "");
    }

    #[test]
    fn an_origin_shows_all_that_it_has() {
        let hash = Sha256::of(b"");
        for origin in ["a\u{1b}[31m/b", "a\u{202e}/b", "a/b@\u{200b}1", "a\u{7}"] {
            let found = findings(&format!("{hash}  {origin}  a\n"));
            assert!(found.contains("cannot be seen"), "{origin:?}: {found}");
        }
        assert_eq!(findings(&format!("{hash}  médîa/jellyfin@0123456789ab  a\n")), "");
    }

    #[test]
    fn a_line_that_counts_for_nothing_is_shown() {
        let mut sink = Diagnostics::default();
        let path = RepoPath::parse("a.yaml").expect("valid");
        not_ours(&sample().to_text(), &[(path, "because")], &mut sink);
        let found = crate::diag::concise::render(&sink);
        assert!(
            found.starts_with("clusterwright.lock:3:1: warning[lock/not-ours]"),
            "{found}"
        );
    }

    #[test]
    fn a_forged_lock_is_gone_over_once() {
        const LINES: usize = 20_000;
        let hash = Sha256::of(b"");
        let name = |number: usize| format!("far/{number:05}.yaml");
        let text: String = (0..LINES)
            .map(|number| format!("{hash}  media/x  {}\n", name(number)))
            .collect();
        let doubts: Vec<_> = (0..LINES)
            .map(|number| (RepoPath::parse(&name(number)).expect("valid"), "because"))
            .collect();
        let mut sink = Diagnostics::default();
        not_ours(&text, &doubts, &mut sink);
        let found = sink.sorted();
        assert_eq!(found.len(), TOLD + 1);
        let source = |finding: &Diagnostic| finding.primary.as_ref().map(|label| label.span.source);
        assert!(
            found.iter().all(|finding| source(finding) == source(found[0])),
            "its text is kept once"
        );
        let last = crate::diag::concise::render(&sink);
        let last = last.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("clusterwright.lock:21:1:") && last.contains("19980 more lines"),
            "{last}"
        );
        let bad = findings(&"zz  repo  a\n".repeat(LINES));
        assert_eq!(bad.lines().count(), TOLD);
        assert!(bad.contains("so are 19980 more lines"), "{bad}");
    }

    #[test]
    fn line_ends_do_not_change_the_hash() {
        assert_eq!(Sha256::of_text(b"a\r\nb\r\n"), Sha256::of_text(b"a\nb\n"));
        assert_ne!(Sha256::of_text(b"a\rb"), Sha256::of_text(b"ab"));
        assert!(same_text(b"a\r\n", b"a\n") && !same_text(b"a\r", b"a"));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::of(b"").to_string(), empty);
        assert_eq!(Sha256::parse(empty), Some(Sha256::of(b"")));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\PC|\n|  |[0-9a-f]{64}  repo  |<<<<<<<|# clusterwright.lock, format ){0,12}") {
            findings(&text);
        }
    }
}
