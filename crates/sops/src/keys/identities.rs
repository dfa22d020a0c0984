//! The private keys at hand, and what they open.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::SopsError;
use crate::keys::key::Recipient;
use crate::keys::post_quantum;
use crate::keys::prompt::{Nobody, Prompt};
use crate::secret::SecretText;
use crate::stack;

/// Gives keys for a recipient, such as a password manager; the error says why not.
pub type Supply = Arc<dyn Fn(&str) -> Result<Identities, String> + Send + Sync>;

/// Why something behind a passphrase stays closed.
pub(crate) const NOBODY_TO_ASK: &str = "is protected by a passphrase, and there is no terminal to ask for it";
pub(crate) const WRONG_PASSPHRASE: &str = "does not open: the passphrase is wrong";

/// Longest wrapped key that is read, in bytes: a data key has 32, a share of one 33.
const MAX_KEY: u64 = 64;
/// Most work that a passphrase may ask for, as a power of two: the limit of `age`. It writes 18.
const MAX_WORK: u8 = 22;
/// Longest identity file behind a passphrase that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A private key. The crates below wipe their own when dropped.
#[derive(Clone)]
struct Key {
    opens: Arc<dyn age::Identity + Send + Sync>,
    /// The public half, where it can be known.
    recipient: Option<Recipient>,
    /// What errors call a key that may ask a person or start a program; it is tried after those that do neither.
    slow: Option<String>,
}

/// The private keys at hand. Silent in `Debug`.
#[derive(Default, Clone)]
pub struct Identities {
    keys: Vec<Key>,
    suppliers: Vec<(String, Supply)>,
    locked: Vec<Arc<Locked>>,
    unsupported: BTreeSet<&'static str>,
    tried: Vec<String>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Identities({})",
            self.keys.len() + self.suppliers.len() + self.locked.len()
        )
    }
}

/// An identity file behind a passphrase, which is asked for once and only when it is needed.
struct Locked {
    name: String,
    file: Vec<u8>,
    prompt: Arc<dyn Prompt>,
    opened: OnceLock<Result<(Identities, SecretText), SopsError>>,
}

impl Locked {
    fn open(&self) -> &Result<(Identities, SecretText), SopsError> {
        self.opened.get_or_init(|| {
            let broken = || SopsError::LockedIdentity {
                name: self.name.clone(),
                what: "is not an identity file behind a passphrase",
            };
            let decryptor = age::Decryptor::new(ArmoredReader::new(&self.file[..])).map_err(|_| broken())?;
            if !decryptor.is_scrypt() {
                return Err(broken());
            }
            let passphrase = self.prompt.passphrase(&self.name);
            let passphrase = passphrase.ok_or_else(|| SopsError::LockedIdentity {
                name: self.name.clone(),
                what: NOBODY_TO_ASK,
            })?;
            let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
            identity.set_max_work_factor(MAX_WORK);
            let mut text = Zeroizing::new(String::with_capacity(self.file.len()));
            decryptor
                .decrypt(std::iter::once(&identity as &dyn age::Identity))
                .map_err(|error| match error {
                    age::DecryptError::ExcessiveWork { .. } => SopsError::LockedIdentity {
                        name: self.name.clone(),
                        what: "asks for more work than is reasonable before it opens",
                    },
                    _ => SopsError::LockedIdentity {
                        name: self.name.clone(),
                        what: WRONG_PASSPHRASE,
                    },
                })?
                .take(MAX_FILE)
                .read_to_string(&mut text)
                .map_err(|_| broken())?;
            let text = SecretText::new(std::mem::take(&mut *text));
            Ok((Identities::parse_for(text.expose(), &self.prompt)?, text))
        })
    }
}

impl Identities {
    /// Reads the text of an identity file: keys, comments and blank lines. Kinds of keys that this build cannot use
    /// are remembered and named when nothing else opens a file.
    ///
    /// # Errors
    /// [`SopsError::BadIdentity`] for a line that is none of these.
    pub fn parse(text: &str) -> Result<Self, SopsError> {
        let nobody: Arc<dyn Prompt> = Arc::new(Nobody);
        Self::parse_for(text, &nobody)
    }

