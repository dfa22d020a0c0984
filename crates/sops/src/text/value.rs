//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// SOPS uses 32-byte nonces; with 12 bytes it would panic at its next edit (getsops/sops `aes/cipher.go`).
type Cipher = AesGcm<Aes256, U32>;

const PREFIX: &str = "ENC[AES256_GCM,data:";
const TAG_LEN: usize = 16;
const KEY_LEN: usize = 32;

/// What an encrypted value was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// Text.
    Str,
    /// A signed 64-bit integer.
    Int,
    /// A 64-bit floating point number.
    Float,
    /// `True` or `False`.
    Bool,
    /// A point in time, RFC 3339.
    Time,
    /// The text of a comment after its `#`.
    Comment,
}

impl ValueType {
    /// Returns the word in `type:`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Time => "time",
            Self::Comment => "comment",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "str" => Self::Str,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "time" => Self::Time,
            "comment" => Self::Comment,
            _ => return None,
        })
    }
}

/// A value with its type, as SOPS encrypts and hashes it. Wiped when dropped, silent in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) kind: ValueType,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl Plain {
    pub(crate) fn new(kind: ValueType, text: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            bytes: Zeroizing::new(text.into()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the plaintext as text, where it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plain({}, …)", self.kind.word())
    }
}

/// The 32 bytes that encrypt every value of a file. Wiped when dropped, silent in `Debug`. They lie on the heap, so that
/// moving the key leaves no copies on the stack.
#[derive(Clone)]
pub(crate) struct DataKey {
    bytes: Zeroizing<Vec<u8>>,
    cipher: Box<Cipher>,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    pub(crate) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new(vec![0; KEY_LEN]);
        entropy.fill(&mut bytes);
        Self::new(bytes)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == KEY_LEN).then(|| Self::new(Zeroizing::new(bytes.to_vec())))
    }

    fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        let cipher = Box::new(Cipher::new(bytes.as_slice().into()));
        Self { bytes, cipher }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Encrypts a value under a fresh nonce; returns the `ENC[…]` text.
    pub(crate) fn seal(&self, plain: &Plain, aad: &str, entropy: &mut dyn Entropy) -> String {
        let mut iv = [0; 32];
        entropy.fill(&mut iv);
        self.seal_with(plain, aad, &iv)
    }

    fn seal_with(&self, plain: &Plain, aad: &str, iv: &[u8; 32]) -> String {
        let mut data = plain.bytes.to_vec();
        let tag = self
            .cipher
            .encrypt_in_place_detached(Nonce::<U32>::from_slice(iv), aad.as_bytes(), &mut data)
            .expect("a value is far below the 64 GiB that GCM can encrypt");
        format!(
            "{PREFIX}{},iv:{},tag:{},type:{}]",
            STANDARD.encode(&data),
            STANDARD.encode(iv),
            STANDARD.encode(tag),
            plain.kind.word()
        )
    }

    /// Opens a value. `None` when it was changed or belongs to another path.
    pub(crate) fn open(&self, value: &Encrypted, aad: &str) -> Option<Plain> {
        let mut bytes = Zeroizing::new(value.data.clone());
        self.cipher
            .decrypt_in_place_detached(
                Nonce::<U32>::from_slice(&value.iv),
                aad.as_bytes(),
                &mut bytes,
                Tag::from_slice(&value.tag),
            )
            .ok()?;
        Some(Plain {
            kind: value.kind,
            bytes,
        })
    }
}

/// A parsed `ENC[…]` text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encrypted {
    data: Vec<u8>,
    iv: [u8; 32],
    tag: [u8; TAG_LEN],
    pub(crate) kind: ValueType,
}

impl Encrypted {
    /// Reads a value. As in SOPS, whatever follows the closing bracket is ignored.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = token(text)?.strip_prefix(PREFIX)?.strip_suffix(']')?;
        let (data, rest) = rest.split_once(",iv:")?;
        let (iv, rest) = rest.split_once(",tag:")?;
        let (tag, kind) = rest.split_once(",type:")?;
        let data = STANDARD.decode(data).ok().filter(|data| !data.is_empty())?;
        Some(Self {
            data,
            iv: STANDARD.decode(iv).ok()?.try_into().ok()?,
            tag: STANDARD.decode(tag).ok()?.try_into().ok()?,
            kind: ValueType::from_word(kind)?,
        })
    }
}

/// Returns whether a value claims to be encrypted. Whether it is, only its key tells.
pub fn is_ciphertext(value: &str) -> bool {
    value.starts_with("ENC[AES256_GCM,")
}

