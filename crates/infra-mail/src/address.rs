//! The addresses of recipients, as mail servers take them.

use lettre::Address;
use lettre::message::Mailbox;
use menjin_domain::mail::MailError;

/// The mailbox of an address as its owner typed it: the domain as DNS knows it, and the local part
/// quoted where it has dots that RFC 5321 §4.1.2 has not (Japanese carriers gave such addresses out).
pub(crate) fn mailbox(typed: &str) -> Result<Mailbox, MailError> {
    let bad = || MailError {
        is_final: true,
        code: "bad_address".to_owned(),
        text: "no mail can be sent to this address".to_owned(),
    };
    let (local, domain) = typed.trim().rsplit_once('@').ok_or_else(bad)?;
    let domain = idna::domain_to_ascii(domain).map_err(|_invalid| bad())?;
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "\"\\<>()[],;:".contains(c);
    if local.is_empty() || domain.is_empty() || local.contains(forbidden) {
        return Err(bad());
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        // Checked above: nothing in it needs an escape.
        return Ok(Mailbox::new(None, Address::new_dangerous(format!("\"{local}\""), domain)));
    }
    Address::new(local, domain).map(|address| Mailbox::new(None, address)).map_err(|_invalid| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q8_mail_goes_to_the_address_as_typed_with_its_domain_as_dns_knows_it() {
        for (typed, sent_to) in [
            ("Ann@Example.COM", "Ann@example.com"),
            ("ann@例子.中国", "ann@xn--fsqu00a.xn--fiqs8s"),
            ("taro..yamada@docomo.ne.jp", "\"taro..yamada\"@docomo.ne.jp"),
            (".taro.@docomo.ne.jp", "\".taro.\"@docomo.ne.jp"),
            ("first.last+tag@example.com", "first.last+tag@example.com"),
        ] {
            assert_eq!(mailbox(typed).unwrap().email.to_string(), sent_to, "{typed}");
        }
        for bad in
            ["", "@", "ann", "a b@example.com", "ann@", "a\r\nBcc: x@example.com", "\"a\"@b.c"]
        {
            assert!(mailbox(bad).unwrap_err().is_final, "{bad:?}");
        }
    }
}
