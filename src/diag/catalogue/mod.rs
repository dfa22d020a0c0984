//! Every code that a finding can have, with what it means and how to mend it.
//!
//! One text a topic, `catalogue/<topic>.md`. An entry is its head, `# <code> <level>`, with `retired` behind it when only
//! earlier versions printed it, then a line that says what is wrong, then what somebody at a terminal wants to know. The
//! rules over the tree ([`crate::check::rules`]) document themselves: their names are codes, too. A test compares the
//! table with the sources.

use std::sync::LazyLock;

use super::Severity;

/// What `explain` knows of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeEntry {
    /// The code, `topic/what-is-wrong`.
    pub code: &'static str,
    /// How bad the worst finding of this code is.
    pub level: Severity,
    /// Whether only earlier versions printed it.
    pub is_retired: bool,
    /// What is wrong, in a line without full stop.
    pub summary: &'static str,
    /// What it means, why it stops or does not, and how to mend it.
    pub docs: &'static str,
}

/// The texts of the topics, sorted.
const TOPICS: [&str; 30] = [
    include_str!("adopt.md"),
    include_str!("cli.md"),
    include_str!("config.md"),
    include_str!("demo.md"),
    include_str!("diff.md"),
    include_str!("dns.md"),
    include_str!("explain.md"),
    include_str!("foreign.md"),
    include_str!("git.md"),
    include_str!("init.md"),
    include_str!("internal.md"),
    include_str!("io.md"),
    include_str!("lock.md"),
    include_str!("merge.md"),
    include_str!("new-app.md"),
    include_str!("path.md"),
    include_str!("plan.md"),
    include_str!("pool.md"),
    include_str!("raw.md"),
    include_str!("render.md"),
    include_str!("resolve.md"),
    include_str!("seal.md"),
    include_str!("secret.md"),
    include_str!("secrets.md"),
    include_str!("side.md"),
    include_str!("template.md"),
    include_str!("undo.md"),
    include_str!("usage.md"),
    include_str!("version.md"),
    include_str!("write.md"),
];

/// Returns all entries, sorted by code.
pub fn all() -> &'static [CodeEntry] {
    static ALL: LazyLock<Vec<CodeEntry>> =
        LazyLock::new(|| TOPICS.iter().flat_map(|text| entries(text)).collect());
    &ALL
}

/// Returns the entry of a code.
pub fn find(code: &str) -> Option<&'static CodeEntry> {
    all().iter().find(|entry| entry.code == code)
}

fn entries(text: &'static str) -> impl Iterator<Item = CodeEntry> {
    let text = text.strip_prefix("# ").unwrap_or(text);
    text.split("\n# ").filter_map(entry)
}

fn entry(text: &'static str) -> Option<CodeEntry> {
    let (head, rest) = text.split_once("\n\n")?;
    let (summary, docs) = rest.split_once("\n\n")?;
    let mut words = head.split(' ');
    Some(CodeEntry {
        code: words.next()?,
        level: match words.next()? {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            "note" => Severity::Note,
            _ => return None,
        },
        is_retired: match words.next() {
            None => false,
            Some("retired") => true,
            Some(_) => return None,
        },
        summary,
        docs: docs.trim_end(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_whole_and_sorted() {
        let heads: Vec<&str> = TOPICS
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.strip_prefix("# "))
            .filter_map(|head| head.split(' ').next())
            .collect();
        let codes: Vec<&str> = all().iter().map(|entry| entry.code).collect();
        assert_eq!(codes, heads, "no entry was left out");
        assert!(codes.is_sorted_by(|a, b| a < b), "sorted, and each once");
        for text in TOPICS {
            let topics = entries(text).map(|entry| entry.code.split('/').next());
            let topics: std::collections::BTreeSet<_> = topics.collect();
            assert_eq!(topics.len(), 1, "one topic a text: {topics:?}");
        }
        for CodeEntry {
            code, summary, docs, ..
        } in all()
        {
            assert!(
                !summary.contains('\n') && summary.len() <= 120,
                "{code}: {summary}"
            );
            assert!(
                !summary.ends_with(['.', ' ']) && !summary.is_empty(),
                "{code}: {summary}"
            );
            assert!(
                docs.len() > summary.len(),
                "{code}: says no more than its summary"
            );
            assert!(
                docs.ends_with('.') || docs.ends_with(['`', ':']),
                "{code}: {docs}"
            );
        }
    }

    #[test]
    fn a_malformed_entry_is_none() {
        assert!(entry("a/b error\n\nsummary\n\ndocs\n").is_some());
        for wrong in [
            "a/b\n\nsummary\n\ndocs",
            "a/b fatal\n\ns\n\nd",
            "a/b error\n\ns",
            "a/b error old\n\ns\n\nd",
        ] {
            assert_eq!(entry(wrong), None, "{wrong}");
        }
    }
}
