//! The files beside `cluster.yaml`: the age key, the push token, the deploy key and the tunnel's credentials.

mod deploy_key;
mod tunnel;

use std::path::Path;

use zeroize::{Zeroize as _, Zeroizing};

use crate::diag::{Diagnostic, Diagnostics};
use crate::sys::root::{FileKind, Refused, Root, limits};
use crate::sys::{SecretText, named};
use crate::vcs::private;

pub use deploy_key::{DeployKey, generate as generate_deploy_key};
pub use tunnel::{HOW as TUNNEL_HOW, Tunnel, demo as demo_tunnel};

/// The private age key that opens the repository's secrets.
pub const AGE_KEY: &str = "age.key";
/// The token with which GitHub signs webhook calls to Flux.
pub const PUSH_TOKEN: &str = "github-push-token.txt";
/// The SSH key with which Flux reads a private repository.
pub const DEPLOY_KEY: &str = "github-deploy.key";
/// Its public half, to be entered at GitHub.
pub const DEPLOY_KEY_PUBLIC: &str = "github-deploy.key.pub";
/// Where the catalogue seals it.
pub const SEALED_DEPLOY_KEY: &str = "bootstrap/github-deploy-key.sops.yaml";
/// The credentials of the Cloudflare tunnel, as `cloudflared` writes them.
pub const TUNNEL: &str = "cloudflare-tunnel.json";
/// The settings of raw mode, as makejinja reads them.
pub const RAW_SETTINGS: &str = "makejinja.toml";
/// Side files that must never be committed.
pub const PRIVATE: [&str; 5] = ["cluster.yaml", AGE_KEY, PUSH_TOKEN, DEPLOY_KEY, TUNNEL];

/// What rules may know of the side files.
#[derive(Debug, Clone, Default)]
pub struct Reported {
    /// Whether there is a deploy key.
    pub deploy_key: bool,
    /// The tunnel's id, where its file says one.
    pub tunnel_id: Option<String>,
    /// Whether this is a run without the private files, as in CI.
    pub keyless: bool,
    /// Whether the tunnel's file is not here, and need not be.
    pub without_tunnel: bool,
}

/// What a side file that is not there means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Nothing: a run without the private files.
    Expected,
    /// That what is sealed of it in the repository stays as it is.
    Stays,
    /// An error.
    Wrong,
}

/// The side files but the age key, read.
#[derive(Debug, Default)]
pub struct SideFiles {
    /// The push token.
    pub push_token: Option<SecretText>,
    /// The deploy key.
    pub deploy_key: Option<DeployKey>,
    /// The tunnel's credentials.
    pub tunnel: Option<Tunnel>,
}

impl SideFiles {
    /// Reads those that are there; `absent` says what it means when one is not.
    pub fn read(root: &Root, absent: Absent, diags: &mut Diagnostics) -> Self {
        let mut text = |name: &str, parse: &mut dyn FnMut(&SecretText) -> Result<(), Diagnostic>| {
            let found = read(root, name).and_then(|text| text.map(|text| parse(&text)).transpose());
            found.unwrap_or_else(|finding| {
                diags.push(finding);
                Some(())
            })
        };
        let mut files = Self::default();
        let push_token = text(PUSH_TOKEN, &mut |text| {
            files.push_token = Some(push_token(text)?);
            Ok(())
        });
        text(DEPLOY_KEY, &mut |text| {
            files.deploy_key = Some(DeployKey::parse(text)?);
            Ok(())
        });
        let tunnel = text(TUNNEL, &mut |text| {
            files.tunnel = Some(Tunnel::parse(text)?);
            Ok(())
        });
        let mut tell = |name: &str, wrong: Diagnostic| match absent {
            Absent::Expected => {}
            Absent::Stays => diags.push(
                Diagnostic::note_level(
                    "side/missing",
                    format!("`{name}` is not here: what is sealed of it stays as it is, and is not verified"),
                )
                .in_file(name)
                .help("copy it here, to change what it holds or to seal it anew"),
            ),
            Absent::Wrong => diags.push(wrong),
        };
        if push_token.is_none() {
            let what = "the token of the webhook that tells Flux of a push";
            tell(PUSH_TOKEN, missing(PUSH_TOKEN, what));
        }
        if tunnel.is_none() {
            tell(TUNNEL, tunnel::missing());
        }
        files
    }

