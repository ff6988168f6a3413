use lettre::Message;
use mail_parser::MessageParser;
use menjin_domain::common::Locale;
use menjin_domain::mail::MailKind;

use super::*;
use crate::templates::tests::{TOKEN, all_mails, mail};

fn letters(site: &str) -> Letters {
    let templates = Templates::new(None, site).unwrap();
    Letters::new(Arc::new(templates), "门禁 <no-reply@site.example>").unwrap()
}

fn formatted(message: &Message) -> String {
    String::from_utf8(message.formatted()).unwrap()
}

/// What a program that knows nothing of the one that wrote it reads.
struct Read {
    subject: String,
    text: String,
    html: String,
    names: Vec<String>,
}

fn read(message: &str) -> Read {
    let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
    assert_eq!((parsed.text_body_count(), parsed.html_body_count()), (1, 1));
    assert_eq!(parsed.attachment_count(), 0);
    Read {
        subject: parsed.subject().unwrap().to_owned(),
        text: parsed.body_text(0).unwrap().into_owned(),
        html: parsed.body_html(0).unwrap().into_owned(),
        names: parsed.headers().iter().map(|header| header.name().to_owned()).collect(),
    }
}

/// The names of all headers that a mail has.
const NAMES: [&str; 10] = [
    "Auto-Submitted",
    "Content-Language",
    "Content-Type",
    "Date",
    "From",
    "MIME-Version",
    "Message-ID",
    "Subject",
    "To",
    "X-Auto-Response-Suppress",
];

fn assert_names(read: &Read) {
    let mut names = read.names.clone();
    names.sort();
    assert_eq!(names, NAMES);
}

#[test]
fn m6_every_mail_is_read_back_by_another_library_as_it_was_meant() {
    let letters = letters("Site & Söhne");
    for mail in all_mails() {
        let message = letters.write(&mail).unwrap();
        let written = letters.templates.write(&mail).unwrap();
        let text = formatted(&message);
        assert!(text.is_ascii(), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
        let read = read(&text);
        assert_names(&read);
        assert_eq!(read.subject, written.subject);
        assert_eq!(read.text.replace("\r\n", "\n"), written.text);
        assert_eq!(read.html.replace("\r\n", "\n"), written.html);
        if let Some(link) = &mail.link {
            let url = format!("{}#{TOKEN}", link.page);
            assert!(read.text.lines().any(|line| line == url), "{}", read.text);
            assert!(read.html.contains(&format!("href=\"{url}\"")), "{}", read.html);
        }
        let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
        let from = parsed.from().unwrap().first().unwrap();
        assert_eq!(from.name(), Some("门禁"));
        assert_eq!(from.address(), Some("no-reply@site.example"));
        assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("ann@site.example"));
        assert_eq!(parsed.message_id(), Some("7.0123456789abcdef@site.example"));
        let raw = |name: &str| parsed.header_raw(name).unwrap().trim().to_owned();
        assert_eq!(raw("Auto-Submitted"), "auto-generated");
        assert_eq!(raw("X-Auto-Response-Suppress"), "All");
        assert_eq!(raw("Content-Language"), mail.locale.tag());
        assert!(parsed.date().is_some());
        assert_eq!(message.envelope().to().len(), 1);
    }
}

#[test]
fn m6_the_message_id_is_the_same_at_each_try_and_on_the_first_line() {
    let letters = letters("Site");
    let id = |message_id: &str| {
        let mail = Mail { message_id: message_id.to_owned(), ..mail(MailKind::VerifyEmail) };
        let text = formatted(&letters.write(&mail).unwrap());
        text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap().to_owned()
    };
    let long = format!("7.0123456789abcdef@{}.example", "a".repeat(60));
    for message_id in ["7.0123456789abcdef@site.example", &long] {
        assert_eq!(id(message_id), format!("<{message_id}>"));
        assert_eq!(id(message_id), id(message_id));
    }
    assert_eq!(id("7>\r\nBcc: eve@a.example\r\n<x@y"), "<7Bcc:eve@a.examplex@y>");
}

/// Values that would be markup, headers or another direction, if they were taken as they are.
fn hostile() -> Vec<String> {
    [
        "<script>alert(1)</script>",
        "\"><a href=\"https://evil.example\" onclick='x()'>click</a><b x=\"",
        "'><img src=x onerror=alert(1)>",
        "{{ token }}{% include 'layout.html' %}{{ 7 * 7 }}",
        "&lt;script&gt;&amp;",
        "x\r\nBcc: eve@evil.example\r\n\r\nanother body",
        "x\nX-Evil: 1\n.\nQUIT",
        "x\r.\rMAIL FROM:<eve@evil.example>",
        "\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n",
        "\u{202e}moc.live\u{2066}\u{200f}",
        "\0\u{1b}[31m\u{7f}\u{85}\u{2028}\u{2029}",
        "=?utf-8?q?=0D=0ABcc:_eve@evil.example?=",
        "--boundary--\r\n",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["x".repeat(10_000), "<b>".repeat(3_000), "中".repeat(3_400)])
    .collect()
}

