//! Alerts are sent by Alertmanager, to a receiver that it can reach.

use super::{KeyRule, needs};
use crate::config::AlertReceiver;
use crate::diag::Diagnostic;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "alert_receiver",
    codes: &[
        "config/alerts-need-monitoring",
        "config/incomplete-alert-receiver",
    ],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let Some(receiver) = facts.written::<AlertReceiver>("/alert_receiver") else {
        return;
    };
    let key = match receiver.value {
        AlertReceiver::None => return,
        AlertReceiver::Slack => "alert_slack_webhook_url",
        AlertReceiver::Pagerduty => "alert_pagerduty_routing_key",
        AlertReceiver::Webhook => "alert_webhook_url",
    };
    needs(
        facts,
        "alert_receiver",
        &[key],
        "config/incomplete-alert-receiver",
        out,
    );
    let off = facts
        .get::<bool>("/monitoring_enabled")
        .filter(|flag| !flag.value);
    if let Some(monitoring) = off {
        let finding = Diagnostic::error(
            "config/alerts-need-monitoring",
            "`alert_receiver` needs `monitoring_enabled`, which is off",
        );
        let finding = about_two(
            finding,
            &monitoring,
            &receiver,
            ["switched off here", "chosen here"],
        );
        out.push(finding.help("write `monitoring_enabled: true`, or `alert_receiver: none`"));
    }
}