    /// Returns what rules may know.
    pub fn report(&self, root: &Root, absent: Absent) -> Reported {
        let sealed = absent == Absent::Stays && root.is_taken(SEALED_DEPLOY_KEY);
        Reported {
            deploy_key: self.deploy_key.is_some() || sealed,
            tunnel_id: self.tunnel.as_ref().map(|tunnel| tunnel.id.clone()),
            keyless: absent == Absent::Expected,
            without_tunnel: self.tunnel.is_none() && absent != Absent::Wrong,
        }
    }
}

/// Returns the file that holds a secret which is none of `cluster.yaml`, by the name that templates know it by.
pub fn file_of(secret: &str) -> Option<&'static str> {
    match secret {
        "push_token" => Some(PUSH_TOKEN),
        "deploy_key" => Some(DEPLOY_KEY),
        "tunnel_token" => Some(TUNNEL),
        _ => None,
    }
}

fn push_token(text: &SecretText) -> Result<SecretText, Diagnostic> {
    let token = text.expose().trim();
    if token.is_empty() {
        return Err(
            Diagnostic::error("side/empty", format!("`{PUSH_TOKEN}` is empty"))
                .in_file(PUSH_TOKEN)
                .help("delete it and run `clusterwright init`, which creates a new one"),
        );
    }
    Ok(SecretText::new(token.to_owned()))
}

/// Checks what a side file other than `cluster.yaml` holds.
///
/// # Errors
/// With what is wrong.
pub fn check(name: &str, text: &SecretText) -> Result<(), Diagnostic> {
    match name {
        PUSH_TOKEN => push_token(text).map(|_| ()),
        DEPLOY_KEY => DeployKey::parse(text).map(|_| ()),
        TUNNEL => Tunnel::parse(text).map(|_| ()),
        _ => Ok(()),
    }
}

/// Reads a side file; `None` when it is not there. A link is followed where git ignores it.
///
/// # Errors
/// When it is there and cannot be read as text.
pub fn read(root: &Root, name: &str) -> Result<Option<SecretText>, Diagnostic> {
    own_bytes(root, name)?.map(|bytes| text(bytes, name)).transpose()
}

/// Reads a side file, which may be no text; `None` when it is not there. A link is followed where git ignores it.
///
/// # Errors
/// When it is there and cannot be read.
pub fn own_bytes(root: &Root, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Diagnostic> {
    found(private::read(root, name, limits::SECRET), name)
}

/// Reads a file that a person named and that holds a secret; `name` is what findings call it.
///
/// # Errors
/// When it is there and cannot be read as text.
pub fn read_path(path: &Path, name: &str) -> Result<Option<SecretText>, Diagnostic> {
    read_bytes(path, name)?.map(|bytes| text(bytes, name)).transpose()
}

fn text(mut bytes: Zeroizing<Vec<u8>>, name: &str) -> Result<SecretText, Diagnostic> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(SecretText::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(Diagnostic::error("side/not-text", format!("`{name}` is not text")).in_file(name))
        }
    }
}

/// Reads a file that a person named, holds a secret and may be no text; `name` is what findings call it.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read_bytes(path: &Path, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Diagnostic> {
    found(named::read(path, limits::SECRET), name)
}

/// Takes what was read of a file that may hold a secret; `None` when it is not there, `name` is what findings call it.
///
/// # Errors
/// When it is there and could not be read.
pub fn found(read: Result<Vec<u8>, Refused>, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Diagnostic> {
    let wrong = |what: &str| Diagnostic::error("side/not-text", format!("`{name}` {what}")).in_file(name);
    match read {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(Refused::Absent) => Ok(None),
        Err(Refused::NotRegular { kind }) if kind != FileKind::Link => Err(wrong("is not a file")),
        Err(Refused::TooLarge { .. }) => Err(wrong("is larger than 1 MiB")),
        Err(refused) => Err(private::finding(&refused, name)),
    }
}

/// The finding for a side file that must be there.
pub fn missing(name: &str, what: &str) -> Diagnostic {
    Diagnostic::error("side/missing", format!("`{name}` is missing: {what}"))
        .in_file(name)
        .help("run `clusterwright init`, which creates it, or copy it here from where you keep it")
}

/// The finding for a private key that must be there, and of which no new one helps.
pub fn missing_key(what: &str) -> Diagnostic {
    Diagnostic::error("side/missing", format!("`{AGE_KEY}` is missing: {what}"))
        .in_file(AGE_KEY)
        .help("copy it here from where you keep it, or name another key file with `SOPS_AGE_KEY_FILE`")
}

/// The finding for a file that a person named and that is not there.
pub fn not_found(name: &str) -> Diagnostic {
    Diagnostic::error("io/not-found", format!("`{name}` does not exist"))
        .in_file(name)
        .help("check the path")
}
