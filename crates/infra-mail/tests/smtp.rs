//! Mails by SMTP, to a real mail server and to one that lies.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use mail_parser::MessageParser;
use menjin_domain::common::{ClientInfo, Locale};
use menjin_domain::mail::{Link, Mail, MailError, MailKind, Mailer as _};
use menjin_domain::one_time::OneTimeToken;
use menjin_infra_mail::{MailConfigError, SmtpConfig, SmtpMailer, SmtpTls, Templates};
use menjin_test_servers::free_port;
use menjin_test_servers::smtp::SmtpServer;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

fn config(port: u16) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        tls: SmtpTls::None,
        username: None,
        password: None,
        ca: None,
        from: "门禁 <no-reply@site.example>".to_owned(),
        hello_name: None,
        timeout: Duration::from_secs(20),
        connections: 4,
    }
}

fn mailer(config: SmtpConfig) -> SmtpMailer {
    SmtpMailer::new(config, Arc::new(Templates::new(None, "Site").unwrap())).unwrap()
}

fn token() -> OneTimeToken {
    OneTimeToken::from_bytes(&std::array::from_fn(|nth| u8::try_from(nth).unwrap()))
}

fn mail_to(to: &str) -> Mail {
    Mail {
        message_id: "7.0123456789abcdef@site.example".to_owned(),
        kind: MailKind::ResetPassword,
        to: to.to_owned(),
        locale: Locale::ZhCn,
        username: Some("张三".to_owned()),
        deletes_at: None,
        link: Some(Link {
            page: "https://site.example/account/reset-password".to_owned(),
            token: token(),
            lifetime: Duration::from_secs(1800),
        }),
        client: ClientInfo::at("203.0.113.7".parse().unwrap()),
        at: "2026-11-21T08:14:01Z".parse().unwrap(),
    }
}

fn url() -> String {
    format!("https://site.example/account/reset-password#{}", token().expose())
}

/// The only mail that a server has taken.
fn only_mail(server: &SmtpServer) -> Value {
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{:?}", server.heard());
    serde_json::from_str(&mails[0]).unwrap()
}

fn code(result: Result<(), MailError>) -> (String, bool) {
    let error = result.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&token().expose()[..12]), "K1: {shown}");
    assert!(error.text.chars().count() <= 200 && !error.text.contains(char::is_control));
    (error.code, error.is_final)
}

fn deferred(code: &str) -> (String, bool) {
    (code.to_owned(), false)
}

fn refused(code: &str) -> (String, bool) {
    (code.to_owned(), true)
}

/// An authority, and the certificate that it made for a name.
struct Certified {
    ca: String,
    certificate: PathBuf,
    key: PathBuf,
    _folder: TempDir,
}

fn certified(name: &str) -> Certified {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let ca = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, file) = (folder.path().join("server.pem"), folder.path().join("server.key"));
    std::fs::write(&certificate, server.pem()).unwrap();
    std::fs::write(&file, key.serialize_pem()).unwrap();
    Certified { ca, certificate, key: file, _folder: folder }
}

impl Certified {
    fn server(&self, how: &str, more: &[&str]) -> SmtpServer {
        let files = [&self.certificate, &self.key].map(|file| file.to_str().unwrap());
        SmtpServer::start(&[&[how], &files[..], more].concat())
    }
}

