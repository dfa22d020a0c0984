//! Backups of etcd.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{AgeRecipient, HttpUrl, Line, SecretWord, TextValue as _};

/// Encrypted snapshots of etcd, uploaded every six hours to storage that speaks S3. On when `backup_s3_endpoint` and
/// `backup_s3_bucket` are set; the other keys but the region are then required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// URL of the S3 server. Switches backups of etcd on, together with `backup_s3_bucket`. It should not be in this
    /// cluster, and better not in this house.
    #[serde(default)]
    #[schemars(example = &"https://s3.example.com")]
    pub backup_s3_endpoint: Option<HttpUrl>,

    /// Bucket that snapshots are uploaded to. It must exist; old snapshots go when a life cycle rule of the bucket
    /// deletes them.
    #[serde(default)]
    #[schemars(example = &"etcd-backups")]
    pub backup_s3_bucket: Option<Line>,

    /// Region of the bucket. A server that knows no regions takes the default.
    #[serde(default = "region")]
    #[schemars(example = &"eu-central-1")]
    pub backup_s3_region: Line,

    /// Id of the S3 access key, with the right to write to the bucket. Required for backups.
    #[serde(default)]
    #[schemars(
        example = &"<S3 access key id>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<S3 access key id>")
    )]
    pub backup_s3_access_key: Option<SecretStandIn>,

    /// Secret of the S3 access key. Required for backups.
    #[serde(default)]
    #[schemars(
        example = &"<S3 secret access key>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<S3 secret access key>")
    )]
    pub backup_s3_secret_key: Option<SecretStandIn>,

    /// Age recipient that snapshots are encrypted for. Required for backups. Make a key of its own with
    /// `age-keygen -o etcd-backup.key`, put the public half here, and keep the file somewhere that does not burn with
    /// the cluster: nobody can restore without it.
    #[serde(default)]
    #[schemars(example = &"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")]
    pub backup_age_public_key: Option<AgeRecipient>,
}

fn region() -> Line {
    Line::parse("us-east-1").expect("valid default")
}
