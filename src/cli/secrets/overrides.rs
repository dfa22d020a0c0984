//! What the command line and the environment say in place of a rule.

use std::path::PathBuf;

use sops::Selector;

use super::recipients_of;
use crate::cli::variable;
use crate::diag::Diagnostic;
use crate::secrets::Overrides;

/// How a file is to be encrypted, in place of what the rule says.
#[derive(Debug, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "For a file that is not encrypted yet, in place of what its rule says")]
pub(in crate::cli) struct RuleArgs {
    /// Recipients in place of those of the rule
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    age: Vec<String>,
    /// Encrypt the values of keys that match, with all below them
    #[arg(long, value_name = "REGEX", group = "selector")]
    encrypted_regex: Option<String>,
    /// Encrypt all but the values of keys that match
    #[arg(long, value_name = "REGEX", group = "selector")]
    unencrypted_regex: Option<String>,
    /// Encrypt the values of keys that end like this
    #[arg(long, value_name = "SUFFIX", group = "selector")]
    encrypted_suffix: Option<String>,
    /// Encrypt all but the values of keys that end like this
    #[arg(long, value_name = "SUFFIX", group = "selector")]
    unencrypted_suffix: Option<String>,
    /// Let the MAC cover encrypted values alone
    #[arg(long)]
    mac_only_encrypted: bool,
    /// Configuration in place of the .sops.yaml beside the file or above
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Reads the options; where they are silent, `SOPS_AGE_RECIPIENTS` and `SOPS_CONFIG`.
pub(super) fn overrides(args: &RuleArgs) -> Result<Overrides, Diagnostic> {
    let from_environment =
        || variable("SOPS_AGE_RECIPIENTS").map(|text| text.split(',').map(str::to_owned).collect());
    let recipients = if args.age.is_empty() {
        recipients_of(
            &from_environment().unwrap_or_else(Vec::new),
            "SOPS_AGE_RECIPIENTS",
        )?
    } else {
        recipients_of(&args.age, "--age")?
    };
    let selector = [
        (
            &args.encrypted_regex,
            Selector::EncryptedRegex as fn(String) -> Selector,
        ),
        (&args.unencrypted_regex, Selector::UnencryptedRegex),
        (&args.encrypted_suffix, Selector::EncryptedSuffix),
        (&args.unencrypted_suffix, Selector::UnencryptedSuffix),
    ]
    .into_iter()
    .find_map(|(text, make)| text.clone().map(make));
    Ok(Overrides {
        config: args
            .config
            .clone()
            .or_else(|| variable("SOPS_CONFIG").map(Into::into)),
        recipients,
        selector,
        mac_only_encrypted: args.mac_only_encrypted,
    })
}
