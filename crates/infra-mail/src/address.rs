//! Addresses as SMTP takes them.

use lettre::Address;
use lettre::message::Mailbox;
use menjin_domain::accounts::Email;

/// The address that a user typed: of full width or not, its domain as DNS knows it, and its local
/// part as it was, quoted where RFC 5321 §4.1.2 asks for it. `None` if it is none.
pub(crate) fn address(typed: &str) -> Option<Address> {
    let (local, domain) = match Email::parse(typed) {
        Ok(email) => {
            let (local, _domain) = email.as_str().rsplit_once('@')?;
            let (_local, domain) = email.canonical().rsplit_once('@')?;
            (local.to_owned(), domain.to_owned())
        }
        // What accounts may not have, such as `menjin@localhost`, a sender may have.
        Err(_violation) => {
            let (local, domain) = typed.trim().rsplit_once('@')?;
            if typed.trim().contains(|c: char| c.is_control() || c.is_whitespace()) {
                return None;
            }
            (local.to_owned(), idna::domain_to_ascii_strict(domain).ok()?)
        }
    };
    Address::new(quoted(&local), domain).ok()
}

/// The local part, quoted if it has dots where a dot-atom has none: Japanese carriers gave out such
/// addresses, and their servers take them.
fn quoted(local: &str) -> String {
    if local.starts_with('"') || local.split('.').all(|atom| !atom.is_empty()) {
        return local.to_owned();
    }
    format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A sender: `Name <address>` or an address alone.
pub(crate) fn mailbox(text: &str) -> Option<Mailbox> {
    let text = text.trim();
    if text.contains(char::is_control) {
        return None;
    }
    let Some((name, rest)) = text.rsplit_once('<') else {
        return Some(Mailbox::new(None, address(text)?));
    };
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let name = (!name.is_empty()).then(|| name.to_owned());
    Some(Mailbox::new(name, address(rest.strip_suffix('>')?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q8_addresses_become_what_smtp_takes() {
        for (typed, expected) in [
            ("Ann.Lee+x@Example.COM", "Ann.Lee+x@example.com"),
            ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "zhang@qq.com"),
            ("zhang＠qq。com", "zhang@qq.com"),
            ("ann@例子.中国", "ann@xn--fsqu00a.xn--fiqs8s"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("taro..yamada@docomo.ne.jp", "\"taro..yamada\"@docomo.ne.jp"),
            (".taro@docomo.ne.jp", "\".taro\"@docomo.ne.jp"),
            ("taro.@docomo.ne.jp", "\"taro.\"@docomo.ne.jp"),
            ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s"),
            (" ann@a.example ", "ann@a.example"),
            ("menjin@localhost", "menjin@localhost"),
        ] {
            assert_eq!(
                address(typed).map(|it| it.to_string()).as_deref(),
                Some(expected),
                "{typed}"
            );
        }
    }

    #[test]
    fn m6_what_is_no_address_is_none() {
        for bad in [
            "",
            "ann",
            "@a.example",
            "ann@",
            "a b@a.example",
            "ann@a.example\r\nRCPT TO:<eve@a.example>",
            "ann@a.example>\r\nDATA",
            "\"a\r\nb\"@a.example",
            "<ann@a.example>",
            "ann@a.example,eve@a.example",
            "ann@exa\u{202e}mple.com",
            "ann\0@a.example",
            "ann@a b.example",
            "ann@a.example> SIZE=1",
        ] {
            assert!(address(bad).is_none(), "{bad}: {:?}", address(bad));
        }
    }

    #[test]
    fn senders_have_a_name_or_none() {
        let show =
            |text| mailbox(text).map(|it| (it.name.unwrap_or_default(), it.email.to_string()));
        let pair = |name: &str, address: &str| Some((name.to_owned(), address.to_owned()));
        assert_eq!(show("no-reply@a.example"), pair("", "no-reply@a.example"));
        assert_eq!(
            show("门禁 <no-reply@例子.中国>"),
            pair("门禁", "no-reply@xn--fsqu00a.xn--fiqs8s")
        );
        assert_eq!(show("\"Site, Inc.\" <a@a.example>"), pair("Site, Inc.", "a@a.example"));
        for bad in
            ["", "Name", "Name <a@a.example", "N\r\nX: y <a@a.example>", "a@a.example, b@b.example"]
        {
            assert_eq!(show(bad), None, "{bad}");
        }
    }
}
