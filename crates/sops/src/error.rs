//! What can go wrong with a SOPS file. No variant holds a value: only keys, paths, kinds and byte ranges.

use std::ops::Range;

use thiserror::Error;

/// Why a SOPS file cannot be read or written.
///
/// Spans are byte ranges in the text that was handed in. No variant holds a plaintext, a ciphertext or a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SopsError {
    /// The text is not YAML.
    #[error("not valid YAML: {message}")]
    Yaml {
        /// What the parser says; holds no value.
        message: String,
        /// Where.
        span: Range<usize>,
    },
    /// The text is not what its format asks for.
    #[error("not valid {format}: {message}")]
    Syntax {
        /// The format.
        format: &'static str,
        /// What is wrong; holds no value.
        message: String,
        /// Where.
        span: Range<usize>,
    },
    /// A document is a list or a single value.
    #[error("a SOPS document must be a mapping")]
    NotAMapping {
        /// The document's root.
        span: Range<usize>,
    },
    /// The stream has no document with content, or the first one is empty.
    #[error("the first document is empty, and SOPS reads its metadata from the first document")]
    EmptyDocument,
    /// The plaintext has a `sops` key at the top.
    #[error("the text has a top-level `sops` key, so it counts as encrypted already")]
    AlreadyEncrypted {
        /// The key.
        span: Range<usize>,
    },
    /// There is no `sops` block.
    #[error("the file has no `sops` block, so it is not a SOPS file")]
    NotEncrypted,
    /// The `sops` block is not what SOPS writes.
    #[error("the `sops` block is broken: {what}")]
    Metadata {
        /// What is missing or wrong; holds no value.
        what: String,
        /// Where.
        span: Range<usize>,
    },
    /// A feature of SOPS that is not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// The feature.
        what: String,
        /// Where, if it stands in the text.
        span: Option<Range<usize>>,
    },
    /// A character that ends a line for go-yaml, and so for SOPS and Flux, and not for YAML 1.2.
    #[error("a raw U+{code:04X} stands here, where sops and Flux begin a new line")]
    LineBreak {
        /// The character.
        code: u32,
        /// Where.
        span: Range<usize>,
    },
    /// A key `<<` that is no merge: SOPS writes it back as one.
    #[error("the key at `{path}` is `<<` as text, which sops and Flux write back as a merge")]
    TextMerge {
        /// Path of the key.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// A comment that decides what is encrypted, at a place where SOPS might take it for another value's.
    #[error("comments decide what is encrypted here, and {what}")]
    Marker {
        /// Why that is a problem; holds no value.
        what: String,
        /// The comment.
        span: Range<usize>,
    },
    /// A selector's regular expression does not compile. SOPS would write everything in plain text.
    #[error("the regular expression of `{key}` does not compile")]
    SelectorRegex {
        /// The selector key.
        key: &'static str,
    },
    /// The selector matches no value. SOPS would write everything in plain text.
    #[error("the selector matches no value of the file, so nothing would be encrypted")]
    SelectorMatchesNothing,
    /// A rule without recipients.
    #[error("the rule names no recipient")]
    NoRecipients,
    /// A text that is no recipient.
    #[error("recipient number {index} is not a valid age recipient")]
    BadRecipient {
        /// Position in its list, from 1.
        index: usize,
    },
    /// A recipient of a kind that cannot be written yet.
    #[error("{kind} recipients are not supported by this build")]
    UnsupportedRecipient {
        /// The kind, such as `post-quantum`.
        kind: &'static str,
    },
    /// A recipient whose program is not there.
    #[error("the recipient needs the program `{program}`, which is not in PATH")]
    MissingPlugin {
        /// The program, `age-plugin-NAME`.
        program: String,
    },
    /// A line of an identity file that is no identity.
    #[error("line {line} of the identity file is not an age identity")]
    BadIdentity {
        /// 1-based line.
        line: usize,
    },
    /// An identity file behind a passphrase that stays closed.
    #[error("`{name}` {what}")]
    LockedIdentity {
        /// What the file is called.
        name: String,
        /// Why it stays closed.
        what: &'static str,
    },
    /// None of the identities opens the data key.
    #[error("none of the identities opens the file{}", kinds(.unsupported))]
    NoIdentityMatches {
        /// Kinds of identities that were given but are not supported.
        unsupported: Vec<&'static str>,
        /// Where keys were looked for, and what was found: a line each.
        tried: Vec<String>,
    },
    /// The keys at hand open fewer groups than are needed.
    #[error("the identities open {opened} of the {threshold} key groups that must come together")]
    TooFewGroups {
        /// How many opened.
        opened: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// A threshold that makes no sense.
    #[error("a threshold of {threshold} makes no sense with {groups} key groups")]
    Threshold {
        /// How many must come together.
        threshold: usize,
        /// How many there are.
        groups: usize,
    },
    /// Wrapping the data key failed.
    #[error("age could not wrap the data key")]
    Wrap,
    /// The data key is not 32 bytes.
    #[error("the data key has the wrong length")]
    DataKey,
    /// An encrypted value that is no valid `ENC[…]` text.
    #[error("the encrypted value of `{path}` is malformed")]
    MalformedValue {
        /// Path of the value.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// An encrypted value that does not open: it was changed, or moved from another key.
    #[error("the encrypted value of `{path}` does not open: it was changed or moved")]
    Tampered {
        /// Path of the value.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// A value inside the encrypted scope stands in plain text.
    #[error("the value of `{path}` should be encrypted and is not")]
    PlainInScope {
        /// Path of the value.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// More values stand in clear than are encrypted where they stand.
    #[error("more than {most} values stand in clear in an encrypted file")]
    ManyInClear {
        /// How many are encrypted in one go.
        most: usize,
        /// The first of them.
        span: Range<usize>,
    },
    /// There is no MAC.
    #[error("the file has no MAC")]
    NoMac,
    /// The MAC does not open or does not agree.
    #[error("the MAC does not agree with the file: a value was changed, moved or removed by hand")]
    MacMismatch,
    /// A key that is not text.
    #[error("the key `{path}` is not text for SOPS")]
    NonTextKey {
        /// Path of the key.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// An integer that SOPS cannot hold.
    #[error("the integer at `{path}` does not fit 64 signed bits, which SOPS cannot store")]
    IntegerTooLarge {
        /// Path of the value.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// A tag that SOPS would lose.
    #[error("the tag of `{path}` would be lost by encryption")]
    UnsupportedTag {
        /// Path of the value.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// An alias outside the encrypted scope that refers to a value inside.
    #[error("the alias at `{path}` would show an encrypted value outside the encrypted scope")]
    AliasLeavesScope {
        /// Path of the alias.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// A merge key inside the encrypted scope.
    #[error("the merge key at `{path}` lies inside the encrypted scope")]
    MergeInScope {
        /// Path of the merge key.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// A layout that cannot be edited in place.
    #[error("the layout{} cannot be edited in place", around(.path))]
    Layout {
        /// Path of the value.
        path: String,
        /// Where.
        span: Range<usize>,
    },
    /// A value that another one repeats with an alias.
    #[error("the value `{path}` is repeated elsewhere with an alias")]
    Repeated {
        /// Path of the value.
        path: String,
        /// Where the alias stands.
        span: Range<usize>,
    },
    /// A `.sops.yaml` that cannot be used.
    #[error("the SOPS configuration is wrong: {what}")]
    Config {
        /// What is wrong; holds no value.
        what: String,
        /// Where.
        span: Range<usize>,
    },
    /// A text that is no path of a value.
    #[error("the path of the value is not understood")]
    BadPath,
    /// A path that leads nowhere.
    #[error("the file has no value at `{path}`")]
    NoSuchValue {
        /// The path.
        path: String,
    },
    /// A value that a format cannot hold, or not in a way that SOPS would read back as the same.
    #[error("`{path}` cannot be written: {why}")]
    Unholdable {
        /// Path of the value.
        path: String,
        /// Why; holds no value.
        why: &'static str,
    },
    /// No creation rule matches.
    #[error("no creation rule of the SOPS configuration matches the file")]
    NoRule,
}

/// What edits that do not fit a text come to.
pub(crate) fn overlap() -> SopsError {
    SopsError::Layout {
        path: String::new(),
        span: 0..0,
    }
}

fn around(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" around `{path}`")
    }
}

fn kinds(kinds: &[&str]) -> String {
    if kinds.is_empty() {
        String::new()
    } else {
        format!(" (given but not supported: {})", kinds.join(", "))
    }
}

impl SopsError {
    /// Returns the place in the text, where the variant has one.
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Yaml { span, .. }
            | Self::Syntax { span, .. }
            | Self::NotAMapping { span }
            | Self::AlreadyEncrypted { span }
            | Self::Metadata { span, .. }
            | Self::Marker { span, .. }
            | Self::MalformedValue { span, .. }
            | Self::Tampered { span, .. }
            | Self::PlainInScope { span, .. }
            | Self::ManyInClear { span, .. }
            | Self::NonTextKey { span, .. }
            | Self::IntegerTooLarge { span, .. }
            | Self::UnsupportedTag { span, .. }
            | Self::AliasLeavesScope { span, .. }
            | Self::MergeInScope { span, .. }
            | Self::LineBreak { span, .. }
            | Self::TextMerge { span, .. }
            | Self::Layout { span, .. }
            | Self::Repeated { span, .. }
            | Self::Config { span, .. } => Some(span.clone()),
            Self::Unsupported { span, .. } => span.clone(),
            Self::EmptyDocument
            | Self::NotEncrypted
            | Self::SelectorRegex { .. }
            | Self::SelectorMatchesNothing
            | Self::NoRecipients
            | Self::BadRecipient { .. }
            | Self::UnsupportedRecipient { .. }
            | Self::MissingPlugin { .. }
            | Self::BadIdentity { .. }
            | Self::LockedIdentity { .. }
            | Self::NoIdentityMatches { .. }
            | Self::TooFewGroups { .. }
            | Self::Threshold { .. }
            | Self::Wrap
            | Self::DataKey
            | Self::NoMac
            | Self::MacMismatch
            | Self::BadPath
            | Self::NoSuchValue { .. }
            | Self::Unholdable { .. }
            | Self::NoRule => None,
        }
    }

    /// Returns what to do about it, in the imperative.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Yaml { .. } => "mend the YAML at this place",
            Self::Syntax { .. } => "mend the file at this place, or name its format",
            Self::TooFewGroups { .. } => "bring keys of further groups together, for example in SOPS_AGE_KEY",
            Self::Threshold { .. } => "use a threshold between 2 and the number of groups",
            Self::NotAMapping { .. } => "write the document as `key: value` lines",
            Self::EmptyDocument => {
                "remove the empty document (and its `---`) before the first one with content"
            }
            Self::AlreadyEncrypted { .. } => "decrypt the file first, or rename the key `sops`",
            Self::NotEncrypted => "encrypt the file first",
            Self::Metadata { .. } | Self::DataKey => "restore the `sops` block from git history",
            Self::Unsupported { .. } => "use the `sops` program for this file",
            Self::Marker { .. } => {
                "put the comment alone on the line above its key, in the column of the key, or choose by key names"
            }
            Self::SelectorRegex { .. } => "mend the regular expression, for example `^(data|stringData)$`",
            Self::SelectorMatchesNothing => {
                "use a selector that matches a key of the file, for example `encrypted_regex: ^(data|stringData)$`"
            }
            Self::NoRecipients => "add at least one `age1…` recipient",
            Self::BadRecipient { .. } => "give the public half of an age key, `age1…` (see `age-keygen -y`)",
            Self::UnsupportedRecipient { .. } => {
                "use an `age1…` or `age1pq1…` recipient, or a build with the cargo feature `ssh` or `plugin`"
            }
            Self::MissingPlugin { .. } => "install the plugin, or take the recipient out",
            Self::BadIdentity { .. } => {
                "keep one `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…` per line; comments start with `#`"
            }
            Self::LockedIdentity { .. } => {
                "run the command in a terminal, or give a key without passphrase in SOPS_AGE_KEY"
            }
            Self::NoIdentityMatches { .. } => {
                "give the private key of one of the recipients, or have somebody who has it add you as one"
            }
            Self::Wrap => "check the recipients of the rule",
            Self::MalformedValue { .. } | Self::Tampered { .. } => {
                "restore the line from git history, or set the value again"
            }
            Self::PlainInScope { .. } => {
                "encrypt it where it stands with `clusterwright secrets encrypt -i`, and change it if it was pushed"
            }
            Self::ManyInClear { .. } => {
                "take them out of the file, and put them in with `clusterwright secrets edit`"
            }
            Self::NoMac | Self::MacMismatch => {
                "compare the file with git history; if every value is right, open it without the MAC and encrypt the result"
            }
            Self::NonTextKey { .. } => "put the key in quotes",
            Self::IntegerTooLarge { .. } => "put the number in quotes",
            Self::UnsupportedTag { .. } => "remove the tag, or move the value out of the encrypted scope",
            Self::AliasLeavesScope { .. } | Self::Repeated { .. } => {
                "write the value out in place of the alias"
            }
            Self::LineBreak { .. } => {
                "take the character out, or write it as an escape in a text in double quotes: `\\N`, `\\L` or `\\P`"
            }
            Self::TextMerge { .. } => "give the key another name",
            Self::MergeInScope { .. } => "write the merged keys out in place of `<<`",
            Self::Layout { .. } => "write the document in plain `key: value` lines",
            Self::Config { .. } => "mend `.sops.yaml` at this place",
            Self::BadPath => {
                "write it as `'[\"stringData\"][\"password\"]'` or `stringData.password`; list items as `[0]`"
            }
            Self::NoSuchValue { .. } => "`clusterwright secrets textconv FILE` lists the paths of a file",
            Self::Unholdable { .. } => "keep it in a YAML or JSON file, or change the key or the value",
            Self::NoRule => "add a creation rule whose `path_regex` matches the file",
        }
    }
}
