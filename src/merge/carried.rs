//! Values that the tree goes on having though the templates' default is another by now: owners of DNS records, and the
//! load balancer pool where a person wrote one.
//!
//! A new default of the library must not change what a running cluster rests on. What counts is the render that stands
//! in the tree, edited or not ([`Standing`]): a value of an earlier default stays until `cluster.yaml` says another, and
//! an edit by hand meets the same render as before, so that it merges as ever.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::Bases;
use serde_json::{Map, Value, json};
use yaml::Node;

use crate::config::Cluster;
use crate::context::pool::PoolBlock;
use crate::context::{OWNER_BEFORE, UNIFI_OWNER_BEFORE};
use crate::diag::{Diagnostic, Diagnostics};
use crate::sys::root::Root;
use crate::tree::RepoPath;
use crate::vcs::Git;
use crate::world::Existing;
use crate::world::lock::{Lock, Sha256, lf};
use crate::world::secrecy::display;

/// A file of ours as it stands in the work tree, and as it was rendered.
#[derive(Debug)]
pub struct Standing {
    /// The file.
    pub path: RepoPath,
    /// What stands there.
    pub now: String,
    /// The render that it comes from; `None` when that cannot be found any more.
    pub render: Option<String>,
}

/// Whose records a file says that an external-dns owns.
struct DnsOwner {
    /// The file.
    file: &'static str,
    /// The name of the value for templates.
    name: &'static str,
    /// What the file said before there was a key for it.
    before: &'static str,
}

const OWNERS: [DnsOwner; 2] = [
    DnsOwner {
        file: "kubernetes/apps/network/cloudflare-dns/app/helmrelease.yaml",
        name: "dns_owner_id",
        before: OWNER_BEFORE,
    },
    DnsOwner {
        file: "kubernetes/apps/network/unifi-dns/app/helmrelease.yaml",
        name: "unifi_dns_owner_id",
        before: UNIFI_OWNER_BEFORE,
    },
];

/// The file of the pool.
const POOL: &str = "kubernetes/apps/kube-system/cilium/app/networks.yaml";

/// Reads the files that hold such values, as far as they are there.
///
/// # Errors
/// When git cannot be read.
pub fn standing(
    root: &Root,
    lock: &Lock,
    bases: &mut Bases,
    git: Option<&Git>,
) -> Result<Vec<Standing>, Diagnostic> {
    let files = OWNERS.iter().map(|owner| owner.file).chain([POOL]);
    let paths: Vec<RepoPath> = files.filter_map(|file| RepoPath::parse(file).ok()).collect();
    let existing = Existing::read(root, &paths);
    let mut found = Vec::new();
    for path in paths {
        let Some(bytes) = existing.bytes(&path) else {
            continue;
        };
        let Ok(now) = String::from_utf8(lf(bytes).into_owned()) else {
            continue;
        };
        let hash = lock.entries.get(&path).map(|entry| entry.hash);
        let render = match hash {
            Some(hash) if hash == Sha256::of_text(bytes) => Some(now.clone()),
            Some(hash) => {
                bases.find(&BTreeMap::from([(path.clone(), hash)]), git)?;
                bases.get(&path, hash).map(str::to_owned)
            }
            None => None,
        };
        found.push(Standing { path, now, render });
    }
    Ok(found)
}

/// Puts what stands into the values that templates see, and says where that, or a change of it, matters. An edit of a
/// file that is in `taken_back` counts as not made: there the render is to win.
pub fn carry(
    standing: &[Standing],
    taken_back: &BTreeSet<RepoPath>,
    cluster: &Cluster,
    values: &mut Map<String, Value>,
    diags: &mut Diagnostics,
) {
    for dns in &OWNERS {
        if let Some(standing) = standing
            .iter()
            .find(|standing| standing.path.as_str() == dns.file)
        {
            let stays = !taken_back.contains(&standing.path);
            owner(standing, stays, dns, cluster, values, diags);
        }
    }
    if let Some(standing) = standing.iter().find(|standing| standing.path.as_str() == POOL) {
        let is_chosen = cluster.cilium.cilium_lb_pool_cidr.is_some();
        if !taken_back.contains(&standing.path) {
            pool(standing, is_chosen, values);
        }
    }
}

