//! The plan of a transaction as it stands on the disk.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::mark::MachineMark;
use crate::tree::RepoPath;
use crate::world::lock::Sha256;

/// First line; an unknown format is not carried out.
const HEADER: &str = "clusterwright transaction, format 3";

/// First line of an older version's plan, which names no mark: it is read to tell what it holds, and not carried out.
const HEADER_2: &str = "clusterwright transaction, format 2";

/// Second line of a plan whose copies are kept.
const KEEP: &str = "then keep the copies";

/// Second line of the plan of an undo.
const FORGET: &str = "then forget the copies";

/// One file of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WriteStep {
    /// The file.
    pub path: RepoPath,
    /// Hash of its bytes before, `None` when it was not there.
    pub old: Option<Sha256>,
    /// Hash of its bytes after, `None` when it goes.
    pub new: Option<Sha256>,
}

/// What becomes of the copies once a transaction is through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Then {
    /// They and the plan are the new undo record.
    #[default]
    Keep,
    /// It was an undo: they go, and so does the record that it used up.
    Forget,
}

/// What a transaction does, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Transaction {
    /// What becomes of the copies.
    pub then: Then,
    /// The files; the number of a step names its staged files.
    pub steps: Vec<WriteStep>,
    /// Directories that are not there before, to be removed if the transaction is undone.
    pub new_dirs: BTreeSet<String>,
    /// Directories to be removed at the end, if they are empty then.
    pub gone_dirs: BTreeSet<String>,
}

impl Transaction {
    /// Returns the text: what comes then, the mark, one line a step, one a directory, and the hash of it all, which tells
    /// a whole plan from a torn one.
    pub(super) fn to_text(&self, mark: &MachineMark) -> String {
        let then = match self.then {
            Then::Keep => KEEP,
            Then::Forget => FORGET,
        };
        let mut out = format!("{HEADER}\n{then}\nmark {mark}\n");
        let hash = |hash: Option<Sha256>| hash.map_or_else(|| "-".to_owned(), |hash| hash.to_string());
        for step in &self.steps {
            writeln!(out, "file {} {} {}", hash(step.old), hash(step.new), step.path)
                .expect("a string takes every text");
        }
        for (word, dirs) in [("dir", &self.new_dirs), ("gone", &self.gone_dirs)] {
            for dir in dirs {
                writeln!(out, "{word} {dir}").expect("a string takes every text");
            }
        }
        let end = Sha256::of(out.as_bytes());
        writeln!(out, "end {end}").expect("a string takes every text");
        out
    }

    /// Reads a plan and the mark that it names, which older ones lack; `None` when it is torn, damaged or of another
    /// format.
    pub(super) fn parse(text: &str) -> Option<(Self, Option<MachineMark>)> {
        let (body, end) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let body = format!("{body}\n");
        if Sha256::parse(end.strip_prefix("end ")?)? != Sha256::of(body.as_bytes()) {
            return None;
        }
        let mut lines = body.lines();
        let has_mark = match lines.next()? {
            HEADER => true,
            HEADER_2 => false,
            _ => return None,
        };
        let then = match lines.next()? {
            KEEP => Then::Keep,
            FORGET => Then::Forget,
            _ => return None,
        };
        let mark = if has_mark {
            Some(MachineMark::parse(lines.next()?.strip_prefix("mark ")?)?)
        } else {
            None
        };
        let mut plan = Self {
            then,
            ..Self::default()
        };
        let dir = |dir: &str| Some(RepoPath::parse(dir).ok()?.as_str().to_owned());
        for line in lines {
            if let Some(made) = line.strip_prefix("dir ") {
                plan.new_dirs.insert(dir(made)?);
            } else if let Some(gone) = line.strip_prefix("gone ") {
                plan.gone_dirs.insert(dir(gone)?);
            } else {
                let mut columns = line.strip_prefix("file ")?.splitn(3, ' ');
                let (old, new) = (hash(columns.next()?)?, hash(columns.next()?)?);
                let path = RepoPath::parse(columns.next()?).ok()?;
                plan.steps.push(WriteStep { path, old, new });
            }
        }
        Some((plan, mark))
    }
}

/// Returns the directories above a path, topmost first.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(i, _)| &path[..i])
}

/// `None` when the text is no hash, `Some(None)` for `-`.
#[expect(clippy::option_option, reason = "a bad hash and no hash are two things")]
fn hash(text: &str) -> Option<Option<Sha256>> {
    if text == "-" {
        return Some(None);
    }
    Sha256::parse(text).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Transaction {
        let step = |path: &str, old: bool, new: bool| WriteStep {
            path: RepoPath::parse(path).expect("valid"),
            old: old.then(|| Sha256::of(b"old")),
            new: new.then(|| Sha256::of(b"new")),
        };
        Transaction {
            then: Then::Forget,
            steps: vec![
                step("a/b/gone", true, false),
                step("a/ c.yaml", true, true),
                step("d", false, true),
            ],
            new_dirs: ["x".to_owned(), "x/y z".to_owned()].into(),
            gone_dirs: ["a".to_owned(), "a/b".to_owned()].into(),
        }
    }

    fn mark() -> MachineMark {
        MachineMark::parse("1234 1795000000.000000042").expect("a mark")
    }

    #[test]
    fn reads_back() {
        assert_eq!(
            Transaction::parse(&sample().to_text(&mark())),
            Some((sample(), Some(mark())))
        );
        let kept = Transaction {
            then: Then::Keep,
            ..sample()
        };
        assert_eq!(
            Transaction::parse(&kept.to_text(&mark())),
            Some((kept, Some(mark())))
        );
    }

    #[test]
    fn an_older_plan_is_told_from_ours() {
        let text = sample().to_text(&mark());
        let body = text.split_once("end ").expect("an end").0;
        let sign = |body: &str| format!("{body}end {}\n", Sha256::of(body.as_bytes()));
        let older = body.replace(HEADER, HEADER_2);
        let without = older.replace(&format!("mark {}\n", mark()), "");
        assert_eq!(Transaction::parse(&sign(&without)), Some((sample(), None)));
        assert_eq!(
            Transaction::parse(&sign(&older)),
            None,
            "an older one has no mark"
        );
        assert_eq!(
            Transaction::parse(&sign(&body.replace("mark ", "mork "))),
            None,
            "ours has one"
        );
    }

    #[test]
    fn a_torn_or_changed_plan_is_none() {
        let text = sample().to_text(&mark());
        for end in 0..text.len() {
            assert_eq!(Transaction::parse(&text[..end]), None, "cut at {end}");
        }
        assert_eq!(Transaction::parse(&text.replace("a/b/gone", "a/b/gond")), None);
        let outside = format!("{HEADER}\n{KEEP}\nmark {}\nfile - - ../x\n", mark());
        let signed = format!("{outside}end {}\n", Sha256::of(outside.as_bytes()));
        assert_eq!(Transaction::parse(&signed), None, "leads out of the repository");
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\PC|\n|file |dir |gone |then |mark |end |- ){0,10}") {
            Transaction::parse(&text);
        }
    }
}
