//! Post-quantum age keys: `age1pq1…` and `AGE-SECRET-KEY-PQ-1…`.
//!
//! The stanza `mlkem768x25519` is HPKE (RFC 9180, base mode) over X-Wing, which joins ML-KEM-768 and X25519 so that a
//! file stays closed as long as one of the two holds. The `age` crate knows the recipient types of hardware keys only,
//! so this is the native one on its traits. The judge is `age` itself, in the tests below and in
//! `tests/conformance/sops.sh`.

use std::collections::HashSet;

use age::secrecy::ExposeSecret as _;
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bech32::Hrp;
use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use hkdf::{Hkdf, HkdfExtract};
use ml_kem::kem::Decapsulate as _;
use ml_kem::{B32, Ciphertext, EncapsulateDeterministic as _, Encoded, EncodedSizeUser, KemCore, MlKem768};
use sha2::Sha256;
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use sha3::{Digest as _, Sha3_256, Shake256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize as _, Zeroizing};

type EncapsulationKey = <MlKem768 as KemCore>::EncapsulationKey;
type DecapsulationKey = <MlKem768 as KemCore>::DecapsulationKey;

/// How recipients start.
pub(crate) const RECIPIENT_PREFIX: &str = "age1pq1";
/// How identities start.
pub(crate) const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-PQ-1";

const RECIPIENT_HRP: &str = "age1pq";
const IDENTITY_HRP: &str = "age-secret-key-pq-";
const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// Files with this label have post-quantum recipients only.
const LABEL: &str = "postquantum";

const KEM_KEY: usize = 1184;
const KEM_CIPHERTEXT: usize = 1088;
const POINT: usize = 32;
const AEAD_TAG: usize = 16;

/// HPKE's `suite_id`: KEM X-Wing, KDF HKDF-SHA256, AEAD ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";
/// The label of X-Wing's combiner, a small drawing of a spaceship.
const X_WING: &[u8] = br"\.//^\";

/// The public half of a post-quantum key.
#[derive(Clone)]
pub(crate) struct HybridRecipient {
    kem: EncapsulationKey,
    point: PublicKey,
}

/// A post-quantum key: the seed from which both private halves follow. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct HybridIdentity {
    seed: Zeroizing<[u8; 32]>,
}

/// The private halves of both keys. Wiped when dropped, by their own crates.
struct Private {
    kem: DecapsulationKey,
    scalar: StaticSecret,
}

impl HybridRecipient {
    /// Reads `age1pq1…`; `None` for anything that is no such recipient.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(RECIPIENT_PREFIX) {
            return None;
        }
        let bytes = decode(text, RECIPIENT_HRP)?;
        if bytes.len() != KEM_KEY + POINT {
            return None;
        }
        let encoded = Encoded::<EncapsulationKey>::try_from(&bytes[..KEM_KEY]).ok()?;
        let kem = EncapsulationKey::from_bytes(&encoded);
        // The check of the modulus in FIPS 203, 7.2: what does not come back as it was is no key.
        if kem.as_bytes() != encoded {
            return None;
        }
        let point: [u8; POINT] = bytes[KEM_KEY..].try_into().ok()?;
        Some(Self {
            kem,
            point: PublicKey::from(point),
        })
    }

    /// Wraps a file key with these 64 bytes of randomness.
    fn seal(&self, file_key: &FileKey, random: &[u8; 64]) -> Option<Stanza> {
        let mut message = B32::default();
        message.copy_from_slice(&random[..32]);
        let (ciphertext, kem_secret) = self.kem.encapsulate_deterministic(&message).ok()?;
        let kem_secret = Zeroizing::new(<[u8; 32]>::from(kem_secret));
        message.as_mut_slice().zeroize();
        let scalar = Zeroizing::new(<[u8; 32]>::try_from(&random[32..]).ok()?);
        let ephemeral = StaticSecret::from(*scalar);
        let share = PublicKey::from(&ephemeral);
        let point_secret = ephemeral.diffie_hellman(&self.point);
        let shared = combine(&kem_secret, point_secret.as_bytes(), &share, &self.point);
        let (cipher, nonce) = schedule(&shared);
        let mut body = file_key.expose_secret().to_vec();
        let tag = cipher
            .encrypt_in_place_detached((&*nonce).into(), &[], &mut body)
            .ok()?;
        body.extend_from_slice(&tag);
        Some(Stanza {
            tag: STANZA.to_owned(),
            args: vec![STANDARD_NO_PAD.encode([&ciphertext[..], share.as_bytes()].concat())],
            body,
        })
    }
}

