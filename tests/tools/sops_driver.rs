//! A small front end to `sops` for `tests/conformance/sops.sh`: what the commands do, without a repository.
//!
//! The format is taken from the name of the file. `sops encrypt FILE`, `sops encrypt_as NAME FILE`,
//! `sops decrypt [--ignore-mac] FILE`, `sops update EXISTING NEW_PLAIN`, `sops status FILE`,
//! `sops compare EXISTING NEW_PLAIN`, `sops keygen [--pq]`, `sops generate [--json|--markers] SEED` (a random plaintext):
//! reads `.sops.yaml` of the working directory and `SOPS_AGE_KEY_FILE`, writes to stdout.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![allow(
    clippy::disallowed_methods,
    reason = "reads one variable that SOPS users know"
)]

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::process::ExitCode;

use sops::OsEntropy;
use sops::{Config, EncryptionRule, Format, Identities, MacCheck, SopsError, Updated};
use sops::{compare_keyless, decrypt, generate_identity, generate_post_quantum_identity};

#[path = "../../crates/sops/src/tests/generate.rs"]
mod generate;
#[path = "../../crates/sops/src/tests/generate_json.rs"]
mod generate_json;
#[path = "../../crates/sops/src/tests/generate_marked.rs"]
mod generate_marked;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(error) = error.downcast_ref::<SopsError>() {
                eprintln!("help: {}", error.help());
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    Ok(match arguments {
        ["encrypt", file] => Format::of(file).encrypt(&fs::read(file)?, &rule(file)?, &mut OsEntropy)?,
        // A plaintext that lies under another name.
        ["encrypt_as", name, file] => {
            Format::of(name).encrypt(&fs::read(file)?, &rule(name)?, &mut OsEntropy)?
        }
        ["decrypt", file] => {
            let text = fs::read_to_string(file)?;
            let bytes = Format::of(file).decrypt(&text, &identities()?, MacCheck::Verify)?;
            std::io::stdout().write_all(&bytes)?;
            String::new()
        }
        ["decrypt", "--ignore-mac", file] => {
            let text = decrypt(&fs::read_to_string(file)?, &identities()?, MacCheck::Ignore)?;
            text.expose().to_owned()
        }
        ["update", existing, plain] => {
            let old = fs::read_to_string(existing)?;
            let new = fs::read(plain)?;
            let format = Format::of(existing);
            match format.update(&old, &new, &rule(existing)?, &identities()?, &mut OsEntropy)? {
                Updated::Unchanged => old,
                Updated::Changed { text, .. } => text,
            }
        }
        ["status", file] => format!("{:?}\n", Format::of(file).status(&fs::read_to_string(file)?)?),
        ["compare", existing, plain] => {
            let (old, new) = (fs::read_to_string(existing)?, fs::read_to_string(plain)?);
            format!("{:?}\n", compare_keyless(&old, &new, &rule(existing)?)?)
        }
        ["keygen"] => {
            let (private, public) = generate_identity();
            format!("# public key: {public}\n{}\n", private.expose())
        }
        ["keygen", "--pq"] => {
            let (private, public) = generate_post_quantum_identity();
            format!("# public key: {public}\n{}\n", private.expose())
        }
        ["generate", "--json", seed] => generate::Generator::new(seed.parse()?).json(4),
        ["generate", "--markers", seed] => generate::Generator::new(seed.parse()?).marked(),
        ["generate", seed] => generate::Generator::new(seed.parse()?).stream(4),
        _ => return Err("usage: sops encrypt|decrypt|update|status|compare|keygen|generate …".into()),
    })
}

fn rule(file: &str) -> Result<EncryptionRule, Box<dyn Error>> {
    Ok(Config::parse(&fs::read_to_string(".sops.yaml")?)?.rule_for(file)?)
}

fn identities() -> Result<Identities, Box<dyn Error>> {
    let file = std::env::var("SOPS_AGE_KEY_FILE")?;
    Ok(Identities::parse(&fs::read_to_string(file)?)?)
}
