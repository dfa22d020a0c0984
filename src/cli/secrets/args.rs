//! What can be typed after `secrets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sops::Format;

use crate::cli::help::{EDITOR, Help, KEYS, RECIPIENTS};

/// Subcommands of `secrets`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Secrets {
    /// Encrypt files by the rules of .sops.yaml
    Encrypt(Encrypt),
    /// Print a decrypted file to standard output
    Decrypt(Decrypt),
    /// Open a file in the editor, decrypted, and encrypt what changed
    Edit(Edit),
    /// Put one value into a file
    Set(Set),
    /// Take one value out of a file
    Unset(Unset),
    /// Give a file a new data key, and every value a new ciphertext
    Rotate(Rotate),
    /// Bring the recipients of files to those of .sops.yaml
    Updatekeys(Updatekeys),
    /// Check without a key that everything that should be encrypted is, and for whom
    Status(Status),
    /// Tell which rule a file is encrypted by and why, who can open it, and which keys were tried
    Explain(Explain),
    /// Look for secrets in clear text: a hook for commits
    Scan(Scan),
    /// Show which keys of a file changed
    Diff(Diff),
    /// Print a file for `git diff`: a line for each key, values hidden
    Textconv(Textconv),
    /// Merge three versions of a file by value: a merge driver for git
    Merge(Merge),
    /// Have git use `textconv` and `merge` for SOPS files in this repository
    InstallGit(InstallGit),
    /// Wipe what an edit left behind that was killed: started by `edit`, which names the directory on standard input
    #[command(hide = true)]
    WaitForEdit,
}

/// How a file is to be encrypted, in place of what the rule says.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "For a file that is not encrypted yet, in place of what its rule says")]
pub(in crate::cli) struct RuleArgs {
    /// Recipients in place of those of the rule
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    pub(in crate::cli) age: Vec<String>,
    /// Encrypt the values of keys that match, with all below them
    #[arg(long, value_name = "REGEX", group = "selector")]
    pub(in crate::cli) encrypted_regex: Option<String>,
    /// Encrypt all but the values of keys that match
    #[arg(long, value_name = "REGEX", group = "selector")]
    pub(in crate::cli) unencrypted_regex: Option<String>,
    /// Encrypt the values of keys that end like this
    #[arg(long, value_name = "SUFFIX", group = "selector")]
    pub(in crate::cli) encrypted_suffix: Option<String>,
    /// Encrypt all but the values of keys that end like this
    #[arg(long, value_name = "SUFFIX", group = "selector")]
    pub(in crate::cli) unencrypted_suffix: Option<String>,
    /// Let the MAC cover encrypted values alone
    #[arg(long)]
    pub(in crate::cli) mac_only_encrypted: bool,
    /// Configuration in place of the .sops.yaml beside the file or above
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
}

/// Arguments of `secrets encrypt`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets encrypt -i kubernetes/apps/default/echo/app/secret.sops.yaml", "Encrypt a file in place, as .sops.yaml says"),
        ("secrets encrypt --age age1qm4dhvyzxsfp0cjv9k0lkmcaqf7hjk5tjs9y8sdpj9hrpy3xfdtqr5w0ml notes.yaml", "Print it encrypted for one recipient"),
    ],
    environment: &[KEYS, RECIPIENTS],
    ..Help::default()
})]
pub(in crate::cli) struct Encrypt {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write the files instead of printing one
    #[arg(short, long)]
    pub(in crate::cli) in_place: bool,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    #[command(flatten)]
    pub(in crate::cli) rule: RuleArgs,
}

/// Arguments of `secrets decrypt`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets decrypt kubernetes/apps/default/echo/app/secret.sops.yaml", "Print it in clear"),
        (r#"secrets decrypt kubernetes/apps/default/echo/app/secret.sops.yaml --extract '["stringData"]["password"]'"#, "Print one value"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Decrypt {
    /// The SOPS file
    pub(in crate::cli) file: PathBuf,
    /// Write the file in clear text instead of printing it
    #[arg(short, long, conflicts_with_all = ["extract", "to"])]
    pub(in crate::cli) in_place: bool,
    /// Write clear text to this file, readable for its owner only
    #[arg(long = "to", value_name = "FILE")]
    pub(in crate::cli) to: Option<PathBuf>,
    /// Give only the value at this path, such as `["stringData"]["password"]`
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) extract: Option<String>,
    /// Document that --extract looks at
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) document: u16,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    /// Print even if the file was tampered with
    #[arg(long)]
    pub(in crate::cli) ignore_mac: bool,
}

/// Arguments of `secrets edit`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets edit kubernetes/apps/default/echo/app/secret.sops.yaml", "Edit it in clear; what did not change keeps its ciphertext"),
    ],
    environment: &[KEYS, RECIPIENTS, EDITOR],
    ..Help::default()
})]
pub(in crate::cli) struct Edit {
    /// The SOPS file; one that is not there starts from an example
    pub(in crate::cli) file: PathBuf,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    /// Put the clear text on a disk if there is no memory-backed directory
    #[arg(long)]
    pub(in crate::cli) allow_disk: bool,
    #[command(flatten)]
    pub(in crate::cli) rule: RuleArgs,
}

