//! The functions and filters that the plugins of cluster templates define. What they return is handed in: this module
//! reads no file and no environment.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::counted;

/// What one of the functions returns, or why it cannot.
pub type Answer = Result<String, String>;

/// What the functions return.
#[derive(Default)]
pub struct Host {
    /// Contents of the files beside `cluster.yaml`, by what is asked for; see [`Ask`].
    pub answers: BTreeMap<Ask, Answer>,
    /// `talos_patches`: the templates in each folder of patches.
    pub patches: BTreeMap<String, Vec<String>>,
    /// The variables of the environment that were handed over.
    pub env: BTreeMap<String, String>,
}

impl Host {
    /// Returns the first host of a network, as `nthhost(1)` does.
    pub fn first_host(network: &Value) -> Value {
        nthhost(network, &Value::from(1))
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host(…)")
    }
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// `age_key('public')`
    AgePublic,
    /// `age_key('private')`
    AgePrivate,
    /// `cloudflare_tunnel_id()`
    TunnelId,
    /// `cloudflare_tunnel_secret()`
    TunnelSecret,
    /// `github_deploy_key()`
    GithubDeployKey,
    /// `github_push_token()`
    GithubPushToken,
    /// `deploy_key()`
    DeployKey,
    /// `webhook_token()`
    WebhookToken,
}

impl Ask {
    /// Functions without an argument of their own: name and file.
    const PLAIN: [(&'static str, Self); 6] = [
        ("cloudflare_tunnel_id", Self::TunnelId),
        ("cloudflare_tunnel_secret", Self::TunnelSecret),
        ("github_deploy_key", Self::GithubDeployKey),
        ("github_push_token", Self::GithubPushToken),
        ("deploy_key", Self::DeployKey),
        ("webhook_token", Self::WebhookToken),
    ];

    /// Returns the file that the answer comes from.
    pub fn file(self) -> &'static str {
        match self {
            Self::AgePublic | Self::AgePrivate => "age.key",
            Self::TunnelId | Self::TunnelSecret => "cloudflare-tunnel.json",
            Self::GithubDeployKey => "github-deploy.key",
            Self::GithubPushToken => "github-push-token.txt",
            Self::DeployKey => "deploy.key",
            Self::WebhookToken => "flux-webhook-token.txt",
        }
    }
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// Registers all of them.
pub(super) fn register(env: &mut Environment<'static>, host: &Arc<Host>) {
    env.add_filter("basename", |path: &str| stem(path).to_owned());
    env.add_filter("nthhost", nthhost);
    env.add_function("nthhost", nthhost);
    env.add_filter("b64encode", b64encode);
    env.add_function("b64encode", b64encode);
    env.add_filter("b64decode", b64decode);
    let answers = Arc::clone(host);
    env.add_function("age_key", move |kind: &str, file: Option<&str>| {
        let ask = match kind {
            "public" => Ask::AgePublic,
            "private" => Ask::AgePrivate,
            _ => return Err(invalid("`age_key` takes 'public' or 'private'")),
        };
        answer(&answers, ask, file)
    });
    for (name, ask) in Ask::PLAIN {
        let answers = Arc::clone(host);
        env.add_function(name, move |file: Option<&str>| answer(&answers, ask, file));
    }
    let patches = Arc::clone(host);
    env.add_function("talos_patches", move |folder: &str| {
        let found = patches.patches.get(folder.trim_matches('/'));
        Value::from(found.cloned().unwrap_or_default())
    });
    env.add_function("infrastructure_enabled", |data: &Value| {
        let on = |key: &str| data.get_attr(key).is_ok_and(|value| value.is_true());
        on("proxmox_api_url") && on("proxmox_node")
    });
    let variables = Arc::clone(host);
    env.add_function(
        "get_env",
        move |name: &str, default: Option<Value>, kwargs: Kwargs| {
            let default = default.or(kwargs.get::<Option<Value>>("default")?);
            kwargs.assert_all_used()?;
            match (variables.env.get(name), default) {
                (Some(value), _) => Ok(Value::from(value.as_str())),
                (None, Some(default)) => Ok(default),
                (None, None) => Err(invalid(format!(
                    "the variable `{name}` of the environment is not handed over: add `--env {name}`"
                ))),
            }
        },
    );
    env.add_global(
        "env",
        Value::from_pairs(
            host.env
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ),
    );
}

fn answer(host: &Host, ask: Ask, file: Option<&str>) -> Result<String, Error> {
    if let Some(other) = file.filter(|file| file.trim_start_matches("./") != ask.file()) {
        let (own, other) = (ask.file(), other.chars().take(80).collect::<String>());
        return Err(invalid(format!("only `{own}` is read here, not `{other}`")));
    }
    match host.answers.get(&ask) {
        Some(Ok(text)) => Ok(text.clone()),
        Some(Err(reason)) => Err(invalid(reason.clone())),
        None => Err(invalid(format!("`{}` is missing", ask.file()))),
    }
}

/// Returns the last part of a path without its last suffix.
fn stem(path: &str) -> &str {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => &name[..dot],
        _ => name,
    }
}

