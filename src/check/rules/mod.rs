//! The rules, one a file.

mod crd_race;
mod dangling_depends_on;
mod plain_secret;
mod unreachable_kustomization;
mod yaml_1_1_trap;

use super::rule::Rule;

/// All rules, sorted by name.
pub const ALL: &[&Rule] = &[
    &crd_race::RULE,
    &dangling_depends_on::RULE,
    &plain_secret::RULE,
    &unreachable_kustomization::RULE,
    &yaml_1_1_trap::RULE,
];