/// Arguments of `secrets set`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets set kubernetes/apps/default/echo/app/secret.sops.yaml stringData.password --value-stdin", "Take the value from standard input: no shell remembers it"),
        ("secrets set kubernetes/apps/default/echo/app/secret.sops.yaml stringData.port 8080 --text", "A value that looks like a number, as text"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(in crate::cli) struct Set {
    /// The SOPS file
    pub(in crate::cli) file: PathBuf,
    /// Where: `["stringData"]["password"]` or `stringData.password`; `data` in a binary file
    pub(in crate::cli) path: String,
    /// The value: JSON where it is JSON, else text; below `data` and `stringData`, always text. Others on this machine can see it while the command runs
    #[arg(group = "source")]
    pub(in crate::cli) value: Option<String>,
    /// Read the value from a file; for a binary file, byte for byte
    #[arg(long, value_name = "FILE", group = "source")]
    pub(in crate::cli) value_file: Option<PathBuf>,
    /// Read the value from standard input
    #[arg(long, group = "source")]
    pub(in crate::cli) value_stdin: bool,
    /// Take the value as text even if it looks like JSON
    #[arg(long)]
    pub(in crate::cli) text: bool,
    /// Document of the file
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) document: u16,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
}

/// Arguments of `secrets unset`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets unset kubernetes/apps/default/echo/app/secret.sops.yaml stringData.password", "Take one value out"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Unset {
    /// The SOPS file
    pub(in crate::cli) file: PathBuf,
    /// Where: `["stringData"]["password"]` or `stringData.password`
    pub(in crate::cli) path: String,
    /// Document of the file
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) document: u16,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
}

/// Arguments of `secrets rotate`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets rotate -i kubernetes/apps/default/echo/app/secret.sops.yaml", "A new data key for one file"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Rotate {
    /// The SOPS files
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write the files instead of printing one
    #[arg(short, long)]
    pub(in crate::cli) in_place: bool,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    /// Recipients to add; with key groups, to the first one
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    pub(in crate::cli) add_age: Vec<String>,
    /// Recipients to remove
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    pub(in crate::cli) rm_age: Vec<String>,
}

/// Arguments of `secrets updatekeys`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets updatekeys", "Bring every file here to the recipients of .sops.yaml, after a question"),
        ("secrets updatekeys --check", "In CI, without a key: is every file up to date?"),
    ],
    pending: Some("`--check` found files that are out of date"),
    environment: &[KEYS],
})]
pub(in crate::cli) struct Updatekeys {
    /// SOPS files, or directories to look for them
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Write nothing and exit with 2 when a file is out of date; needs no key
    #[arg(long, conflicts_with = "yes")]
    pub(in crate::cli) check: bool,
    /// Write without asking
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

/// Arguments of `secrets status`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets status", "Every SOPS file here: is all of it encrypted, and for whom?"),
        ("secrets status kubernetes/apps", "The same for one folder"),
    ],
    ..Help::default()
})]
pub(in crate::cli) struct Status {
    /// Files, or directories to look for SOPS files
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

/// Arguments of `secrets explain`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets explain kubernetes/apps/default/echo/app/secret.sops.yaml", "Which rule, which recipients, which keys were tried"),
    ],
    environment: &[KEYS, RECIPIENTS],
    ..Help::default()
})]
pub(in crate::cli) struct Explain {
    /// The file; it need not be encrypted
    pub(in crate::cli) file: PathBuf,
    /// Configuration in place of the .sops.yaml beside the file or above
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
}

/// Arguments of `secrets scan`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets scan --staged", "As a pre-commit hook: would this commit hold a secret in clear?"),
        ("secrets scan", "The whole work tree"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Scan {
    /// Files, or directories to look through
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Look at what the next commit would add, as git has it in the index
    #[arg(long)]
    pub(in crate::cli) staged: bool,
}

/// Arguments of `secrets diff`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets diff kubernetes/apps/default/echo/app/secret.sops.yaml", "Which keys changed since the last commit"),
        ("secrets diff kubernetes/apps/default/echo/app/secret.sops.yaml --rev main --reveal", "With their values, since another revision"),
    ],
    pending: Some("`--exit-code` found differences"),
    environment: &[KEYS],
})]
pub(in crate::cli) struct Diff {
    /// A SOPS file
    pub(in crate::cli) file: PathBuf,
    /// A second file; without it, the file is compared with its version in git
    #[arg(conflicts_with = "rev")]
    pub(in crate::cli) other: Option<PathBuf>,
    /// Revision to compare with
    #[arg(long, default_value = "HEAD")]
    pub(in crate::cli) rev: String,
    /// Show values in clear text
    #[arg(long)]
    pub(in crate::cli) reveal: bool,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(in crate::cli) exit_code: bool,
}

/// Arguments of `secrets textconv`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets textconv kubernetes/apps/default/echo/app/secret.sops.yaml", "What `git diff` shows after `secrets install-git`"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Textconv {
    /// The file
    #[arg(allow_hyphen_values = true)]
    pub(in crate::cli) file: PathBuf,
    /// Print it decrypted
    #[arg(long)]
    pub(in crate::cli) reveal: bool,
}

/// Arguments of `secrets merge`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets merge %O %A %B -- %P", "What git runs after `secrets install-git`"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Merge {
    /// The common ancestor, %O
    pub(in crate::cli) base: PathBuf,
    /// Our version, %A; the result is written here
    pub(in crate::cli) ours: PathBuf,
    /// Their version, %B
    pub(in crate::cli) theirs: PathBuf,
    /// What findings call the file, %P
    // Lines that an earlier `install-git` wrote have no `--`: a name that begins with a dash is no option.
    #[arg(allow_hyphen_values = true)]
    pub(in crate::cli) name: Option<String>,
}

/// Arguments of `secrets install-git`.
#[derive(Debug, Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets install-git", "Diffs and merges of SOPS files by value, in this repository"),
        ("secrets install-git --dry-run", "What would be written"),
    ],
    ..Help::default()
})]
pub(in crate::cli) struct InstallGit {
    /// Show what would be written and write nothing
    #[arg(short = 'n', long)]
    pub(in crate::cli) dry_run: bool,
}