/// The tags in HTML, as written.
fn tags(html: &str) -> Vec<String> {
    let tag = |rest: &str| rest.split('>').next().unwrap_or_default().to_owned();
    html.split('<').skip(1).map(tag).collect()
}

#[test]
fn m6_no_value_becomes_markup_or_a_header() {
    for value in hostile() {
        let letters = letters(&value);
        for mut mail in all_mails() {
            let calm = tags(&letters.templates.write(&mail).unwrap().html);
            mail.username = Some(value.clone());
            mail.message_id = format!("7.{value}@site.example");
            mail.client.user_agent = Some(value.clone());
            let expected_url = mail.link.as_mut().map(|link| {
                link.page = format!("https://site.example/{value}");
                let shown: String = link
                    .page
                    .chars()
                    .filter(|c| crate::failure::is_shown(*c) && !c.is_whitespace())
                    .collect();
                format!("{shown}#{TOKEN}")
            });
            let message = letters.write(&mail).unwrap();
            let text = formatted(&message);
            assert!(text.is_ascii(), "{value:?}");
            let well_formed = |line: &str| line.len() <= 998 && !line.contains(['\r', '\n', '\0']);
            assert!(text.split("\r\n").all(well_formed), "{value:?}: {text}");
            let read = read(&text);
            assert_names(&read);
            assert!(!read.subject.contains(char::is_control), "{:?}", read.subject);
            assert!(read.subject.chars().count() <= 256);
            let deceives = |c: char| !crate::failure::is_shown(c) && !matches!(c, '\r' | '\n');
            assert!(!read.text.contains(deceives) && !read.html.contains(deceives), "{value:?}");
            assert!(!read.subject.contains(deceives), "{value:?}");
            // The tags are those of the template: only what the link leads to is different.
            let without_links = |tags: Vec<String>| -> Vec<String> {
                tags.into_iter()
                    .filter(|tag| !tag.contains("href=\"https://site.example/"))
                    .collect()
            };
            assert_eq!(
                without_links(tags(&read.html)),
                without_links(calm),
                "{value:?}: {}",
                read.html
            );
            if let Some(url) = expected_url {
                assert!(read.text.lines().any(|line| line == url), "{value:?}: {}", read.text);
                let unescaped = read.html.replace("&lt;", "<").replace("&gt;", ">");
                let unescaped = unescaped.replace("&quot;", "\"").replace("&#39;", "'");
                let unescaped = unescaped.replace("&amp;", "&");
                assert_eq!(unescaped.matches(&url).count(), 3, "{value:?}: {}", read.html);
            }
            assert_eq!(message.envelope().to().len(), 1);
        }
    }
}

#[test]
fn m6_an_address_that_cannot_be_one_is_given_up_and_its_mail_not_written() {
    let letters = letters("Site");
    for value in hostile().into_iter().chain(["ann".into(), "a@b@".into()]) {
        for to in [value.clone(), format!("ann@{value}"), format!("{value}@site.example")] {
            let mail = Mail { to: to.clone(), ..mail(MailKind::ResetPassword) };
            let Err(error) = letters.write(&mail) else {
                // Full words of Chinese are an address.
                assert!(to.chars().all(|c| c.is_alphanumeric() || "@.".contains(c)), "{to:?}");
                continue;
            };
            assert_eq!((error.is_final, error.code.as_str()), (true, "bad_address"), "{to:?}");
        }
    }
}

#[test]
fn m5_the_recipient_is_addressed_as_smtp_needs_it() {
    let letters = letters("Site");
    for (typed, sent) in [
        ("ａｎｎ＠例子。中国", "ann@xn--fsqu00a.xn--fiqs8s"),
        ("a..b@docomo.ne.jp", "\"a..b\"@docomo.ne.jp"),
        ("Ann@Example.COM", "Ann@example.com"),
        ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s"),
    ] {
        let mail = Mail { to: typed.to_owned(), locale: Locale::ZhCn, ..mail(MailKind::Test) };
        let message = letters.write(&mail).unwrap();
        assert_eq!(message.envelope().to()[0].to_string(), sent);
        let text = formatted(&message);
        assert!(text.lines().any(|line| line == format!("To: {sent}")), "{text}");
        // The mail itself has the address as it was typed.
        assert!(read(&text).text.contains(typed));
    }
}

#[test]
fn k1_nothing_shows_the_token_but_the_mail() {
    let letters = letters("Site");
    let mail = mail(MailKind::ResetPassword);
    let bad = Mail { to: "nobody".to_owned(), ..mail.clone() };
    let error = letters.write(&bad).unwrap_err();
    for shown in [
        format!("{mail:?}"),
        format!("{error:?} {error}"),
        format!("{letters:?}"),
        format!("{:?}", letters.templates.write(&mail).unwrap().subject),
    ] {
        assert!(!shown.contains(TOKEN) && !shown.contains(&TOKEN[..12]), "{shown}");
    }
}
