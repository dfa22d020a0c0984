//! stub
pub mod vault;
pub use vault::Vault;
