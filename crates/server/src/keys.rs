//! `menjin keys`: the commands that need neither settings nor a database.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::Context as _;
use menjin_infra_credentials::{AccessKey, AccessKeyKind};
use secrecy::ExposeSecret as _;

use crate::cli::{GenerateKeyArgs, KeyAlgorithm};

/// `menjin keys generate`
pub(crate) fn generate(args: &GenerateKeyArgs) -> anyhow::Result<()> {
    let key = AccessKey::generate(match args.algorithm {
        KeyAlgorithm::EdDsa => AccessKeyKind::Ed25519,
        KeyAlgorithm::Es256 => AccessKeyKind::P256,
    })?;
    let pem = key.to_pem()?;
    let mut out = std::io::stdout().lock();
    let Some(path) = &args.out else {
        return Ok(out.write_all(pem.expose_secret().as_bytes())?);
    };
    // A command that is given twice must not overwrite a key that is in use.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(pem.expose_secret().as_bytes())?;
    file.sync_all()?;
    writeln!(out, "made key {} in {}", key.public().id(), path.display())?;
    Ok(())
}