impl std::fmt::Display for HybridRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.kem.as_bytes()[..], self.point.as_bytes()].concat();
        f.write_str(&bech32_encode(Hrp::parse_unchecked(RECIPIENT_HRP), &bytes))
    }
}

impl age::Recipient for HybridRecipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let mut random = Zeroizing::new([0; 64]);
        let refused = |message: &str| age::EncryptError::Io(std::io::Error::other(message.to_owned()));
        getrandom::fill(&mut *random).map_err(|_| refused("no randomness"))?;
        let stanza = self
            .seal(file_key, &random)
            .ok_or_else(|| refused("the key could not be wrapped"))?;
        Ok((vec![stanza], HashSet::from([LABEL.to_owned()])))
    }
}

impl HybridIdentity {
    /// Makes a new key.
    pub(crate) fn generate() -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).expect("the system has a source of randomness");
        Self { seed }
    }

    /// Reads `AGE-SECRET-KEY-PQ-1…`; `None` for anything that is no such key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(IDENTITY_PREFIX) {
            return None;
        }
        let bytes = decode(text, IDENTITY_HRP)?;
        let mut seed = Zeroizing::new([0; 32]);
        if bytes.len() != seed.len() {
            return None;
        }
        seed.copy_from_slice(&bytes);
        Some(Self { seed })
    }

    /// Returns the line of an identity file.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut text = bech32_encode(Hrp::parse_unchecked(IDENTITY_HRP), &*self.seed);
        text.make_ascii_uppercase();
        Zeroizing::new(text)
    }

    /// Returns the public half.
    pub(crate) fn to_public(&self) -> HybridRecipient {
        let private = self.expand();
        HybridRecipient {
            kem: private.kem.encapsulation_key().clone(),
            point: PublicKey::from(&private.scalar),
        }
    }

    fn expand(&self) -> Private {
        let mut stream = Shake256::default();
        stream.update(&*self.seed);
        let mut stream = stream.finalize_xof();
        let (mut d, mut z, mut scalar) = (B32::default(), B32::default(), Zeroizing::new([0; 32]));
        stream.read(&mut d);
        stream.read(&mut z);
        stream.read(&mut *scalar);
        let (kem, _) = MlKem768::generate_deterministic(&d, &z);
        d.as_mut_slice().zeroize();
        z.as_mut_slice().zeroize();
        Private {
            kem,
            scalar: StaticSecret::from(*scalar),
        }
    }

    fn open(&self, enc: &[u8], body: &[u8]) -> Option<FileKey> {
        let private = self.expand();
        let ciphertext = Ciphertext::<MlKem768>::try_from(enc.get(..KEM_CIPHERTEXT)?).ok()?;
        let kem_secret = private.kem.decapsulate(&ciphertext).ok()?;
        let kem_secret = Zeroizing::new(<[u8; 32]>::from(kem_secret));
        let share = PublicKey::from(<[u8; POINT]>::try_from(enc.get(KEM_CIPHERTEXT..)?).ok()?);
        let point_secret = private.scalar.diffie_hellman(&share);
        let public = PublicKey::from(&private.scalar);
        let shared = combine(&kem_secret, point_secret.as_bytes(), &share, &public);
        let (cipher, nonce) = schedule(&shared);
        let (data, tag) = body.split_at_checked(FILE_KEY_BYTES)?;
        FileKey::try_init_with_mut(|key| {
            key.copy_from_slice(data);
            cipher.decrypt_in_place_detached((&*nonce).into(), &[], key, tag.into())
        })
        .ok()
    }
}

