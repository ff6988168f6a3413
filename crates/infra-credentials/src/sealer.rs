//! Sealing what is kept in the database: XChaCha20-Poly1305 (RFC 8439, draft-irtf-cfrg-xchacha-03), whose
//! nonces are long enough to be drawn at random.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use menjin_domain::common::{PortError, SealPurpose, Sealer};

use crate::derived::{DerivedKeys, KEY_ID};
use crate::random::{fill, hex};
use sha2::Sha256;

/// The length of a nonce.
const NONCE: usize = 24;

/// The id of the key, the nonce, then what is encrypted.
impl Sealer for DerivedKeys {
    fn seal(&self, purpose: SealPurpose, place: &str, plain: &[u8]) -> Result<Vec<u8>, PortError> {
        let (id, cipher) = self.newest(&name(purpose)).ok_or_else(impossible)?;
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let encrypted = cipher_of(&cipher).encrypt(&XNonce::from(nonce), payload);
        let encrypted = encrypted.map_err(|_too_long| impossible())?;
        Ok([id.as_bytes(), &nonce, &encrypted].concat())
    }

    fn open(&self, purpose: SealPurpose, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (id, rest) = sealed.split_at_checked(KEY_ID)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE>()?;
        let key = self.key(str::from_utf8(id).ok()?, &name(purpose))?;
        let payload = Payload { msg: encrypted, aad: place.as_bytes() };
        cipher_of(&key).decrypt(&XNonce::from(*nonce), payload).ok()
    }

    fn key_id(&self) -> String {
        self.ids().next().unwrap_or_default().to_owned()
    }

    fn fingerprints(
        &self,
        purpose: SealPurpose,
        place: &str,
        plain: &[u8],
    ) -> Vec<(String, String)> {
        let fingerprint = |id: &str| {
            let key = self.key(id, &name(purpose))?;
            let mut mac = Hmac::<Sha256>::new_from_slice(&*key).ok()?;
            // The length keeps the place apart from the text.
            mac.update(&(place.len() as u64).to_be_bytes());
            mac.update(place.as_bytes());
            mac.update(plain);
            Some((id.to_owned(), hex(&mac.finalize().into_bytes())))
        };
        self.ids().filter_map(fingerprint).collect()
    }
}

fn name(purpose: SealPurpose) -> String {
    format!("menjin/v1/sealed/{}", purpose.as_str())
}

fn cipher_of(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

fn impossible() -> PortError {
    PortError::internal("sealer", "it cannot be sealed")
}

#[cfg(test)]
mod tests {
    use SealPurpose::Jobs;

    use super::*;

    fn keys(secret: &str, older: &[&str]) -> DerivedKeys {
        let older: Vec<_> = older.iter().map(|text| (*text).into()).collect();
        DerivedKeys::new(&secret.into(), &older)
    }

    const OLD: &str = "the old secret, at least 32 bytes";
    const NEW: &str = "the new secret, at least 32 bytes";

    #[test]
    fn u2_what_is_sealed_opens_where_it_was_put_and_nowhere_else() {
        let keys = keys(NEW, &[]);
        let sealed = keys.seal(Jobs, "3/5/file/0", b"a,b").unwrap();
        assert_eq!(keys.open(Jobs, "3/5/file/0", &sealed).unwrap(), b"a,b");
        assert_eq!(keys.open(Jobs, "3/5/file/1", &sealed), None);
        assert!(!sealed.windows(3).any(|window| window == b"a,b"));
        assert_ne!(keys.seal(Jobs, "3/5/file/0", b"a,b").unwrap(), sealed);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(keys.open(Jobs, "3/5/file/0", &changed), None, "byte {at}");
            assert_eq!(keys.open(Jobs, "3/5/file/0", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn u2_what_is_sealed_outlives_a_change_of_the_secret_while_the_old_one_is_listed() {
        let sealed = keys(OLD, &[]).seal(Jobs, "here", b"text").unwrap();
        assert_eq!(keys(NEW, &[OLD]).open(Jobs, "here", &sealed).unwrap(), b"text");
        assert_eq!(keys(NEW, &[]).open(Jobs, "here", &sealed), None);
    }

    #[test]
    fn y5_a_text_is_recognised_under_each_key_and_nowhere_else() {
        let of = |keys: &DerivedKeys, place| {
            keys.fingerprints(SealPurpose::RecoveryCodes, place, b"CODE")
        };
        let (old, both) = (keys(OLD, &[]), keys(NEW, &[OLD]));
        let made = of(&old, "user/7");
        let known = of(&both, "user/7");
        assert_eq!((known.len(), &known[1]), (2, &made[0]));
        assert_eq!(known[0].0, both.key_id());
        assert_ne!(known[0].1, known[1].1);
        assert_ne!(of(&old, "user/8"), made);
        let other = old.fingerprints(SealPurpose::RecoveryCodes, "user/", b"7CODE");
        assert_ne!(other, made, "the place is no part of the text");
    }

    #[test]
    fn u2_the_cipher_is_that_of_the_draft() {
        // draft-irtf-cfrg-xchacha-03, A.3.1.
        let key: [u8; 32] = std::array::from_fn(|n| 0x80 + u8::try_from(n).unwrap());
        let nonce: [u8; NONCE] = std::array::from_fn(|n| 0x40 + u8::try_from(n).unwrap());
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let text =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
                     the future, sunscreen would be it.";
        let payload = Payload { msg: &text[..], aad: &aad };
        let encrypted = cipher_of(&key).encrypt(&XNonce::from(nonce), payload).unwrap();
        assert_eq!(encrypted[..4], [0xbd, 0x6d, 0x17, 0x9d]);
        let tag = crate::random::hex(&encrypted[text.len()..]);
        assert_eq!(tag, "c0875924c1c7987947deafd8780acf49");
    }
}
