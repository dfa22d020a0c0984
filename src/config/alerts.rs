//! Where alerts go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{Line, SecretHttpUrl, SecretHttpsUrl, SecretWord, TextValue as _};

/// Where Alertmanager sends alerts. Without a receiver they show in Grafana and Alertmanager alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alerts {
    /// Who is told of alerts. Needs `monitoring_enabled`, and the secret of the chosen receiver.
    #[serde(default)]
    #[schemars(example = &"slack")]
    pub alert_receiver: AlertReceiver,

    /// Address of an incoming webhook of Slack, or of Mattermost or Discord in Slack's format. Required for the
    /// receiver `slack`.
    #[serde(default)]
    #[schemars(
        example = &"<Slack webhook URL>",
        extend("format" = SecretHttpsUrl::FORMAT, "x-placeholder" = "<Slack webhook URL>")
    )]
    pub alert_slack_webhook_url: Option<SecretStandIn>,

    /// Slack channel that alerts are posted to, in quotes. Without it, the channel of the webhook.
    #[serde(default)]
    #[schemars(example = &"#alerts")]
    pub alert_slack_channel: Option<Line>,

    /// Integration key of a PagerDuty service (Events API v2). Required for the receiver `pagerduty`.
    #[serde(default)]
    #[schemars(
        example = &"<PagerDuty routing key>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<PagerDuty routing key>")
    )]
    pub alert_pagerduty_routing_key: Option<SecretStandIn>,

    /// Address that gets alerts as JSON by POST. Required for the receiver `webhook`.
    #[serde(default)]
    #[schemars(
        example = &"<alert webhook URL>",
        extend("format" = SecretHttpUrl::FORMAT, "x-placeholder" = "<alert webhook URL>")
    )]
    pub alert_webhook_url: Option<SecretStandIn>,
}

/// Who is told of alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum AlertReceiver {
    /// Nobody.
    #[default]
    None,
    /// A channel of Slack, or of a chat that takes Slack's webhooks.
    Slack,
    /// A service of PagerDuty.
    Pagerduty,
    /// A web address of your own.
    Webhook,
}
