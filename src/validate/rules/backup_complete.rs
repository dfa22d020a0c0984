//! A backup that cannot be written or read again is none.

use super::{KeyRule, all_or_none};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "backup_complete",
    codes: &["config/incomplete-backup"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    all_or_none(
        facts,
        &[
            "backup_s3_endpoint",
            "backup_s3_bucket",
            "backup_s3_access_key",
            "backup_s3_secret_key",
            "backup_age_public_key",
        ],
        "config/incomplete-backup",
        "the backup of etcd",
        out,
    );
}