/// Returns the `ENC[…]` at the start of a text, without what follows its closing bracket.
pub(crate) fn token(text: &str) -> Option<&str> {
    if !is_ciphertext(text) {
        return None;
    }
    text.rfind(']').map(|end| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DataKey {
        let hex = "9362aef0e9070e681addcbcb47ed5da117007f758308c462812b6f4210950036";
        let bytes: Vec<u8> = (0..32)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        DataKey::from_slice(&bytes).unwrap()
    }

    /// Made with the cipher of sops 3.13.2.
    const VECTORS: [(ValueType, &str, &str, &str); 9] = [
        (
            ValueType::Str,
            "hello",
            "stringData:password:",
            "ENC[AES256_GCM,data:BQLQzJg=,iv:NnEGZNYbkpXlQl/wDWX7+pBx82JsJ7JPEYnAFKb1MfU=,tag:pBe2tdyc9mg4l9WLxIrCrA==,type:str]",
        ),
        (
            ValueType::Str,
            "é😀",
            "a:",
            "ENC[AES256_GCM,data:YuGhLocs,iv:1XnxZdbjZprNDgdcwuR+32Iq06MAnxMFoqaZs08TCDU=,tag:C59FlNJV/MvxqQF/Sfhdzw==,type:str]",
        ),
        (
            ValueType::Int,
            "-7",
            "n:",
            "ENC[AES256_GCM,data:RGw=,iv:nPUo063R1+blwR7quYzV9/Spq6Hz7J/Id0UKvIdGadI=,tag:3AcUv1upMlWs4YxitV2CxQ==,type:int]",
        ),
        (
            ValueType::Float,
            "10000000000",
            "f:",
            "ENC[AES256_GCM,data:9SKjG2gJH7tPJho=,iv:avLWZFRfVjmCq4poiBN6/5WlB1ME5EqY35lShjygr3k=,tag:CfcYBcV1Fs1AqrK5fK0ufg==,type:float]",
        ),
        (
            ValueType::Bool,
            "True",
            "b:",
            "ENC[AES256_GCM,data:O4ySoQ==,iv:K+fBUbt5D2Wz0j+c53VbvspD1BiKy3Z70ySJnGmjf9Q=,tag:LXJsCYedgsOh+SBRBON3Mw==,type:bool]",
        ),
        (
            ValueType::Time,
            "2024-01-01T00:00:00Z",
            "d:",
            "ENC[AES256_GCM,data:ZX7QRSDVgdhdmG7svUY7CYB6R8s=,iv:GOkgJM0AI7gAhRZvfjL9N/SazYFh0/+E5RsMVAnQYt0=,tag:0cNdXC5xL9n8mMMmAyTAjw==,type:time]",
        ),
        (
            ValueType::Comment,
            " a comment",
            "stringData:",
            "ENC[AES256_GCM,data:byWTXifr91Yjrw==,iv:eU8/TSmrp1OiKQyp5ti4Xnl1OdziDZuv/PmqNQjD2QE=,tag:FmBIo0eGcECBQ+DCBoGlqA==,type:comment]",
        ),
        (
            ValueType::Comment,
            " top",
            ":",
            "ENC[AES256_GCM,data:jrIXxw==,iv:k2UEbAjIu9mhzvMQv2Wzu+saMoBkiIvmGyLeT241D6U=,tag:HegyHHgsS873ufpVWHRT5Q==,type:comment]",
        ),
        (
            ValueType::Str,
            "deep",
            "l:k:",
            "ENC[AES256_GCM,data:QrUWtw==,iv:2bk3PCzgqAmXrS7WdYhdKZEnNFEekTghrlO27mnEoBg=,tag:Q2HXR35zh8jT/pbA1wJPcw==,type:str]",
        ),
    ];

    #[test]
    fn opens_and_makes_the_values_of_sops() {
        for (kind, plaintext, aad, text) in VECTORS {
            let value = Encrypted::parse(text).expect(text);
            let plain = key().open(&value, aad).expect(text);
            assert_eq!((plain.kind, plain.text()), (kind, Some(plaintext)));
            assert_eq!(
                key().seal_with(&Plain::new(kind, plaintext), aad, &value.iv),
                text
            );
        }
    }

    #[test]
    fn makes_upstreams_own_cipher_vector() {
        // getsops/sops aes/cipher_test.go: TestDecrypt
        let key = DataKey::from_slice(&[b'f'; 32]).unwrap();
        let value = Encrypted::parse("ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]").unwrap();
        assert_eq!(key.open(&value, "bar:").unwrap().text(), Some("foo"));
    }

    #[test]
    fn any_flipped_bit_or_other_path_is_noticed() {
        let (_, _, aad, text) = VECTORS[0];
        let value = Encrypted::parse(text).unwrap();
        let none = |value: &Encrypted, aad| key().open(value, aad).is_none();
        assert!(none(&value, "stringData:passwords:") && none(&value, ""));
        for bit in 0..8 {
            for i in 0..value.data.len() {
                let mut bad = value.clone();
                bad.data[i] ^= 1 << bit;
                assert!(none(&bad, aad));
            }
            for i in 0..32 {
                let mut bad = value.clone();
                bad.iv[i] ^= 1 << bit;
                assert!(none(&bad, aad));
            }
            for i in 0..TAG_LEN {
                let mut bad = value.clone();
                bad.tag[i] ^= 1 << bit;
                assert!(none(&bad, aad));
            }
        }
    }

    #[test]
    fn refuses_what_sops_refuses() {
        let good = VECTORS[0].3;
        assert_eq!(Encrypted::parse(&format!("{good} tail")), Encrypted::parse(good));
        for bad in [
            good.replace("BQLQzJg=", ""),
            good.replace("BQLQzJg=", "BQLQzJg"),
            good.replace("type:str", "type:bytes"),
            good.replace("AES256_GCM", "AES128_GCM"),
            good.replace("NnEGZNYbkpXlQl/wDWX7+pBx82JsJ7JPEYnAFKb1MfU=", "NnEGZNYbkpXlQl/w"),
            good.replace(']', ""),
            String::new(),
        ] {
            assert_eq!(Encrypted::parse(&bad), None, "{bad}");
        }
    }
}
