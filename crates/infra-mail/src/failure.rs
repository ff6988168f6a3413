//! Errors of sending, fit to be stored and shown.

use menjin_domain::mail::{Mail, MailError};

/// How many characters of what was said are kept.
const MAX_TEXT: usize = 200;

/// This many characters of a token in a row are taken for a part of it.
const PART_OF_TOKEN: usize = 12;

/// An error after which trying again may help.
pub(crate) fn passing(code: impl Into<String>, text: impl Into<String>) -> MailError {
    MailError { is_final: false, code: code.into(), text: text.into() }
}

/// An error after which trying again is of no use.
pub(crate) fn lasting(code: impl Into<String>, text: impl Into<String>) -> MailError {
    MailError { is_final: true, code: code.into(), text: text.into() }
}

/// The error with a text that is short, printable and without the token of the mail: mail servers
/// quote what they refuse, and the text is stored and shown to administrators.
pub(crate) fn shown(error: MailError, mail: &Mail) -> MailError {
    let mut text = error.text;
    if let Some(link) = &mail.link {
        let token = link.token.expose();
        text = text.replace(token, "(token)");
        if quotes_a_part(&text, token) {
            "(what was said quotes the token)".clone_into(&mut text);
        }
    }
    let printable: String =
        text.chars().map(|c| if is_shown(c) { c } else { ' ' }).take(4 * MAX_TEXT).collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    let text = words.join(" ").chars().take(MAX_TEXT).collect();
    MailError { text, ..error }
}

/// Whether the text has a part of the token, also one with line breaks in it.
fn quotes_a_part(text: &str, token: &str) -> bool {
    let is_of_token = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let text: Vec<char> = text.chars().filter(is_of_token).collect();
    let token: Vec<char> = token.chars().collect();
    token.windows(PART_OF_TOKEN).any(|part| text.windows(part.len()).any(|run| run == part))
}

/// Whether a character is printable and does not change the direction of what follows.
pub(crate) fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::tests::{TOKEN, mail};
    use menjin_domain::mail::MailKind;

    fn text_of(said: &str) -> String {
        shown(lasting("550", said), &mail(MailKind::ResetPassword)).text
    }

    #[test]
    fn k1_no_error_has_the_token_whatever_the_server_quotes() {
        let said = text_of(&format!("5.7.1 spam: https://a.example/x#{TOKEN} is listed"));
        assert_eq!(said, "5.7.1 spam: https://a.example/x#(token) is listed");
        let (one, other) = TOKEN.split_at(20);
        for said in [
            format!("5.7.1 {one}\r\n5.7.1 {other}"),
            format!("cut: {one}"),
            format!("{one}=\r\n{other}"),
            format!("cut: …{}", &TOKEN[30..]),
        ] {
            assert_eq!(text_of(&said), "(what was said quotes the token)");
        }
        // The cut to 200 characters leaves no part of it.
        let said = text_of(&format!("{}{TOKEN}", "x ".repeat(95)));
        assert!(!said.contains(&TOKEN[..PART_OF_TOKEN]), "{said}");
    }

    #[test]
    fn m5_what_the_server_says_is_kept_short_and_printable() {
        assert_eq!(
            text_of("5.1.1 <ann@a.example>\r\n  unknown\u{202e}\0user"),
            "5.1.1 <ann@a.example> unknown user"
        );
        assert_eq!(text_of(&"中".repeat(5000)), "中".repeat(200));
        assert_eq!(text_of(""), "");
    }
}
