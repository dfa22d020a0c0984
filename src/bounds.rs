//! What a template may take: work, memory and time. Templates of a repository are somebody's text, so none may hang the
//! program or fill the memory, by mistake or on purpose.
//!
//! A limit is counted while a template is rendered, on the thread that does it: [`BoundedRender::start`] opens an account, and what
//! the engines are made to call ([`step`], [`write()`], [`value`]) draws on it. The first limit that is met is kept, so that
//! the finding can name it ([`BoundedRender::limit`]). Each is far above what any tree needs: the largest file of the library has
//! 60 KiB, and the most loops of one template go over nodes, some thousands at the very most.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::diag::Diagnostic;

/// Most rounds of loops of one template, and most templates, blocks and components that it enters. A `range` may have a
/// tenth of it, in both engines.
pub const MAX_STEPS: u64 = 1_000_000;

/// Most instructions of one Jinja2 template: a round of a loop takes about ten.
pub const MAX_INSTRUCTIONS: u64 = 10_000_000;

/// Most bytes that one template writes, wherever it writes them: a file, or a value that it captures. Flux refuses
/// artifacts of more than 50 MiB in all, and etcd objects of more than 1.5 MiB.
pub const MAX_BYTES: u64 = 64 << 20;

/// Largest value that a template may hold, in bytes: its texts, and [`NODE`] for every part. More than one object of
/// Kubernetes can be (etcd takes 1.5 MiB).
pub const MAX_VALUE: usize = 2 << 20;

/// What every part of a value counts, beside its text.
pub const NODE: usize = 16;

/// Deepest nesting of a value, for printing and dropping one takes a call for every level.
pub const MAX_DEPTH: usize = 64;

/// Most operators of one tag that make a value longer (`~`, spread, slices; in Jinja2 `+`), for each may add a value of
/// [`MAX_VALUE`] before the tag is done and can be measured.
pub const MAX_JOINS: usize = 32;

/// Most filters of one Tera tag, for each may make a value of [`MAX_VALUE`].
pub const MAX_FILTERS: usize = 64;

/// Most operators of one expression of a Jinja2 tag, and of the whole tag: the parser and the compiler take a call for each
/// that stands behind another. In Tera there are at most 256.
pub const MAX_OPERATORS: (usize, usize) = (128, 1000);

/// Most tags of one template.
pub const MAX_TAGS: usize = 20_000;

/// Most words and symbols of one tag: what looks at a tag may look at each of them from each.
pub const MAX_WORDS: usize = 4000;

/// Most `elif`s of one `if`: the parser takes a call for each.
pub const MAX_BRANCHES: usize = 100;

/// Longest chain of templates that include or extend each other: rendering takes a call for each.
pub const MAX_CHAIN: usize = 16;

/// Most time that slow templates of a run may take together; the last resort, for what the counts leave possible.
const MAX_TIME: Duration = Duration::from_secs(5);

/// What a template may take before it counts as slow. The whole library takes less, also on a machine that is busy.
const QUICK: Duration = Duration::from_millis(500);

/// A limit that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What happened, as the end of "the template …".
    pub what: String,
    /// Why there is such a limit, and what to do.
    help: &'static str,
}

impl Limit {
    /// Returns the finding, without a place.
    pub fn finding(&self) -> Diagnostic {
        Diagnostic::error("template/limit", format!("the template {}", self.what))
            .note("templates come with a repository, so what one may take is bounded; no file of a cluster comes near it")
            .help(self.help)
    }

    /// A tag with more operators that make values longer than [`MAX_JOINS`].
    pub fn joins() -> Self {
        Self {
            what: format!("joins more than {MAX_JOINS} parts in one tag"),
            help: "set parts of it before, or use a `set` block",
        }
    }

    /// A tag with more than [`MAX_WORDS`] words.
    pub fn words() -> Self {
        Self {
            what: format!("has a tag of more than {MAX_WORDS} words"),
            help: "put the data into `vars:` of cluster.yaml",
        }
    }

    /// A tag with more filters than [`MAX_FILTERS`].
    pub fn filters() -> Self {
        Self {
            what: format!("applies more than {MAX_FILTERS} filters in one tag"),
            help: "set parts of it before",
        }
    }

    /// A tag with more operators than [`MAX_OPERATORS`].
    pub fn operators() -> Self {
        Self {
            what: format!(
                "has an expression of more than {} operators, or a tag of more than {}",
                MAX_OPERATORS.0, MAX_OPERATORS.1
            ),
            help: "set parts of it before",
        }
    }

    /// More than [`MAX_TAGS`] tags.
    pub fn tags() -> Self {
        Self {
            what: format!("has more than {MAX_TAGS} tags"),
            help: "split it, or loop over data",
        }
    }

    /// An `if` with more than [`MAX_BRANCHES`] `elif`s.
    pub fn branches() -> Self {
        Self {
            what: format!("has an `if` with more than {MAX_BRANCHES} `elif`s"),
            help: "look the value up in a mapping",
        }
    }

    /// More than [`MAX_CHAIN`] templates that include each other.
    pub fn chain() -> Self {
        Self {
            what: format!(
                "starts a chain of more than {MAX_CHAIN} templates that include or extend each other"
            ),
            help: "include them side by side",
        }
    }

