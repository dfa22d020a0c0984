//! `github-deploy.key`: the SSH key with which Flux reads a private repository.

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::DEPLOY_KEY;
use crate::diag::Diagnostic;
use crate::sys::{Entropy, SecretText};

/// What the public half is called where GitHub lists it.
const COMMENT: &str = "flux";

/// A private key in the format of OpenSSH.
#[derive(Debug)]
pub struct DeployKey {
    /// The key's file, with one final newline: OpenSSH refuses one without.
    pub text: SecretText,
}

impl DeployKey {
    /// Takes the text of a key file.
    ///
    /// # Errors
    /// When it is not a private key of OpenSSH, or wants a passphrase. No finding repeats anything of the text.
    pub fn parse(text: &SecretText) -> Result<Self, Diagnostic> {
        let trimmed = text.expose().trim();
        if trimmed.starts_with("ssh-") || trimmed.starts_with("ecdsa-") {
            return Err(wrong("holds the public half of a key"));
        }
        let Ok(key) = PrivateKey::from_openssh(format!("{trimmed}\n")) else {
            return Err(wrong("is not a private key in the format of OpenSSH"));
        };
        if key.is_encrypted() {
            return Err(
                wrong("wants a passphrase, which Flux could not enter").help(format!(
                    "or remove the passphrase: `ssh-keygen -p -N '' -f {DEPLOY_KEY}`"
                )),
            );
        }
        Ok(Self {
            text: SecretText::new(format!("{trimmed}\n")),
        })
    }
}

fn wrong(what: &str) -> Diagnostic {
    Diagnostic::error("side/bad-deploy-key", format!("`{DEPLOY_KEY}` {what}"))
        .in_file(DEPLOY_KEY)
        .help("delete it and run `clusterwright init`, which creates a new one to enter at GitHub")
}

/// Makes a new key: the text of the private file, and that of the public one.
///
/// # Panics
/// Never: an Ed25519 key has a text.
pub fn generate(entropy: &mut dyn Entropy) -> (SecretText, String) {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(&mut *seed);
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, COMMENT).expect("an Ed25519 key needs no passphrase");
    let private = key.to_openssh(LineEnding::LF).expect("a key has a text");
    let public = key.public_key().to_openssh().expect("a key has a text");
    (SecretText::new(private.to_string()), format!("{public}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::FixedEntropy;

    #[test]
    fn a_generated_key_is_one() {
        let (private, public) = generate(&mut FixedEntropy::new(1));
        let key = DeployKey::parse(&private).expect("a key");
        assert_eq!(key.text.expose(), private.expose());
        assert!(
            public.starts_with("ssh-ed25519 ") && public.ends_with(" flux\n"),
            "{public}"
        );
        assert!(DeployKey::parse(&SecretText::new(public)).is_err());
        let crlf = private.expose().replace('\n', "\r\n");
        assert!(DeployKey::parse(&SecretText::new(crlf)).is_ok());
    }

    #[test]
    fn what_is_no_key_is_not_repeated() {
        let (private, _) = generate(&mut FixedEntropy::new(1));
        let body = private.expose().lines().nth(2).expect("a body").to_owned();
        for text in [
            private.expose().replace("OPENSSH", "RSA"),
            format!("x{}", private.expose()),
            body.clone(),
        ] {
            let finding = DeployKey::parse(&SecretText::new(text)).expect_err("broken");
            assert!(!format!("{finding:?}").contains(&body));
        }
    }
}