impl age::Identity for HybridIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        if stanza.tag != STANZA {
            return None;
        }
        let malformed = Some(Err(age::DecryptError::InvalidHeader));
        let [enc] = &stanza.args[..] else {
            return malformed;
        };
        let Ok(enc) = STANDARD_NO_PAD.decode(enc) else {
            return malformed;
        };
        if enc.len() != KEM_CIPHERTEXT + POINT || stanza.body.len() != FILE_KEY_BYTES + AEAD_TAG {
            return malformed;
        }
        self.open(&enc, &stanza.body).map(Ok)
    }
}

fn decode(text: &str, hrp: &str) -> Option<Zeroizing<Vec<u8>>> {
    bech32_decode(
        text,
        |_| (),
        |found| (found.to_lowercase() == hrp).then_some(()).ok_or(()),
        |_, bytes| {
            // One allocation, so that no copy of a private key is left behind by growth.
            let mut data = Zeroizing::new(Vec::with_capacity(text.len()));
            data.extend(bytes);
            Ok(data)
        },
    )
    .ok()
}

/// X-Wing's combiner.
fn combine(kem: &[u8; 32], point: &[u8; 32], share: &PublicKey, public: &PublicKey) -> Zeroizing<[u8; 32]> {
    let hash = Sha3_256::new()
        .chain_update(kem)
        .chain_update(point)
        .chain_update(share.as_bytes())
        .chain_update(public.as_bytes())
        .chain_update(X_WING);
    Zeroizing::new(hash.finalize().into())
}

/// HPKE's key schedule in base mode: the cipher, and the nonce of its first message.
fn schedule(shared: &[u8; 32]) -> (ChaCha20Poly1305, Zeroizing<[u8; 12]>) {
    let (psk_id, _) = extract(&[], b"psk_id_hash", &[]);
    let (info, _) = extract(&[], b"info_hash", INFO);
    let context = [&[0][..], &*psk_id, &*info].concat();
    let (_, secret) = extract(shared, b"secret", &[]);
    let mut key = Zeroizing::new([0; 32]);
    expand(&secret, b"key", &context, &mut *key);
    let mut nonce = Zeroizing::new([0; 12]);
    expand(&secret, b"base_nonce", &context, &mut *nonce);
    (ChaCha20Poly1305::new((&*key).into()), nonce)
}

/// HPKE's `LabeledExtract`.
fn extract(salt: &[u8], label: &[u8], input: &[u8]) -> (Zeroizing<[u8; 32]>, Hkdf<Sha256>) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in [b"HPKE-v1", SUITE, label, input] {
        extract.input_ikm(part);
    }
    let (prk, hkdf) = extract.finalize();
    (Zeroizing::new(prk.into()), hkdf)
}

