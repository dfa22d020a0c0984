//! The copy of a configuration file that findings may quote.
//!
//! A secret must not appear in it even when the file does not parse, when a secret's key is misspelt, or when a line
//! break between two keys is lost. So nothing is shown because it looks harmless; a line is shown only because it
//! starts with a key of the schema that is not secret, stands where that key may stand, and goes on with a value that
//! hides no second key. Everything else becomes `*`, byte for byte, so that offsets hold.
//!
//! Comments are masked as well: people keep old tokens in them, and no finding needs them.

use indexmap::IndexMap;

use super::schema::{KeyKind, Keys};
use super::unsupported;

/// How similar (0 to 1, Jaro-Winkler) a key must be to one of the schema for its name to be shown, and suggested.
pub(crate) const SIMILAR: f64 = 0.85;

/// How many unknown keys are looked at for whether they read like a name; the rest is masked. A file with more is not a
/// configuration, and looking is slow.
const MAX_UNKNOWN_KEYS: usize = 500;

/// Returns a copy of the same length in bytes, in which everything that might be secret is `*`. `keys` are those that
/// the file may hold.
pub fn mask(text: &str, keys: &Keys) -> String {
    let mut masker = Masker {
        keys,
        entries: None,
        choices: None,
        opaque: None,
        list: None,
        unknown: 0,
        out: String::with_capacity(text.len()),
    };
    for line in text.split_inclusive('\n') {
        masker.line(line);
    }
    masker.out
}

struct Masker<'k> {
    keys: &'k Keys,
    /// What the current top-level key's entries look like, when it is a list of mappings.
    entries: Option<Entries<'k>>,
    /// Where the lines of `apps` stand, while they go on.
    choices: Option<Choices>,
    /// Lines indented deeper than this, and list items indented as much, belong to a value that is not shown.
    opaque: Option<usize>,
    /// The indentation of the key whose list items follow.
    list: Option<usize>,
    /// How many unknown keys there were.
    unknown: usize,
    out: String,
}

/// The lines below `apps`: names of apps, and below each its choices.
#[derive(Clone, Copy, Default)]
struct Choices {
    /// The column of the names, once there was one.
    name: Option<usize>,
    /// The column of the current app's keys, once there was one.
    key: Option<usize>,
}

/// The entries of a list of mappings.
#[derive(Clone, Copy)]
struct Entries<'k> {
    keys: &'k IndexMap<String, KeyKind>,
    /// The column of every entry's dash, once there was one.
    dash: Option<usize>,
    /// The column of the current entry's keys, once there was one.
    column: Option<usize>,
}

