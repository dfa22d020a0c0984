//! Orders Kustomizations into tiers, or names the cycle that prevents it.

use std::collections::BTreeMap;

use super::{KustomizationId, PlannedKustomization};
use crate::diag::{Aborted, Diagnostic, Diagnostics};

/// Sets tiers and targets, and sorts by tier, namespace and name.
///
/// # Errors
/// When the dependencies form a cycle: its whole path is reported.
pub(super) fn order(
    kustomizations: &mut [PlannedKustomization],
    diags: &mut Diagnostics,
) -> Result<(), Aborted> {
    let edges: BTreeMap<KustomizationId, Vec<KustomizationId>> = kustomizations
        .iter()
        .map(|k| (k.id.clone(), k.depends_on.clone()))
        .collect();
    let mut tiers: BTreeMap<KustomizationId, usize> = BTreeMap::new();
    for id in edges.keys() {
        visit(id, &edges, &mut tiers, &mut Vec::new()).map_err(|path| {
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            diags.abort(
                Diagnostic::error(
                    "plan/dependency-cycle",
                    format!("these Kustomizations wait for each other: {}", path.join(" -> ")),
                )
                .help("remove one of these edges from `depends_on`"),
            )
        })?;
    }
    for kustomization in kustomizations.iter_mut() {
        kustomization.tier = tiers.get(&kustomization.id).copied().unwrap_or(0);
        kustomization.is_target = edges.values().any(|targets| targets.contains(&kustomization.id));
    }
    kustomizations.sort_by(|a, b| (a.tier, &a.id).cmp(&(b.tier, &b.id)));
    Ok(())
}

/// Returns the tier of `id`, or the cycle that it is on.
fn visit<'a>(
    id: &'a KustomizationId,
    edges: &'a BTreeMap<KustomizationId, Vec<KustomizationId>>,
    tiers: &mut BTreeMap<KustomizationId, usize>,
    path: &mut Vec<&'a KustomizationId>,
) -> Result<usize, Vec<KustomizationId>> {
    if let Some(tier) = tiers.get(id) {
        return Ok(*tier);
    }
    if let Some(start) = path.iter().position(|seen| *seen == id) {
        return Err(path[start..].iter().copied().chain([id]).cloned().collect());
    }
    path.push(id);
    let mut tier = 0;
    for target in edges.get(id).into_iter().flatten() {
        tier = tier.max(visit(target, edges, tiers, path)? + 1);
    }
    path.pop();
    tiers.insert(id.clone(), tier);
    Ok(tier)
}