#[tokio::test]
async fn m5_a_mail_arrives_whole_and_two_other_libraries_read_it_as_it_was_meant() {
    let server = SmtpServer::start(&[]);
    let mailer = mailer(config(server.port()));
    mailer.send(&mail_to("Ann@例子.中国")).await.unwrap();
    let mail = only_mail(&server);
    assert_eq!(mail["from"], "no-reply@site.example");
    assert_eq!(mail["to"][0], "Ann@xn--fsqu00a.xn--fiqs8s");
    assert_eq!(mail["defects"].as_array().unwrap().len(), 0, "{}", mail["defects"]);
    assert_eq!(mail["type"], "multipart/alternative");
    assert_eq!(mail["subject"], "重置您在 Site 的密码");
    let headers = &mail["headers"];
    assert_eq!(headers["From"], "门禁 <no-reply@site.example>");
    assert_eq!(headers["To"], "Ann@xn--fsqu00a.xn--fiqs8s");
    assert_eq!(headers["Message-ID"], "<7.0123456789abcdef@site.example>");
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    assert_eq!(headers["X-Auto-Response-Suppress"], "All");
    assert_eq!(headers["Content-Language"], "zh-CN");
    assert!(headers["Date"].as_str().unwrap().ends_with("+0000"), "{headers}");
    let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
    assert!(text.lines().any(|line| line == url()), "{text}");
    assert!(text.lines().any(|line| line == token().expose()), "{text}");
    assert!(text.starts_with("张三，您好！"), "{text}");
    assert!(html.contains(&format!("href=\"{}\"", url())), "{html}");

    let raw = mail["raw"].as_str().unwrap();
    let parsed = MessageParser::default().parse(raw.as_bytes()).unwrap();
    assert_eq!(parsed.subject(), Some("重置您在 Site 的密码"));
    let lines = |text: &str| text.trim_end().lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&parsed.body_text(0).unwrap()), lines(text));
    assert_eq!(lines(&parsed.body_html(0).unwrap()), lines(html));
    // Who has no name gives its address (RFC 5321 §4.1.4).
    assert_eq!(server.heard()[0].split_once(' ').unwrap().1, "EHLO [127.0.0.1]");
}

#[tokio::test]
async fn m5_a_text_of_dots_does_not_end_early() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("en")).unwrap();
    let text = ".\n..\nx\n.\nQUIT\n.{{ site }}";
    std::fs::write(folder.path().join("en/test.txt"), text).unwrap();
    let templates = Templates::new(Some(folder.path()), ".").unwrap();
    let server = SmtpServer::start(&[]);
    let mailer = SmtpMailer::new(config(server.port()), Arc::new(templates)).unwrap();
    let letter = Mail { kind: MailKind::Test, locale: Locale::En, ..mail_to("ann@site.example") };
    mailer.send(&Mail { link: None, ..letter }).await.unwrap();
    let lines: Vec<String> =
        only_mail(&server)["text"].as_str().unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines, [".", "..", "x", ".", "QUIT", ".."]);
    assert!(!server.heard().iter().any(|line| line.contains("QUIT")));
}

#[tokio::test]
async fn m5_the_client_greets_with_the_name_it_was_given() {
    let server = SmtpServer::start(&[]);
    let named =
        SmtpConfig { hello_name: Some("auth.site.example".into()), ..config(server.port()) };
    mailer(named).send(&mail_to("ann@site.example")).await.unwrap();
    assert!(server.heard()[0].ends_with("EHLO auth.site.example"), "{:?}", server.heard());
}

#[tokio::test]
async fn m5_addresses_of_all_kinds_are_taken() {
    let server = SmtpServer::start(&["--utf8"]);
    let mailer = mailer(config(server.port()));
    for to in ["a..b@docomo.ne.jp", ".a@docomo.ne.jp", "ａｎｎ＠ｑｑ。ｃｏｍ", "用户@例子.中国"]
    {
        mailer.send(&mail_to(to)).await.unwrap();
    }
    let heard = server.heard();
    let rcpt: Vec<&str> =
        heard.iter().filter_map(|it| Some(it.split_once("RCPT TO:")?.1)).collect();
    let expected = [
        "<\"a..b\"@docomo.ne.jp>",
        "<\".a\"@docomo.ne.jp>",
        "<ann@qq.com>",
        "<用户@xn--fsqu00a.xn--fiqs8s>",
    ];
    assert_eq!(rcpt, expected);
    let mails = server.mails();
    let options = |nth: usize| {
        let mail: Value = serde_json::from_str(&mails[nth]).unwrap();
        mail["options"].to_string()
    };
    assert!(!options(0).contains("SMTPUTF8") && options(3).contains("SMTPUTF8"));
}

#[tokio::test]
async fn m5_an_address_that_the_server_has_no_characters_for_is_given_up() {
    let server = SmtpServer::start(&[]);
    let mailer = mailer(config(server.port()));
    assert_eq!(code(mailer.send(&mail_to("用户@例子.中国")).await), refused("smtputf8"));
    assert_eq!(code(mailer.send(&mail_to("nobody")).await), refused("bad_address"));
    mailer.send(&mail_to("ann@site.example")).await.unwrap();
    assert_eq!(connections(&server), 1, "{:?}", server.heard());
}

