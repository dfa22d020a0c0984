//! What the command line and the environment say in place of a rule.

use sops::Selector;

use super::args::RuleArgs;
use super::recipients_of;
use crate::cli::variable;
use crate::diag::Diagnostic;
use crate::secrets::Overrides;

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