/// Keeps an owner of the time before there was a key for it, and warns of what two clusters with one owner do. Any other
/// change of the owner is told, because it leaves records behind. Unless an edit `stays`, what counts is the render that
/// it was made in.
fn owner(
    standing: &Standing,
    stays: bool,
    dns: &DnsOwner,
    cluster: &Cluster,
    values: &mut Map<String, Value>,
    diags: &mut Diagnostics,
) {
    let DnsOwner { name, before, .. } = *dns;
    let documents = yaml::parse(&standing.now).unwrap_or_default();
    let Some(place) = owner_in(&documents) else { return };
    let now = place.as_str().unwrap_or_default();
    let rendered = standing.render.as_ref().and_then(|text| {
        owner_in(&yaml::parse(text).unwrap_or_default())?
            .as_str()
            .map(str::to_owned)
    });
    let wanted = values
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let is_set = cluster.cloudflare.external_dns_owner_id.is_some();
    if stays && rendered.as_deref().is_some_and(|rendered| rendered != now) {
        if !is_set {
            // What a person wrote stays, through the merge, which meets the render that it was written over.
            values.insert(name.to_owned(), json!(rendered));
        }
        return;
    }
    let stands = rendered.as_deref().filter(|_| !stays).unwrap_or(now);
    let is_kept = !is_set && stands == before;
    if is_kept {
        values.insert(name.to_owned(), json!(before));
    }
    let then = if is_kept { before } else { &wanted };
    let finding = if now != then {
        changed(now, before, then, is_set || !stays)
    } else if now != wanted {
        shared(now, &wanted)
    } else {
        return;
    };
    let path = standing.path.as_str();
    let id = diags.sources.add(path, display(path, &standing.now));
    diags.push(finding.at(id.span(place.span.clone()), "the owner of the records"));
}

fn shared(now: &str, wanted: &str) -> Diagnostic {
    let message = format!(
        "the DNS records belong to `{now}`, as in every cluster that was rendered so: two on one domain delete each other's"
    );
    Diagnostic::warning("dns/shared-owner", message)
        .note(format!(
            "`{now}` stays as long as `external_dns_owner_id` is not set: a change leaves the records of today behind"
        ))
        .help(format!(
            "if this is the only cluster on its domain, write `external_dns_owner_id: {OWNER_BEFORE}` to keep it"
        ))
        .help(format!(
            "if there are others, write `external_dns_owner_id: {wanted}`; \"Whose DNS records\" in clusterwright's `docs/network.md` says how records move"
        ))
}

/// `before` is what the file said before there was a key.
fn changed(now: &str, before: &str, wanted: &str, is_set: bool) -> Diagnostic {
    let message = format!(
        "the owner of the DNS records goes from `{now}` to `{wanted}`: the records of `{now}` stay as they are, and nothing updates or deletes them any more"
    );
    let finding = Diagnostic::warning("dns/owner-changes", message).note(
        "external-dns touches only records of its own owner, and makes none beside one of another owner; \
         \"Whose DNS records\" in clusterwright's `docs/network.md` says how they move",
    );
    // One key says the owners of all files: this value of it stands for what each of them said before.
    let key = if now == before { OWNER_BEFORE } else { now };
    let line = format!("write `external_dns_owner_id: {key}`");
    if is_set {
        return finding.help(format!("to keep the owner, {line}"));
    }
    finding.help(format!("if this is the same cluster under a new name, {line}"))
}

fn owner_in(documents: &[Node]) -> Option<&Node> {
    let release = |node: &&Node| node.str_at(&["kind"]) == Some("HelmRelease");
    let mut releases = documents.iter().filter(release);
    releases.find_map(|node| node.path(&["spec", "values", "txtOwnerId"]))
}