#[tokio::test]
async fn m3_replies_of_the_server_decide_whether_a_mail_is_tried_again() {
    let server = SmtpServer::start(&[]);
    let mailer = mailer(config(server.port()));
    let greylisted = mail_to("greylist@site.example");
    let error = mailer.send(&greylisted).await.unwrap_err();
    assert_eq!(error.text, "4.7.1 greylisted, come back later");
    assert_eq!((error.code.as_str(), error.is_final), ("451", false));
    mailer.send(&greylisted).await.unwrap();
    let error = mailer.send(&mail_to("refuse@site.example")).await.unwrap_err();
    assert_eq!(error.text, "5.1.1 <refuse@site.example> is not here");
    assert_eq!((error.code.as_str(), error.is_final), ("550", true));
    assert_eq!(code(mailer.send(&mail_to("busy@site.example")).await), deferred("421"));
    mailer.send(&mail_to("ann@site.example")).await.unwrap();
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn k1_a_server_that_quotes_the_mail_does_not_bring_the_token_into_the_error() {
    let server = SmtpServer::start(&[]);
    let mailer = mailer(config(server.port()));
    let error = mailer.send(&mail_to("spam@site.example")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.is_final), ("554", true));
    let page = "https://site.example/account/reset-password";
    assert_eq!(error.text, format!("5.7.1 refused because of {page}#(token)"));
    assert_eq!(code(Err(error)), refused("554"));
}

#[tokio::test]
async fn m3_a_server_that_never_answers_is_given_up_in_time_and_the_next_mail_is_whole() {
    let server = SmtpServer::start(&[]);
    let short = SmtpConfig { timeout: Duration::from_secs(1), ..config(server.port()) };
    let mailer = mailer(SmtpConfig { connections: 1, ..short });
    mailer.send(&mail_to("ann@site.example")).await.unwrap();
    for _ in 0..2 {
        let start = Instant::now();
        assert_eq!(code(mailer.send(&mail_to("hang@site.example")).await), deferred("timeout"));
        let took = start.elapsed();
        assert!((900..3000).contains(&took.as_millis()), "{took:?}");
    }
    // It must not come behind the text of the one that was given up.
    mailer.send(&mail_to("ann@site.example")).await.unwrap();
    assert_eq!(server.mails().len(), 2);
    assert_eq!(connections(&server), 3, "{:?}", server.heard());
}

