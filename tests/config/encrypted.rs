//! A `cluster.yaml` that is itself encrypted.
