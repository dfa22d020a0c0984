//! Checking tokens needs both the issuer and its keys.

use super::{KeyRule, all_or_none};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "oidc_pair",
    codes: &["config/incomplete-oidc"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    all_or_none(
        facts,
        &["oidc_issuer_url", "oidc_jwks_uri"],
        "config/incomplete-oidc",
        "checking tokens",
        out,
    );
}