#[tokio::test]
async fn m3_a_connection_that_is_cut_is_an_error_that_passes() {
    let server = SmtpServer::start(&[]);
    let mailer = mailer(config(server.port()));
    assert_eq!(code(mailer.send(&mail_to("cut@site.example")).await), deferred("connection"));
    mailer.send(&mail_to("ann@site.example")).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn m3_nobody_listening_is_an_error_that_passes() {
    let mailer = mailer(config(free_port()));
    assert_eq!(code(mailer.send(&mail_to("ann@site.example")).await), deferred("connection"));
    let unknown = SmtpConfig { host: "mail.invalid".into(), ..config(25) };
    let sent = self::mailer(unknown).send(&mail_to("ann@site.example")).await;
    assert!(!code(sent).1);
}

#[tokio::test]
async fn m3_a_connection_that_the_server_closed_meanwhile_is_replaced() {
    let server = SmtpServer::start(&["--timeout", "0.5"]);
    let mailer = mailer(config(server.port()));
    for _ in 0..3 {
        mailer.send(&mail_to("ann@site.example")).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!((server.mails().len(), connections(&server)), (3, 3));
}

#[tokio::test]
async fn m5_two_hundred_mails_at_once_take_no_more_connections_than_allowed() {
    let server = SmtpServer::start(&[]);
    let mailer = mailer(SmtpConfig { timeout: Duration::from_secs(50), ..config(server.port()) });
    let sent = futures_util::stream::iter(0..200)
        .map(|nth| {
            let mailer = &mailer;
            async move { mailer.send(&mail_to(&format!("ann{nth}@site.example"))).await }
        })
        .buffer_unordered(40);
    let failed = sent.filter_map(async |result| result.err()).collect::<Vec<_>>().await;
    assert!(failed.is_empty(), "{failed:?}");
    let to = |mail: &String| serde_json::from_str::<Value>(mail).unwrap()["to"].to_string();
    let taken: std::collections::BTreeSet<String> = server.mails().iter().map(to).collect();
    assert_eq!(taken.len(), 200);
    assert!(connections(&server) <= 4, "{}", connections(&server));
}

/// How many connections have been greeted.
fn connections(server: &SmtpServer) -> usize {
    let heard = server.heard();
    let number = |line: &String| line.split(' ').next().unwrap().to_owned();
    heard.iter().map(number).collect::<std::collections::BTreeSet<_>>().len()
}

#[tokio::test]
async fn m5_starttls_encrypts_before_anything_is_said() {
    let certified = certified("127.0.0.1");
    let server = certified.server("--starttls", &["--login", "menjin", "secret"]);
    let with_ca = SmtpConfig {
        tls: SmtpTls::StartTls,
        ca: Some(certified.ca.clone()),
        username: Some("menjin".into()),
        password: Some("secret".into()),
        ..config(server.port())
    };
    let mailer = mailer(with_ca);
    for to in ["ann@site.example", "bob@site.example"] {
        mailer.send(&mail_to(to)).await.unwrap();
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        let mail: Value = serde_json::from_str(&mail).unwrap();
        assert_eq!((&mail["tls"], &mail["user"]), (&Value::Bool(true), &Value::from("menjin")));
    }
    let heard = server.heard();
    let commands: Vec<_> = heard.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(commands[..5], ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]);
}

#[tokio::test]
async fn m5_implicit_tls_encrypts_from_the_first_byte() {
    let certified = certified("127.0.0.1");
    let server = certified.server("--implicit", &[]);
    let implicit = SmtpConfig {
        tls: SmtpTls::Implicit,
        ca: Some(certified.ca.clone()),
        ..config(server.port())
    };
    mailer(implicit).send(&mail_to("ann@site.example")).await.unwrap();
    assert_eq!(only_mail(&server)["tls"], true);
}

#[tokio::test]
async fn m5_a_certificate_that_is_not_the_servers_ends_the_connection() {
    let (right, other_authority) = (certified("127.0.0.1"), certified("127.0.0.1"));
    let other_name = certified("mail.example");
    for (server, ca) in [
        (&right, Some(&other_authority.ca)),
        // That of the system.
        (&right, None),
        (&other_name, Some(&other_name.ca)),
    ] {
        for (how, tls) in [("--starttls", SmtpTls::StartTls), ("--implicit", SmtpTls::Implicit)] {
            let server = server.server(how, &[]);
            let config = SmtpConfig { tls, ca: ca.cloned(), ..config(server.port()) };
            let sent = mailer(config).send(&mail_to("ann@site.example")).await;
            let error = sent.unwrap_err();
            assert!(error.text.contains("certificate"), "{error}");
            assert_eq!(code(Err(error)), deferred("tls"));
            assert!(server.mails().is_empty());
            let heard = server.heard();
            assert!(!heard.iter().any(|line| line.contains("MAIL")), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn m5_without_starttls_at_the_server_nothing_is_sent_in_clear() {
    let server = SmtpServer::start(&["--login", "menjin", "secret"]);
    let certified = certified("127.0.0.1");
    let config = SmtpConfig {
        tls: SmtpTls::StartTls,
        ca: Some(certified.ca.clone()),
        username: Some("menjin".into()),
        password: Some("secret".into()),
        ..config(server.port())
    };
    let error = mailer(config.clone()).send(&mail_to("ann@site.example")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.is_final), ("tls", false));
    assert_eq!(error.text, "the mail server does not offer STARTTLS");
    let heard = server.heard();
    assert_eq!(heard.len(), 1, "only the greeting: {heard:?}");
    // A server in clear where encryption is from the first byte.
    let implicit = SmtpConfig { tls: SmtpTls::Implicit, ..config };
    assert_eq!(code(mailer(implicit).send(&mail_to("ann@site.example")).await), deferred("tls"));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn m3_a_login_that_is_refused_is_tried_again_as_somebody_may_mend_the_settings() {
    let server = SmtpServer::start(&["--login", "menjin", "secret"]);
    let with = |password: Option<&str>| SmtpConfig {
        username: password.map(|_| "menjin".into()),
        password: password.map(Into::into),
        ..config(server.port())
    };
    let to = mail_to("ann@site.example");
    assert_eq!(code(mailer(with(Some("wrong"))).send(&to).await), deferred("535"));
    // Without a login where one is needed.
    assert_eq!(code(mailer(with(None)).send(&to).await), deferred("530"));
    assert!(server.mails().is_empty());
    mailer(with(Some("secret"))).send(&to).await.unwrap();
    assert_eq!(only_mail(&server)["user"], "menjin");
    // A server that asks nobody to log in is not the one that was meant.
    let open = SmtpServer::start(&[]);
    let config = SmtpConfig { port: open.port(), ..with(Some("secret")) };
    assert!(!code(mailer(config).send(&to).await).1);
    assert!(open.mails().is_empty());
}

/// A server that says these replies, one after each line that it hears; then it hears on. Returns its
/// port, and what it heard.
fn scripted(replies: &'static [&'static str]) -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (mut reader, mut writer) = (BufReader::new(stream.try_clone().unwrap()), stream);
        let mut heard = Vec::new();
        for (nth, reply) in replies.iter().enumerate() {
            if nth > 0 && reader.read_until(b'\n', &mut heard).unwrap_or(0) == 0 {
                break;
            }
            drop(writer.write_all(reply.as_bytes()));
        }
        drop(reader.read_to_end(&mut heard));
        drop(sender.send(heard));
    });
    (port, receiver)
}

#[tokio::test]
async fn m5_what_comes_in_clear_behind_the_reply_to_starttls_is_not_read_as_encrypted() {
    let certified = certified("127.0.0.1");
    for (replies, expected) in [
        (
            // As if the encrypted server had said it: the whole dialogue up to "taken".
            &[
                "220 mail.example\r\n",
                "250-mail.example\r\n250 STARTTLS\r\n",
                "220 go\r\n250 mail.example\r\n250 OK\r\n250 OK\r\n354 go\r\n250 taken\r\n",
            ][..],
            "protocol",
        ),
        (&["220 mail.example\r\n", "250 STARTTLS\r\n"][..], "tls"),
        (&["220 mail.example\r\n250 early\r\n"][..], "protocol"),
        (&["554 5.7.1 not from here\r\n"][..], "554"),
        (&["220 mail.example\r\n", "250-a\r\n250 STARTTLS\r\n", "454 4.7.0 later\r\n"][..], "454"),
        (&["HTTP/1.1 400 Bad Request\r\n"][..], "protocol"),
    ] {
        let (port, heard) = scripted(replies);
        let config = SmtpConfig {
            tls: SmtpTls::StartTls,
            ca: Some(certified.ca.clone()),
            username: Some("menjin".into()),
            password: Some("secret".into()),
            ..config(port)
        };
        let sent = mailer(config).send(&mail_to("ann@site.example")).await;
        assert_eq!(code(sent), deferred(expected), "{replies:?}");
        let heard = String::from_utf8(heard.recv().unwrap()).unwrap();
        let said: Vec<_> = heard.lines().collect();
        assert!(
            said.iter().all(|line| line.starts_with("EHLO") || *line == "STARTTLS"),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn m3_a_server_that_says_nonsense_is_an_error_that_passes_wherever_it_does() {
    let sound = [
        "220 mail.example\r\n",
        "250 mail.example\r\n",
        "250 OK\r\n",
        "250 OK\r\n",
        "354 go\r\n",
        "250 OK\r\n",
    ];
    let nonsense = [
        "\r\n",
        "2",
        "25",
        "250",
        "250-",
        "\0\0\0\0\r\n",
        "250-a\r\n250- \r\n250-\t\r\n250 b\r\n",
        "250-a\r\n251 b\r\n",
        "999 x\r\n",
        "100 x\r\n",
        "250 \u{feff}中\r\n",
        "250中\r\n",
        "-250\r\n",
        "250 - \n\n",
        "334 x\r\n",
        "250-AUTH\r\n250 AUTH \r\n",
        "  \r\n",
        "250-\r\n250-\r\n250 \r\n",
        "250 \r\n",
        "250-x\r\n250 \u{85}\u{a0} \r\n",
    ];
    for at in 0..sound.len() {
        for bad in nonsense {
            let mut replies: Vec<&'static str> = sound.to_vec();
            replies[at] = bad;
            let (port, _heard) = scripted(replies.leak());
            let config = SmtpConfig { timeout: Duration::from_millis(200), ..config(port) };
            let Err(error) = mailer(config).send(&mail_to("ann@site.example")).await else {
                // Nobody minds a strange greeting. All else has to say what it should.
                assert!(at < 2 || (bad.contains("250 ") && at != 4), "{bad:?} at {at}");
                continue;
            };
            assert!(!error.is_final, "{bad:?} at {at}: {error}");
            let codes = ["protocol", "timeout", "connection"];
            assert!(codes.contains(&&*error.code), "{bad:?} at {at}: {error}");
        }
    }
}

#[tokio::test]
async fn m5_an_endless_reply_is_not_read_to_its_end() {
    static REPLY: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| format!("220-{}\r\n", "x".repeat(900)).repeat(2000));
    static REPLIES: std::sync::LazyLock<[&str; 1]> = std::sync::LazyLock::new(|| [REPLY.as_str()]);
    let certified = certified("127.0.0.1");
    for tls in [SmtpTls::StartTls, SmtpTls::None] {
        let (port, _heard) = scripted(&REPLIES[..]);
        let config = SmtpConfig { tls, ca: Some(certified.ca.clone()), ..config(port) };
        let start = Instant::now();
        let sent = mailer(config).send(&mail_to("ann@site.example")).await;
        assert_eq!(code(sent), deferred("protocol"), "{tls:?}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn m5_settings_that_no_mail_can_be_sent_with_are_refused_at_the_start() {
    let new = |config| SmtpMailer::new(config, Arc::new(Templates::new(None, "Site").unwrap()));
    let base = || SmtpConfig {
        tls: SmtpTls::StartTls,
        ca: Some(certified("a.example").ca),
        ..config(587)
    };
    assert!(new(base()).is_ok());
    assert!(new(SmtpConfig { host: "::1".into(), ..base() }).is_ok());
    assert!(new(SmtpConfig { host: "[::1]".into(), ..base() }).is_ok());
    let refused = |config| new(config).map(drop).unwrap_err();
    let error = refused(SmtpConfig { from: "Site".into(), ..base() });
    assert!(matches!(error, MailConfigError::Sender(_)), "{error}");
    for host in ["", "a b", "smtp://a.example", "a.example:25", "a\r\nb"] {
        let error = refused(SmtpConfig { host: host.into(), ..base() });
        assert!(matches!(error, MailConfigError::Host(_)), "{host}: {error}");
    }
    for name in ["", "a b", "a\r\nMAIL FROM:<>"] {
        let error = refused(SmtpConfig { hello_name: Some(name.into()), ..base() });
        assert!(matches!(error, MailConfigError::HelloName(_)), "{name}: {error}");
    }
    let error = refused(SmtpConfig { username: Some("menjin".into()), ..base() });
    assert!(matches!(error, MailConfigError::HalfCredentials), "{error}");
    let error = refused(SmtpConfig { password: Some("secret".into()), ..base() });
    assert!(matches!(error, MailConfigError::HalfCredentials), "{error}");
    for ca in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let error = refused(SmtpConfig { ca: Some(ca.into()), ..base() });
        assert!(matches!(error, MailConfigError::Authorities(_)), "{ca}: {error}");
    }
    let error = refused(SmtpConfig { connections: 0, ..base() });
    assert!(matches!(error, MailConfigError::Nothing), "{error}");
    let error = refused(SmtpConfig { timeout: Duration::ZERO, ..base() });
    assert!(matches!(error, MailConfigError::Nothing), "{error}");
    // K1: nothing shows the password.
    let secret =
        SmtpConfig { username: Some("menjin".into()), password: Some("geheim".into()), ..base() };
    let shown = format!("{secret:?} {:?}", mailer(secret.clone()));
    assert!(!shown.contains("geheim"), "{shown}");
}