    /// A Jinja2 template without an end.
    pub fn instructions() -> Self {
        Self {
            what: format!("takes more than {MAX_INSTRUCTIONS} steps"),
            help: "look for loops inside of loops, and for macros that call themselves",
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the template {}", self.what)
    }
}

#[derive(Default)]
struct Account {
    steps: u64,
    bytes: u64,
    /// When the template has to be done.
    until: Option<Instant>,
    limit: Option<Limit>,
}

thread_local! {
    static ACCOUNT: RefCell<Account> = RefCell::default();
}

/// Time that slow templates of a run have taken together, in milliseconds.
#[derive(Debug, Default)]
pub struct Slow(AtomicU64);

/// The rendering of one template.
pub struct BoundedRender<'a> {
    slow: &'a Slow,
    started: Instant,
}

impl<'a> BoundedRender<'a> {
    /// Opens an account for a template.
    pub fn start(slow: &'a Slow) -> Self {
        let started = Instant::now();
        let left = MAX_TIME.saturating_sub(Duration::from_millis(slow.0.load(Ordering::Relaxed)));
        ACCOUNT.with_borrow_mut(|account| {
            *account = Account {
                until: Some(started + QUICK + left),
                ..Account::default()
            };
        });
        Self { slow, started }
    }

    /// Returns the limit that was met, if one was.
    pub fn limit(&self) -> Option<Limit> {
        ACCOUNT.with_borrow_mut(|account| account.limit.take())
    }
}

impl Drop for BoundedRender<'_> {
    fn drop(&mut self) {
        let taken = self.started.elapsed().saturating_sub(QUICK);
        let millis = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        self.slow.0.fetch_add(millis, Ordering::Relaxed);
        ACCOUNT.with_borrow_mut(|account| account.until = None);
    }
}

fn draw(spend: impl FnOnce(&mut Account) -> Option<Limit>) -> Result<(), Limit> {
    ACCOUNT.with_borrow_mut(|account| {
        let mut met = spend(account);
        if met.is_none() && account.until.is_some_and(|until| Instant::now() > until) {
            met = Some(Limit {
                what: "takes too long".to_owned(),
                help: "look for loops inside of loops, and for large values that are compared",
            });
        }
        match met {
            Some(limit) => {
                account.limit.get_or_insert_with(|| limit.clone());
                Err(limit)
            }
            None => Ok(()),
        }
    })
}

/// Counts rounds of a loop.
///
/// # Errors
/// When there were more than [`MAX_STEPS`], or the time is over.
pub fn step(count: u64) -> Result<(), Limit> {
    draw(|account| {
        account.steps = account.steps.saturating_add(count);
        (account.steps > MAX_STEPS).then(|| Limit {
            what: format!("goes through more than {MAX_STEPS} rounds of loops"),
            help: "look for loops inside of loops, and for large ranges",
        })
    })
}

/// Counts bytes that are written.
///
/// # Errors
/// When there were more than [`MAX_BYTES`], or the time is over.
pub fn write(count: u64) -> Result<(), Limit> {
    draw(|account| {
        account.bytes = account.bytes.saturating_add(count);
        (account.bytes > MAX_BYTES).then(|| Limit {
            what: format!("writes more than {} MiB", MAX_BYTES >> 20),
            help: "look for loops that write, and for values that grow in them",
        })
    })
}

/// Checks the size of a value that is to be held.
///
/// # Errors
/// When it is more than [`MAX_VALUE`], or the time is over.
pub fn value(size: usize) -> Result<(), Limit> {
    draw(|_| {
        (size > MAX_VALUE).then(|| Limit {
            what: format!("makes a value of more than {} MiB", MAX_VALUE >> 20),
            help: "look for a value that is made longer again and again",
        })
    })
}

/// Refuses a value that is nested too deeply.
///
/// # Errors
/// When it is deeper than [`MAX_DEPTH`].
pub fn depth(depth: usize) -> Result<(), Limit> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    draw(|_| {
        Some(Limit {
            what: format!("nests a value deeper than {MAX_DEPTH} levels"),
            help: "look for a list or mapping that is put into itself",
        })
    })
}

/// Checks the size of what a filter would give before it is made.
///
/// # Errors
/// As [`value`] and [`write()`].
pub fn made(size: usize) -> Result<(), Limit> {
    value(size)?;
    write(size as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_limit_is_kept_and_each_template_starts_anew() {
        let slow = Slow::default();
        {
            let run = BoundedRender::start(&slow);
            assert_eq!(step(MAX_STEPS), Ok(()));
            assert!(step(1).is_err() && write(u64::MAX).is_err());
            assert!(run.limit().expect("met").what.contains("rounds"));
        }
        let run = BoundedRender::start(&slow);
        assert_eq!(step(1), Ok(()));
        assert_eq!(value(MAX_VALUE), Ok(()));
        assert!(value(MAX_VALUE + 1).is_err());
        assert!(run.limit().expect("met").what.contains("2 MiB"));
        assert!(depth(MAX_DEPTH).is_ok() && depth(MAX_DEPTH + 1).is_err());
    }

    #[test]
    fn slow_templates_share_what_time_there_is() {
        let slow = Slow(AtomicU64::new(60_000));
        let run = BoundedRender::start(&slow);
        let mut rounds = 0_u64;
        while step(0).is_ok() {
            rounds += 1;
            assert!(rounds < 1 << 40, "the time ends");
        }
        assert_eq!(run.limit().expect("met").what, "takes too long");
    }
}