impl Masker<'_> {
    fn line(&mut self, line: &str) {
        let content = line.trim_end_matches(['\n', '\r']);
        let ending = &line[content.len()..];
        self.content(content);
        self.out.push_str(ending);
    }

    fn content(&mut self, line: &str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        self.out.push_str(&line[..indent]);
        if text.trim().is_empty() || text == "---" {
            self.out.push_str(text);
            return;
        }
        let dash = text == "-" || text.starts_with("- ");
        if self
            .opaque
            .is_some_and(|opaque| indent > opaque || indent == opaque && dash)
        {
            self.stars(text);
            return;
        }
        if text.starts_with('#') {
            if self.is_secret_header(text) {
                (self.opaque, self.list) = (Some(indent), None);
            }
            self.stars(text);
            return;
        }
        if let Some(item) = text
            .strip_prefix("- ")
            .filter(|_| self.list.is_some_and(|list| indent >= list))
        {
            self.out.push_str("- ");
            self.value(item);
            return;
        }
        self.list = None;
        self.opaque = None;
        if indent == 0 && !dash {
            self.top_key(text);
        } else if let Some(choices) = self.choices.filter(|_| !dash) {
            self.choice(text, indent, choices);
        } else if let Some(entries) = self.entries
            && let Some(entries) = entries.with_line(text, indent)
        {
            self.entries = Some(entries);
            self.entry_key(text, indent, entries.keys);
        } else {
            self.opaque = Some(indent);
            self.stars(text);
        }
    }

    fn top_key(&mut self, text: &str) {
        (self.entries, self.choices) = (None, None);
        let Some((key, rest)) = split_key(text) else {
            self.opaque = Some(0);
            self.stars(text);
            return;
        };
        let kind = self.keys.top_kind(key);
        // Only a key without a value on its line has items or entries below it: anything else may be two lines in one.
        match kind {
            Some(KeyKind::Nested) if is_blank(rest) && key == "apps" => {
                self.choices = Some(Choices::default());
            }
            Some(KeyKind::Nested) if is_blank(rest) => {
                self.entries = self.keys.of_entries(key).map(Entries::new);
            }
            Some(KeyKind::List) if is_blank(rest) => self.list = Some(0),
            _ => self.opaque = Some(0),
        }
        self.key(key, kind);
        if kind.is_some_and(|kind| kind != KeyKind::Secret) {
            self.value(rest);
        } else {
            self.stars_after_blanks(rest);
        }
    }

    /// Writes a line below `apps`: the name of an app, or one of its choices. Nothing of `values` is shown.
    fn choice(&mut self, text: &str, indent: usize, choices: Choices) {
        self.opaque = Some(indent);
        let Some((key, rest)) = split_app(text) else {
            return self.stars(text);
        };
        let is_name = choices.name.is_none_or(|column| column == indent);
        let known = is_name && is_app_name(key, self.keys);
        if known && is_blank(rest) {
            self.opaque = None;
            self.choices = Some(Choices {
                name: Some(indent),
                key: None,
            });
        }
        let is_choice = !is_name
            && choices.name.is_some_and(|column| indent > column)
            && choices.key.is_none_or(|column| column == indent)
            && similar(key, CHOICES.into_iter()).is_some();
        if is_choice {
            self.choices = Some(Choices {
                key: Some(indent),
                ..choices
            });
        }
        if known || is_choice {
            self.out.push_str(key);
            self.out.push(':');
        } else {
            self.stars(&text[..=key.len()]);
        }
        let value = rest[..comment_start(rest)].trim();
        let open = match key {
            "enabled" => ["true", "false", "yes", "no", "on", "off"].contains(&value),
            "version" => is_version(value.trim_matches(['"', '\''])),
            _ => false,
        };
        if is_choice && open {
            let end = comment_start(rest);
            self.out.push_str(&rest[..end]);
            self.stars_after_blanks(&rest[end..]);
        } else {
            self.stars_after_blanks(rest);
        }
    }

    fn entry_key(&mut self, text: &str, indent: usize, known: &IndexMap<String, KeyKind>) {
        let entry = text.strip_prefix('-').unwrap_or(text).trim_start_matches(' ');
        let marker = text.len() - entry.len();
        self.out.push_str(&text[..marker]);
        if entry.is_empty() {
            return;
        }
        let column = indent + marker;
        let Some((key, rest)) = split_key(entry) else {
            self.opaque = Some(column);
            self.stars(entry);
            return;
        };
        let kind = known.get(key).copied();
        match kind {
            Some(KeyKind::List) if is_blank(rest) => self.list = Some(column),
            _ => self.opaque = Some(column),
        }
        self.key(key, kind);
        if kind.is_some() {
            self.value(rest);
        } else {
            self.stars_after_blanks(rest);
        }
    }

    /// Returns whether a comment hides the line of a secret's key, whose value may go on below it.
    fn is_secret_header(&self, comment: &str) -> bool {
        let lower = comment.to_ascii_lowercase();
        let word = lower.trim_start_matches(['#', ' ', '"', '\'', '?']);
        let word = word.split([':', ' ', '"', '\'']).next().unwrap_or_default();
        self.keys.secrets().any(|key| lower.contains(key)) || similar(word, self.keys.secrets()).is_some()
    }

    /// Writes a key and its colon.
    fn key(&mut self, key: &str, kind: Option<KeyKind>) {
        self.unknown += usize::from(kind.is_none());
        if kind.is_some() || self.unknown <= MAX_UNKNOWN_KEYS && is_name(key, self.keys) {
            self.out.push_str(key);
        } else {
            self.stars(key);
        }
        self.out.push(':');
    }

    /// Writes the value of a known key, masked if it might hold more than that, and its comment masked.
    fn value(&mut self, text: &str) {
        let end = comment_start(text);
        let (value, comment) = text.split_at(end);
        if self.is_harmless(value) {
            self.out.push_str(value);
        } else {
            self.stars_after_blanks(value);
        }
        let marker = comment.len().min(1);
        self.out.push_str(&comment[..marker]);
        self.stars_after_blanks(&comment[marker..]);
    }

    fn is_harmless(&self, value: &str) -> bool {
        let lower = value.to_ascii_lowercase();
        let hides_key = self.keys.secrets().any(|key| lower.contains(key));
        let odd = value.contains(['{', '}', '=', '@', '\r', '\t', '&', '!'])
            || lower.contains("secret")
            || lower.contains("-----begin");
        let block = value.trim_start().starts_with(['|', '>']);
        // A quoted value that does not end on its line may have swallowed the next one.
        !hides_key && !odd && !block && value.split([' ', ',', '"', '\'', '[', ']']).all(is_plain_word)
    }

    fn stars_after_blanks(&mut self, text: &str) {
        let rest = text.trim_start_matches(' ');
        self.out.push_str(&text[..text.len() - rest.len()]);
        self.stars(rest);
    }

    fn stars(&mut self, text: &str) {
        self.out.extend(std::iter::repeat_n('*', text.len()));
    }
}