/// HPKE's `LabeledExpand`.
fn expand(secret: &Hkdf<Sha256>, label: &[u8], info: &[u8], out: &mut [u8]) {
    let length = u16::try_from(out.len()).unwrap_or(u16::MAX).to_be_bytes();
    secret
        .expand_multi_info(&[&length, b"HPKE-v1", SUITE, label, info], out)
        .expect("some bytes of a key are far below what HKDF can give");
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::Identity as _;

    const KEY: &str = include_str!("../../tests/fixtures/pq-key.txt");
    /// Written by age 1.3.1: the text `post-quantum`.
    const FILE: &str = include_str!("../../tests/fixtures/pq.age");

    fn line<'t>(text: &'t str, prefix: &str) -> &'t str {
        let line = text.lines().find(|line| line.contains(prefix)).unwrap();
        line.split(' ').next_back().unwrap()
    }

    #[test]
    fn the_key_of_age_has_the_public_half_that_age_says() {
        let identity = HybridIdentity::parse(line(KEY, IDENTITY_PREFIX)).unwrap();
        assert_eq!(identity.to_text().as_str(), line(KEY, IDENTITY_PREFIX));
        let public = line(KEY, RECIPIENT_PREFIX);
        assert_eq!(identity.to_public().to_string(), public);
        assert_eq!(HybridRecipient::parse(public).unwrap().to_string(), public);
    }

    #[test]
    fn a_file_of_age_opens() {
        let identity = HybridIdentity::parse(line(KEY, IDENTITY_PREFIX)).unwrap();
        let text = age::decrypt(&identity, FILE.as_bytes()).unwrap();
        assert_eq!(text, b"post-quantum");
    }

    #[test]
    fn what_we_wrap_opens_for_its_recipient_and_nobody_else() {
        let me = HybridIdentity::generate();
        let text = age::encrypt(&me.to_public(), b"data").unwrap();
        assert_eq!(age::decrypt(&me, &text).unwrap(), b"data");
        assert!(age::decrypt(&HybridIdentity::generate(), &text).is_err());
    }

    fn with(stanza: &Stanza, args: Vec<String>) -> Stanza {
        Stanza {
            tag: stanza.tag.clone(),
            args,
            body: stanza.body.clone(),
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let me = HybridIdentity::generate();
        let key = FileKey::new(Box::new([7; 16]));
        let stanza = me.to_public().seal(&key, &[3; 64]).unwrap();
        let opened = me.unwrap_stanza(&stanza).unwrap().unwrap();
        assert_eq!(opened.expose_secret(), key.expose_secret());
        let enc = STANDARD_NO_PAD.decode(&stanza.args[0]).unwrap();
        for at in (0..enc.len()).step_by(29).chain(KEM_CIPHERTEXT..enc.len()) {
            let mut bad = enc.clone();
            // The top bit of a point's last byte means nothing to X25519, but X-Wing hashes it.
            bad[at] ^= 0x80;
            let bad = with(&stanza, vec![STANDARD_NO_PAD.encode(bad)]);
            assert!(me.unwrap_stanza(&bad).is_none(), "byte {at} of the share");
        }
        for at in 0..stanza.body.len() {
            let mut bad = with(&stanza, stanza.args.clone());
            bad.body[at] ^= 1;
            assert!(me.unwrap_stanza(&bad).is_none(), "byte {at} of the body");
        }
    }

    #[test]
    fn stanzas_and_texts_of_another_shape_are_refused() {
        let me = HybridIdentity::generate();
        let stanza = me
            .to_public()
            .seal(&FileKey::new(Box::new([7; 16])), &[3; 64])
            .unwrap();
        let mut other = with(&stanza, stanza.args.clone());
        other.tag = "X25519".to_owned();
        assert!(me.unwrap_stanza(&other).is_none());
        for args in [vec![], vec!["AAAA".to_owned()], vec!["=".to_owned()]] {
            assert!(me.unwrap_stanza(&with(&stanza, args)).unwrap().is_err());
        }
        let public = me.to_public().to_string();
        assert!(HybridRecipient::parse(&public.replacen("age1pq1", "age1pq1q", 1)).is_none());
        assert!(HybridRecipient::parse(&public[..public.len() - 1]).is_none());
        assert!(HybridRecipient::parse(&public.to_uppercase()).is_none());
        // A coefficient beyond the modulus: the first 12 bits all set.
        let mut bytes = decode(&public, RECIPIENT_HRP).unwrap();
        (bytes[0], bytes[1]) = (0xff, 0xff);
        let text = bech32_encode(Hrp::parse_unchecked(RECIPIENT_HRP), &bytes);
        assert!(HybridRecipient::parse(&text).is_none());
        assert!(HybridIdentity::parse("AGE-SECRET-KEY-PQ-1QQQ").is_none());
    }
}