    /// Does the same; a plugin can ask and tell the person what its keys need.
    ///
    /// # Errors
    /// Those of [`Identities::parse`].
    pub fn parse_for(text: &str, prompt: &Arc<dyn Prompt>) -> Result<Self, SopsError> {
        let mut identities = Self::default();
        if is_age_file(text.as_bytes()) {
            identities
                .unsupported
                .insert("passphrase-protected identity file");
            return Ok(identities);
        }
        for (i, line) in text.lines().enumerate() {
            if line.trim_start().starts_with('#') {
                continue;
            }
            // SOPS_AGE_KEY holds several, apart by white space, since sops 3.13.
            for word in line.split_whitespace() {
                identities
                    .add(word, prompt)
                    .map_err(|()| SopsError::BadIdentity { line: i + 1 })?;
            }
        }
        Ok(identities)
    }

    /// Reads an identity file that may be behind a passphrase, armoured or not. Asks only when no other key opens
    /// what is to be opened. `name` is what questions and errors call it.
    ///
    /// # Errors
    /// Those of [`Identities::parse`]; [`SopsError::BadIdentity`] also for what is not text.
    pub fn read(file: &[u8], name: &str, prompt: &Arc<dyn Prompt>) -> Result<Self, SopsError> {
        if is_age_file(file) {
            let start = file
                .iter()
                .position(|byte| !byte.is_ascii_whitespace())
                .unwrap_or(0);
            return Ok(Self {
                locked: vec![Arc::new(Locked {
                    name: name.to_owned(),
                    file: file[start..].to_vec(),
                    prompt: Arc::clone(prompt),
                    opened: OnceLock::new(),
                })],
                ..Self::default()
            });
        }
        #[cfg(feature = "ssh")]
        if file.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return crate::keys::ssh::read(file, name, prompt).map(|(opens, recipient)| Self {
                keys: vec![Key {
                    opens,
                    recipient: Some(recipient),
                    slow: Some(name.to_owned()),
                }],
                ..Self::default()
            });
        }
        std::str::from_utf8(file)
            .map_err(|_| SopsError::BadIdentity { line: 1 })
            .and_then(|text| Self::parse_for(text, prompt))
    }

    fn add(
        &mut self,
        text: &str,
        #[cfg_attr(
            not(feature = "plugin"),
            expect(unused_variables, reason = "only plugins ask here")
        )]
        prompt: &Arc<dyn Prompt>,
    ) -> Result<(), ()> {
        if text.starts_with(post_quantum::IDENTITY_PREFIX) {
            let identity = post_quantum::HybridIdentity::parse(text).ok_or(())?;
            let recipient = Recipient::of_identity(identity.to_public().to_string());
            self.keys.push(Key {
                opens: Arc::new(identity),
                recipient: Some(recipient),
                slow: None,
            });
        } else if text.starts_with("AGE-PLUGIN-") {
            #[cfg(feature = "plugin")]
            {
                let (opens, program) = crate::keys::plugin::identity(text, prompt).ok_or(())?;
                self.keys.push(Key {
                    opens,
                    recipient: None,
                    slow: Some(program),
                });
            }
            #[cfg(not(feature = "plugin"))]
            self.unsupported.insert("plugin identity");
        } else {
            let identity = age::x25519::Identity::from_str(text).map_err(|_| ())?;
            let recipient = Recipient::of_identity(identity.to_public().to_string());
            self.keys.push(Key {
                opens: Arc::new(identity),
                recipient: Some(recipient),
                slow: None,
            });
        }
        Ok(())
    }

    /// Opens what is behind a passphrase now, for those who need the public halves. Returns the text of the last file
    /// that was opened.
    ///
    /// # Errors
    /// [`SopsError::LockedIdentity`] when there is nobody to ask or the passphrase is wrong.
    pub fn unlock(&mut self) -> Result<SecretText, SopsError> {
        let mut text = SecretText::new(String::new());
        while let Some(locked) = self.locked.first() {
            let (identities, opened) = locked.open().clone()?;
            self.locked.remove(0);
            self.extend(identities);
            text = opened;
        }
        Ok(text)
    }

    /// Adds something that is asked for keys when those at hand open nothing. `name` is what errors call it.
    pub fn add_supplier(&mut self, name: String, supply: Supply) {
        self.suppliers.push((name, supply));
    }

    /// Adds the keys of another set.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.suppliers.extend(other.suppliers);
        self.locked.extend(other.locked);
        self.unsupported.extend(other.unsupported);
        self.tried.extend(other.tried);
    }

    /// Says where keys were looked for, one line each, for the error when none opens a file.
    pub fn set_tried(&mut self, tried: Vec<String>) {
        self.tried = tried;
    }

    /// Returns whether there is no key that could open anything.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.suppliers.is_empty() && self.locked.is_empty()
    }

    /// Returns whether a passphrase stands before some of the keys.
    pub fn is_locked(&self) -> bool {
        !self.locked.is_empty()
    }

    /// Returns the public halves that are known, in order.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.keys.iter().filter_map(|key| key.recipient.clone()).collect()
    }

    /// Returns the kinds of identities that were given but cannot be used.
    pub fn unsupported(&self) -> impl Iterator<Item = &'static str> {
        self.unsupported.iter().copied()
    }

    /// Opens the first of the wrapped keys (recipient and age file) that one of the identities opens.
    pub(crate) fn unwrap<'a>(
        &self,
        wrapped: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        let wrapped: Vec<(&str, &str)> = wrapped.collect();
        let mut tried = self.tried.clone();
        for slow in [false, true] {
            let keys = self.keys.iter().filter(|key| key.slow.is_some() == slow);
            for (key, (_, text)) in keys.flat_map(|key| wrapped.iter().map(move |wrapped| (key, wrapped))) {
                match key.open(text) {
                    Ok(Some(bytes)) => return Ok(bytes),
                    Ok(None) => {}
                    Err(why) => tried.push(why),
                }
            }
        }
        for (name, supply) in &self.suppliers {
            for (recipient, text) in &wrapped {
                match supply(recipient).map(|keys| keys.unwrap(std::iter::once((*recipient, *text)))) {
                    Ok(Ok(bytes)) => return Ok(bytes),
                    Ok(Err(SopsError::NoIdentityMatches { tried: why, .. })) if !why.is_empty() => {
                        tried.extend(why);
                    }
                    Ok(Err(_)) => tried.push(format!("`{name}` gave no key that fits {}", short(recipient))),
                    Err(why) => tried.push(format!("`{name}` {why}")),
                }
            }
        }
        // Nobody is asked for a passphrase before everything else was tried.
        for locked in self.locked.iter().filter(|_| !wrapped.is_empty()) {
            match locked.open() {
                Ok((identities, _)) => match identities.unwrap(wrapped.iter().copied()) {
                    Ok(bytes) => return Ok(bytes),
                    Err(_) => tried.extend(identities.recipients().iter().map(|recipient| {
                        format!("`{}` holds the key of {}", locked.name, short(recipient.as_str()))
                    })),
                },
                Err(error) => tried.push(error.to_string()),
            }
        }
        tried.dedup();
        Err(SopsError::NoIdentityMatches {
            unsupported: self.unsupported().collect(),
            tried,
        })
    }
}