/// Returns the n-th address of a network; false for what is none, and for one out of range.
fn nthhost(network: &Value, number: &Value) -> Value {
    let found = network.as_str().and_then(|network| {
        let network: IpNet = match network.parse() {
            Ok(network) => network,
            Err(_) => network.parse::<IpAddr>().ok()?.into(),
        };
        nth(&network, u128::try_from(number.clone()).ok()?)
    });
    found.map_or_else(|| Value::from(false), |address| Value::from(address.to_string()))
}

fn nth(network: &IpNet, number: u128) -> Option<IpAddr> {
    match network {
        IpNet::V4(network) => {
            let address = u32::from(network.network()).checked_add(u32::try_from(number).ok()?)?;
            let address = IpAddr::V4(address.into());
            IpNet::V4(*network).contains(&address).then_some(address)
        }
        IpNet::V6(network) => {
            let address = u128::from(network.network()).checked_add(number)?;
            let address = IpAddr::V6(address.into());
            IpNet::V6(*network).contains(&address).then_some(address)
        }
    }
}

fn b64encode(value: &Value) -> Result<String, Error> {
    match (value.as_str(), value.as_bytes()) {
        (Some(text), _) => counted::text(STANDARD.encode(text)),
        (None, Some(bytes)) => counted::text(STANDARD.encode(bytes)),
        (None, None) if value.kind() == ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        (None, None) => Err(invalid(format!(
            "`b64encode` is for a text, not for {}",
            value.kind()
        ))),
    }
}

fn b64decode(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(text.trim());
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid("`b64decode` of what is not base64 of a text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_counted_from_the_network_address() {
        let host =
            |network: &str, number: i64| nthhost(&Value::from(network), &Value::from(number)).to_string();
        assert_eq!(host("10.10.10.0/24", 1), "10.10.10.1");
        assert_eq!(
            host("10.10.10.7/24", 255),
            "10.10.10.255",
            "host bits are dropped"
        );
        assert_eq!(host("10.10.10.0/24", 256), "False");
        assert_eq!(host("10.10.10.0/24", -1), "False");
        assert_eq!(host("2001:db8::/64", 16), "2001:db8::10");
        assert_eq!(host("10.10.10.4", 0), "10.10.10.4");
        assert_eq!(host("none", 0), "False");
    }

    #[test]
    fn the_stem_of_a_path_is_that_of_python() {
        for (path, expected) in [
            ("templates/talos/a.yaml.j2", "a.yaml"),
            (".sops", ".sops"),
            ("a", "a"),
            ("a.", "a."),
            ("x/y.d/", "y"),
        ] {
            assert_eq!(stem(path), expected, "{path}");
        }
    }
}
