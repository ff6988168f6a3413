//! The codes of authenticator apps: TOTP (RFC 6238).

use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::mfa::{Totp, TotpSecret};
use secrecy::{ExposeSecret as _, SecretString};
use totp_rs::{Algorithm, Builder, Secret};

use crate::random::fill;

/// The length of a secret: that of the output of SHA-1 (RFC 4226 §4).
const SECRET: usize = 20;

/// The seconds of a step.
const STEP: u64 = 30;

/// Codes with SHA-1, six digits and steps of 30 seconds. Every app knows these; some take no others, and
/// compute with these in silence whatever they are told.
#[derive(Debug, Clone)]
pub struct AppCodes {
    issuer: String,
}

impl AppCodes {
    /// With the name of the site that apps show beside the account.
    pub fn new(issuer: &str) -> Self {
        Self { issuer: without_colons(issuer) }
    }

    fn of(&self, secret: &TotpSecret, account: &str) -> Option<totp_rs::Totp> {
        let secret = Secret::try_from_base32(secret.expose_secret()).ok()?;
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP)
            .with_secret(secret)
            .with_issuer(Some(self.issuer.clone()))
            .with_account_name(without_colons(account))
            .build()
            .ok()
    }
}

/// A colon parts the two names in the URI.
fn without_colons(name: &str) -> String {
    name.replace(':', " ")
}

impl Totp for AppCodes {
    fn secret(&self) -> Result<TotpSecret, PortError> {
        let mut bytes = [0; SECRET];
        fill(&mut bytes)?;
        Ok(Secret::new_stack(bytes).to_base32().into())
    }

    fn step(&self, secret: &TotpSecret, code: &str, at: Timestamp) -> Option<i64> {
        let seconds = u64::try_from(at.timestamp()).ok()?;
        let step = self.of(secret, "")?.check(code, seconds)?;
        i64::try_from(step).ok()
    }

    fn uri(&self, secret: &TotpSecret, account: &str) -> SecretString {
        let totp = self.of(secret, account);
        totp.and_then(|totp| totp.to_url().ok()).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// `12345678901234567890`, the secret of the RFC.
    fn secret() -> TotpSecret {
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()
    }

    /// RFC 6238, appendix B, the last six of eight digits.
    #[test]
    fn y1_the_codes_are_those_of_the_rfc() {
        let codes = AppCodes::new("School");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(codes.step(&secret(), code, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn y3_the_step_before_and_the_one_after_are_taken_and_no_others() {
        let codes = AppCodes::new("School");
        let step = 37_037_036;
        let taken: Vec<i64> = (-3..=3)
            .filter(|steps| {
                let now = at((step + steps) * 30 + 29);
                codes.step(&secret(), "081804", now) == Some(step)
            })
            .collect();
        assert_eq!(taken, [-1, 0, 1]);
        for wrong in ["081805", "", "8180400", "abcdef", "81804"] {
            assert_eq!(codes.step(&secret(), wrong, at(1_111_111_109)), None, "{wrong:?}");
        }
        assert_eq!(codes.step(&"not base 32!".into(), "081804", at(1_111_111_109)), None);
    }

    #[test]
    fn y1_apps_read_the_uri() {
        let codes = AppCodes::new("学校: Nord & Süd");
        let uri = codes.uri(&secret(), "mike:1 王");
        let uri = uri.expose_secret();
        assert!(uri.starts_with("otpauth://totp/"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        let label = uri.split('?').next().unwrap().trim_start_matches("otpauth://totp/");
        assert_eq!(label.matches(':').count(), 1, "{uri}");
        assert!(uri.is_ascii() && !uri.contains(' '), "{uri}");
        let drawn = codes.secret().unwrap();
        assert_eq!(drawn.expose_secret().len(), 32);
        assert_ne!(drawn.expose_secret(), codes.secret().unwrap().expose_secret());
        assert!(codes.step(&drawn, "000000", at(0)).is_none_or(|step| step <= 1));
    }
}