impl Key {
    /// Opens a wrapped key; `None` when it is wrapped for somebody else, an error when this key could not be asked.
    fn open(&self, armoured: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        // The reader of the age crate fails on blank lines before the armour, which SOPS accepts.
        let armoured = format!("{}\n", armoured.trim());
        let Ok(decryptor) = age::Decryptor::new(ArmoredReader::new(armoured.as_bytes())) else {
            return Ok(None);
        };
        let opened = decryptor.decrypt(std::iter::once(&*self.opens as &dyn age::Identity));
        // The crates below wipe what they own, not the copies that the compiler makes.
        stack::wipe();
        let reader = match opened {
            Ok(reader) => reader,
            Err(error) => {
                return match &self.slow {
                    Some(name) if !matches!(error, age::DecryptError::NoMatchingKeys) => {
                        Err(format!("`{name}` {}", one_line(&error.to_string())))
                    }
                    _ => Ok(None),
                };
            }
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(128));
        Ok(reader
            .take(MAX_KEY)
            .read_to_end(&mut bytes)
            .is_ok()
            .then_some(bytes))
    }
}

/// Joins the lines of an error of the age crate.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether this is an encrypted age file, armoured or not.
fn is_age_file(file: &[u8]) -> bool {
    let start = file.trim_ascii_start();
    start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") || start.starts_with(b"age-encryption.org/")
}

