//! What can be typed after `secrets`.

use clap::Subcommand;

use super::{
    decrypt, diff, edit, encrypt, explain, install_git, merge, recipients, scan, status, textconv, value,
};

/// Subcommands of `secrets`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SecretsCommand {
    /// Encrypt files by the rules of .sops.yaml
    Encrypt(encrypt::Args),
    /// Print a decrypted file to standard output
    Decrypt(decrypt::Args),
    /// Open a file in the editor, decrypted, and encrypt what changed
    Edit(edit::Args),
    /// Put one value into a file
    Set(value::SetArgs),
    /// Take one value out of a file
    Unset(value::UnsetArgs),
    /// Give a file a new data key, and every value a new ciphertext
    Rotate(recipients::RotateArgs),
    /// Bring the recipients of files to those of .sops.yaml
    Updatekeys(recipients::UpdatekeysArgs),
    /// Check without a key that everything that should be encrypted is, and for whom
    Status(status::Args),
    /// Tell which rule a file is encrypted by and why, who can open it, and which keys were tried
    Explain(explain::Args),
    /// Look for secrets in clear text: a hook for commits
    Scan(scan::Args),
    /// Show which keys of a file changed
    Diff(diff::Args),
    /// Print a file for `git diff`: a line for each key, values hidden
    Textconv(textconv::Args),
    /// Merge three versions of a file by value: a merge driver for git
    Merge(merge::Args),
    /// Have git use `textconv` and `merge` for SOPS files in this repository
    InstallGit(install_git::Args),
    /// Wipe what an edit left behind that was killed: started by `edit`, which names the directory on standard input
    #[command(hide = true)]
    WaitForEdit,
}
