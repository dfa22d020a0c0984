//! The rules, one a file.

mod crd_race;
mod dangling_depends_on;
mod missing_field;
mod plain_secret;
mod unknown_field;
mod unreachable_kustomization;
mod wrong_type;
mod yaml_1_1_trap;

use super::rule::Rule;

/// All rules, sorted by name.
pub const ALL: &[&Rule] = &[
    &crd_race::RULE,
    &dangling_depends_on::RULE,
    &missing_field::RULE,
    &plain_secret::RULE,
    &unknown_field::RULE,
    &unreachable_kustomization::RULE,
    &wrong_type::RULE,
    &yaml_1_1_trap::RULE,
];