/// Where a person wrote blocks of their own, renders again those that they were written over: the default follows the
/// nodes, and would contradict the edit with each of them. The network that `cluster.yaml` chooses wins over that.
fn pool(standing: &Standing, is_chosen: bool, values: &mut Map<String, Value>) {
    let network = values
        .get("lb_pool_cidr")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let whole = json!([{ "cidr": network }]);
    let Some(rendered) = standing.render.as_ref().and_then(|text| blocks_in(text)) else {
        return;
    };
    let by_hand = blocks_in(&standing.now).as_ref() != Some(&rendered);
    if by_hand && (!is_chosen || rendered == whole) {
        let text = |block: &Value, key: &str| block[key].as_str().unwrap_or_default().to_owned();
        let blocks: Vec<PoolBlock> = rendered
            .as_array()
            .into_iter()
            .flatten()
            .map(|block| PoolBlock {
                cidr: text(block, "cidr"),
                start: text(block, "start"),
                stop: text(block, "stop"),
            })
            .collect();
        values.insert("lb_pool_blocks".to_owned(), json!(blocks));
    }
}

fn blocks_in(text: &str) -> Option<Value> {
    let documents = yaml::parse(text).unwrap_or_default();
    let is_pool = |node: &&Node| node.str_at(&["kind"]) == Some("CiliumLoadBalancerIPPool");
    let pool = documents.iter().find(is_pool)?;
    Some(pool.path(&["spec", "blocks"])?.to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(now: &str, render: Option<&str>) -> Standing {
        let pool = |blocks: &str| format!("kind: CiliumLoadBalancerIPPool\nspec:\n  blocks: {blocks}\n");
        Standing {
            path: RepoPath::parse(POOL).expect("a path"),
            now: pool(now),
            render: render.map(pool),
        }
    }

    fn after(standing: &Standing, is_chosen: bool) -> Value {
        let fresh = json!([{ "cidr": "", "start": "10.0.0.2", "stop": "10.0.0.9" }]);
        let mut values = Map::new();
        values.insert("lb_pool_cidr".to_owned(), json!("10.0.0.0/24"));
        values.insert("lb_pool_blocks".to_owned(), fresh);
        pool(standing, is_chosen, &mut values);
        let block = &values["lb_pool_blocks"][0];
        json!([block["cidr"], block["start"]])
    }

    #[test]
    fn the_line_that_keeps_an_owner_keeps_those_of_all_files() {
        for DnsOwner { before, .. } in OWNERS {
            for is_set in [false, true] {
                let line = |now: &str| changed(now, before, "home", is_set).help.join("\n");
                assert!(
                    line(before).contains("`external_dns_owner_id: default`"),
                    "{before}"
                );
                assert!(line("mine").contains("`external_dns_owner_id: mine`"), "{before}");
            }
        }
    }

    #[test]
    fn a_pool_that_a_person_wrote_meets_the_render_that_it_was_written_over() {
        let (whole, own) = ("[{cidr: 10.0.0.0/24}]", "[{start: 10.0.0.100, stop: 10.0.0.120}]");
        let before = "[{start: 10.0.0.2, stop: 10.0.0.7}]";
        let (old, fresh) = (json!(["10.0.0.0/24", ""]), json!(["", "10.0.0.2"]));
        for is_chosen in [false, true] {
            assert_eq!(after(&standing(own, Some(whole)), is_chosen), old);
            assert_eq!(
                after(&standing(whole, Some(whole)), is_chosen),
                fresh,
                "nobody wrote it"
            );
            assert_eq!(after(&standing(own, None), is_chosen), fresh, "not known");
        }
        let shrunk = standing(own, Some("[{start: 10.0.0.5, stop: 10.0.0.7}]"));
        assert_eq!(
            after(&shrunk, false),
            json!(["", "10.0.0.5"]),
            "fewer nodes by now"
        );
        assert_eq!(after(&shrunk, true), fresh, "the configuration has the word");
        assert_eq!(after(&standing(before, Some(before)), false), fresh);
    }
}