impl<'k> Entries<'k> {
    fn new(keys: &'k IndexMap<String, KeyKind>) -> Self {
        let (dash, column) = (None, None);
        Self { keys, dash, column }
    }

    /// Returns the entries with another line, or `None` when it does not stand where lines of entries stand.
    fn with_line(self, text: &str, indent: usize) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('-') {
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            let column = (blanks < rest.len()).then_some(indent + 1 + blanks);
            let fits = self.dash.is_none_or(|dash| dash == indent);
            return fits.then_some(Self {
                dash: Some(indent),
                column,
                ..self
            });
        }
        let fits = match self.column {
            Some(column) => column == indent,
            None => self.dash.is_some_and(|dash| indent > dash),
        };
        fits.then_some(Self {
            column: Some(indent),
            ..self
        })
    }
}

/// Returns whether an unknown key reads like the name of one: a few words of letters and `_`, or a key that is known
/// elsewhere. Random text does not read like that.
fn is_name(key: &str, keys: &Keys) -> bool {
    let is_word = |word: &str| (2..=16).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase());
    let words = key.len() <= 40 && key.split('_').all(is_word);
    let elsewhere = unsupported::is_unsupported(key, false) || unsupported::is_unsupported(key, true);
    words
        || elsewhere
        || similar(key, keys.top())
            .or_else(|| similar(key, keys.node()))
            .is_some()
}

/// What can be chosen about an app.
pub(crate) const CHOICES: [&str; 3] = ["values", "version", "enabled"];

/// Returns whether a key is the name of an app, as such or as `namespace/name`, much like one, or reads like one: a few
/// words of letters and `-`.
fn is_app_name(key: &str, keys: &Keys) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    let is_word = |word: &str| (2..=16).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase());
    let words = name.len() <= 40 && name.split('-').all(is_word);
    let known = || similar(name, keys.apps().map(|app| app.rsplit('/').next().unwrap_or(app))).is_some();
    (words || known()) && key.split('/').count() <= 2 && key.len() <= 2 * name.len() + 20
}

/// Returns whether a text reads like a version, and not like a password.
fn is_version(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'^' | b'~' | b'>' | b'=');
    text.len() <= 24 && text.contains('.') && 2 * digits + 2 >= text.len() / 2 && text.bytes().all(allowed)
}

/// Returns whether a word holds no colon, or only those of a URL, an address or a time.
fn is_plain_word(word: &str) -> bool {
    let rest = word
        .strip_prefix("https://")
        .or_else(|| word.strip_prefix("http://"));
    match rest {
        Some(rest) => !rest.contains('?') && colons_between_digits(rest),
        None => colons_between_digits(word),
    }
}

/// Returns whether every colon stands before a hexadecimal digit and after a word of such digits and dots, as in a MAC
/// address or before a port.
fn colons_between_digits(word: &str) -> bool {
    let mut parts = word.split(':').peekable();
    while let Some(part) = parts.next() {
        let Some(next) = parts.peek() else { break };
        let numeric = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.');
        let port = next.starts_with(|c: char| c.is_ascii_digit());
        if !(numeric(part) && next.starts_with(|c: char| c.is_ascii_hexdigit()) || part.contains('.') && port)
        {
            return false;
        }
    }
    true
}

/// Splits `key: rest` where the key is a plain word; `rest` starts after the colon.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = text.split_once(':')?;
    let word = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    (word && (rest.is_empty() || rest.starts_with(' '))).then_some((key, rest))
}

/// Splits `app: rest` or `namespace/app: rest`.
fn split_app(text: &str) -> Option<(&str, &str)> {
    match text.split_once('/') {
        Some((namespace, app)) if namespace.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') => {
            let (app, rest) = split_key(app)?;
            Some((&text[..namespace.len() + 1 + app.len()], rest))
        }
        _ => split_key(text),
    }
}

/// Returns whether there is nothing but blanks and a comment.
fn is_blank(text: &str) -> bool {
    text[..comment_start(text)].trim().is_empty()
}

/// Returns where a comment may start: the first `#` after a blank, even in quotes.
fn comment_start(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_start = |i: &usize| bytes[*i] == b'#' && (*i == 0 || matches!(bytes[*i - 1], b' ' | b'\t'));
    (0..bytes.len()).find(is_start).unwrap_or(text.len())
}

/// Returns the key that is most like `key`, if it is alike enough to be meant.
pub(crate) fn similar<'k>(key: &str, keys: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.replace('-', "_").to_ascii_lowercase();
    let key = plain(key);
    keys.map(|known| (strsim::jaro_winkler(&key, &plain(known)), known))
        .filter(|(score, known)| *score >= SIMILAR && strsim::damerau_levenshtein(&key, known) <= 4)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