/// Shortens a recipient for a message: the post-quantum ones have about 1,960 characters.
pub fn short(recipient: &str) -> String {
    match (recipient.get(..20), recipient.len()) {
        (Some(start), 81..) => format!("{start}…"),
        _ => recipient.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key::{generate_identity, generate_post_quantum_identity, wrap};
    use crate::keys::prompt::Answers;

    fn answer(text: Option<&'static str>) -> Arc<dyn Prompt> {
        Arc::new(Answers(move |_: &str| text))
    }

    /// The identity file behind a passphrase, armoured or not; with little work, so that tests are fast.
    fn locked(text: &str, armoured: bool) -> Vec<u8> {
        let mut recipient = age::scrypt::Recipient::new(SecretString::from("correct horse"));
        recipient.set_work_factor(2);
        if armoured {
            age::encrypt_and_armor(&recipient, text.as_bytes())
                .unwrap()
                .into_bytes()
        } else {
            age::encrypt(&recipient, text.as_bytes()).unwrap()
        }
    }

    #[test]
    fn kinds_that_are_not_supported_are_named_and_never_shown() {
        let text = "AGE-PLUGIN-YUBIKEY-1SECRET\n";
        #[cfg(not(feature = "plugin"))]
        {
            let error = Identities::parse(text)
                .unwrap()
                .unwrap(std::iter::empty())
                .unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("plugin identity"), "{shown}");
            assert!(!shown.contains("SECRET"), "{shown}");
        }
        #[cfg(feature = "plugin")]
        assert_eq!(
            Identities::parse(text).unwrap_err(),
            SopsError::BadIdentity { line: 1 }
        );
        for bad in ["AGE-SECRET-KEY-1NONSENSE", "AGE-SECRET-KEY-PQ-1QQQSECRET"] {
            let bad = Identities::parse(&format!("\n# c\n{bad}\n")).unwrap_err();
            assert_eq!(bad, SopsError::BadIdentity { line: 3 });
        }
        assert!(
            Identities::parse("-----BEGIN AGE ENCRYPTED FILE-----\n")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn several_keys_may_stand_on_one_line() {
        let (one, _) = generate_identity();
        let (two, _) = generate_post_quantum_identity();
        let both = format!("# c\n {}  {}\n", one.expose(), two.expose());
        assert_eq!(Identities::parse(&both).unwrap().recipients().len(), 2);
    }

    #[test]
    fn a_passphrase_is_asked_for_only_when_nothing_else_opens() {
        let (private, public) = generate_identity();
        let (other, other_public) = generate_identity();
        let wrapped = wrap(&[7; 32], &Recipient::new(&public).unwrap()).unwrap();
        let theirs = wrap(&[8; 32], &Recipient::new(&other_public).unwrap()).unwrap();
        for armoured in [true, false] {
            let file = locked(private.expose(), armoured);
            let mut me = Identities::read(&file, "keys.txt", &answer(Some("correct horse"))).unwrap();
            assert!(me.is_locked() && !me.is_empty());
            assert_eq!(*me.unwrap([("", wrapped.as_str())].into_iter()).unwrap(), [7; 32]);
            me.unlock().unwrap();
            assert_eq!(me.recipients()[0].as_str(), public);

            let asked = Answers(|_: &str| -> Option<&'static str> { panic!("asked without need") });
            let asked: Arc<dyn Prompt> = Arc::new(asked);
            let mut both = Identities::read(&file, "keys.txt", &asked).unwrap();
            both.extend(Identities::parse(other.expose()).unwrap());
            let opened = both.unwrap([("", wrapped.as_str()), ("", theirs.as_str())].into_iter());
            assert_eq!(*opened.unwrap(), [8; 32]);
        }
    }

    #[test]
    fn a_file_that_stays_locked_says_why() {
        let (private, public) = generate_identity();
        let wrapped = wrap(&[7; 32], &Recipient::new(&public).unwrap()).unwrap();
        let why = |file: &[u8], ask: Option<&'static str>| {
            let me = Identities::read(file, "keys.txt", &answer(ask)).unwrap();
            match me.unwrap([("", wrapped.as_str())].into_iter()) {
                Err(SopsError::NoIdentityMatches { tried, .. }) => tried.join("\n"),
                other => panic!("{other:?}"),
            }
        };
        let file = locked(private.expose(), true);
        assert!(why(&file, None).contains("no terminal"));
        assert!(why(&file, Some("wrong")).contains("passphrase is wrong"));
        let no_passphrase = wrapped.as_bytes();
        assert!(why(no_passphrase, Some("x")).contains("not an identity file"));
    }
}
