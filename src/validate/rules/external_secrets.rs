//! External secrets need the login of the chosen provider.

use super::{KeyRule, needs};
use crate::config::SecretsProvider;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "external_secrets",
    codes: &["config/incomplete-external-secrets"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    if !facts.is_on("external_secrets_enabled") {
        return;
    }
    let Some(provider) = facts.get::<SecretsProvider>("/external_secrets_provider") else {
        return;
    };
    let keys: &[&str] = match provider.value {
        SecretsProvider::OnePassword => &[
            "onepassword_connect_host",
            "onepassword_connect_token",
            "onepassword_vaults",
        ],
        SecretsProvider::Bitwarden => &[
            "bitwarden_access_token",
            "bitwarden_organization_id",
            "bitwarden_project_id",
        ],
        SecretsProvider::Vault => &["vault_server"],
    };
    // The place that chose the provider: the default is chosen by switching the operator on.
    let switch = if provider.span.is_some() {
        "external_secrets_provider"
    } else {
        "external_secrets_enabled"
    };
    needs(facts, switch, keys, "config/incomplete-external-secrets", out);
}
