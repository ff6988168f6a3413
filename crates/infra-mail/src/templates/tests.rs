use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;

/// The token of [`mail`].
pub(crate) const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A mail with all that it may have.
pub(crate) fn mail(kind: MailKind) -> Mail {
    let bytes: [u8; 32] = std::array::from_fn(|nth| u8::try_from(nth).unwrap());
    Mail {
        message_id: "7.0123456789abcdef@site.example".to_owned(),
        kind,
        to: "ann@site.example".to_owned(),
        locale: Locale::En,
        username: Some("ann".to_owned()),
        deletes_at: (kind == MailKind::AccountDeletion)
            .then(|| "2026-12-05T08:14:01.5Z".parse().unwrap()),
        link: kind.purpose().map(|purpose| Link {
            page: format!("https://site.example/menjin{}", purpose.page()),
            token: OneTimeToken::from_bytes(&bytes),
            lifetime: Duration::from_secs(30 * 60),
        }),
        client: ClientInfo::at(Ipv4Addr::new(203, 0, 113, 7).into()),
        at: "2026-11-21T08:14:01.5Z".parse().unwrap(),
    }
}

/// One of each kind in each language.
pub(crate) fn all_mails() -> Vec<Mail> {
    let of = |locale| MailKind::ALL.map(|kind| Mail { locale, ..mail(kind) });
    LOCALES.into_iter().flat_map(of).collect()
}

fn built_in() -> Templates {
    Templates::new(None, "Site & Söhne").unwrap()
}

#[test]
fn m6_every_kind_has_its_three_templates_in_every_language() {
    let names: BTreeSet<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut expected = BTreeSet::from(["layout.html".to_owned()]);
    for locale in LOCALES {
        for kind in MailKind::ALL {
            for part in ["subject.txt", "txt", "html"] {
                expected.insert(format!("{}/{kind}.{part}", locale.tag()));
            }
        }
    }
    assert_eq!(names, expected);
    assert_eq!(names.len(), BUILT_IN.len());
}

#[test]
fn m6_a_mail_says_when_from_where_for_how_long_and_what_to_do_if_it_was_somebody_else() {
    let templates = built_in();
    for mail in all_mails() {
        let written = templates.write(&mail).unwrap();
        let name = format!("{} {}", mail.locale.tag(), mail.kind);
        assert!(!written.subject.is_empty() && written.subject.contains("Site & Söhne"), "{name}");
        for (part, site) in [(&written.text, "Site & Söhne"), (&written.html, "Site &amp; Söhne")]
        {
            assert!(part.contains(site), "{name}: {part}");
            assert!(part.contains("2026-11-21 08:14:01 UTC"), "{name}: {part}");
            let has = |text: &str| part.contains(text);
            assert_eq!(has("203.0.113.7"), mail.kind != MailKind::Test, "{name}: {part}");
            let is_link = mail.link.is_some();
            let url = format!("#{TOKEN}");
            assert_eq!(has(&url), is_link, "{name}: {part}");
            let lifetime = if mail.locale == Locale::En { "30 minutes" } else { "30 分钟" };
            assert_eq!(has(lifetime), is_link, "{name}: {part}");
            // The token is there by itself, too.
            let bare = part.replace(&url, "").matches(TOKEN).count();
            assert_eq!(bare, usize::from(is_link), "{name}: {part}");
            if mail.kind != MailKind::Test {
                let not_you = match (mail.locale, mail.kind) {
                    (Locale::ZhCn, MailKind::VerifyEmail) => "不是您注册的",
                    (Locale::En, MailKind::VerifyEmail) => "If you did not make this account",
                    (Locale::ZhCn, MailKind::Invitation) => "如果您不清楚此邀请的来由",
                    (Locale::En, MailKind::Invitation) => "If you did not expect this",
                    (Locale::ZhCn, _) => "不是您本人",
                    (
                        Locale::En,
                        MailKind::PasswordChanged
                        | MailKind::EmailChanged
                        | MailKind::EmailRestored
                        | MailKind::AccountDeletion
                        | MailKind::FactorAdded
                        | MailKind::FactorRemoved
                        | MailKind::FactorLocked
                        | MailKind::RecoveryCodeUsed
                        | MailKind::RecoveryCodesRenewed,
                    ) => "If it was not you",
                    (Locale::En, _) => "If you did not ask for this",
                };
                assert!(has(not_you), "{name}: {part}");
            }
        }
        let is_chinese = written.text.contains('您');
        assert_eq!(is_chinese, mail.locale == Locale::ZhCn, "{name}");
    }
}

#[test]
fn m9_who_is_deleted_is_told_until_when_it_can_be_undone() {
    for locale in LOCALES {
        let written =
            built_in().write(&Mail { locale, ..mail(MailKind::AccountDeletion) }).unwrap();
        for part in [&written.text, &written.html] {
            assert!(part.contains("2026-12-05 08:14:01 UTC"), "{part}");
        }
    }
}

/// The address before was not verified, or the change was undone meanwhile.
#[test]
fn q4_a_changed_address_is_told_without_a_link_as_well() {
    let templates = built_in();
    for locale in LOCALES {
        let mail = Mail { link: None, locale, ..mail(MailKind::EmailChanged) };
        let written = templates.write(&mail).unwrap();
        for part in [&written.text, &written.html] {
            assert!(!part.contains("http") && !part.contains("none,"), "{part}");
            let way = if locale == Locale::En { "Forgot password" } else { "忘记密码" };
            assert!(part.contains(way), "{part}");
        }
    }
}

#[test]
fn m6_html_loads_nothing_and_runs_nothing() {
    let templates = built_in();
    for mail in all_mails() {
        let html = templates.write(&mail).unwrap().html;
        for never in
            ["<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "<form", "<table"]
        {
            assert!(!html.contains(never), "{never} in {html}");
        }
        let pages = html.matches("http").count();
        assert_eq!(pages, if mail.link.is_some() { 3 } else { 0 }, "{html}");
        assert!(html.contains("color-scheme"), "{html}");
    }
}

#[test]
fn m6_without_a_user_name_nobody_is_addressed_by_one() {
    let templates = built_in();
    for mail in all_mails() {
        let written = templates.write(&Mail { username: None, ..mail }).unwrap();
        for part in [&written.text, &written.html] {
            assert!(!part.contains("none") || part.contains("text-decoration:none"), "{part}");
            assert!(part.contains("Hello,") || part.contains("您好！"), "{part}");
        }
    }
}

#[test]
fn m6_lifetimes_are_said_in_words() {
    for (seconds, english, chinese) in [
        (0, "1 minute", "1 分钟"),
        (60, "1 minute", "1 分钟"),
        (89, "1 minute", "1 分钟"),
        (1800, "30 minutes", "30 分钟"),
        (3600, "1 hour", "1 小时"),
        (5400, "90 minutes", "90 分钟"),
        (86_400, "24 hours", "24 小时"),
        (4 * 3600 + 1234, "4 hours", "4 小时"),
        (7 * 86_400 - 1, "7 days", "7 天"),
    ] {
        assert_eq!(lifetime(seconds, Locale::En), english);
        assert_eq!(lifetime(seconds, Locale::ZhCn), chinese);
    }
}

/// A folder with these files, and what comes of it.
fn with_files(files: &[(&str, &str)]) -> Result<Templates, TemplateError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Templates::new(Some(folder.path()), "Site")
}

#[test]
fn m6_a_file_replaces_the_template_of_its_name_and_no_other() {
    let templates = with_files(&[
        ("en/reset_password.subject.txt", "\u{feff}New\r\npassword for {{ username }}\n"),
        ("layout.html", "<body class=own>{% block content %}{% endblock %}</body>"),
        (".gitkeep", ""),
        ("..data/en/anything", ""),
    ])
    .unwrap();
    let written = templates.write(&mail(MailKind::ResetPassword)).unwrap();
    assert_eq!(written.subject, "New password for ann");
    assert!(written.html.starts_with("<body class=own>"), "{}", written.html);
    assert!(written.text.contains("somebody asked for a new password"), "{}", written.text);
    let other = templates.write(&mail(MailKind::VerifyEmail)).unwrap();
    assert_eq!(other.subject, "Confirm your e-mail address for Site");
}

#[test]
fn m6_a_wrong_template_is_found_at_the_start_and_named() {
    for (file, content, says) in [
        ("en/reset_pasword.txt", "{{ link }}", "no mail has a template"),
        ("de/reset_password.txt", "{{ link }}", "no mail has a template"),
        ("notes.txt", "", "no mail has a template"),
        ("en/layout.html", "", "no mail has a template"),
        ("en/reset_password.txt", "{{ link", "syntax error"),
        ("en/reset_password.txt", "{{ link }} {{ nmae }}", "undefined value"),
        ("en/reset_password.txt", "{{ link | shout }}", "unknown filter"),
        ("en/reset_password.txt", "Come!", "does not show {{ link }}"),
        ("zh-CN/verify_email.html", "<p>{{ page }}</p>", "does not show {{ link }}"),
        ("en/test.subject.txt", " \n", "says nothing"),
        ("layout.html", "<body></body>", "does not show {{ link }}"),
        ("layout.html", "{{ colour }}{% block content %}{% endblock %}", "undefined value"),
        ("en/test.txt", "{% include 'secret.txt' %}", "non-existing"),
        ("en/test.txt", "{{ link.page }}", "undefined value"),
    ] {
        let error = with_files(&[(file, content)]).unwrap_err().to_string();
        let named = match says {
            "no mail has a template" => file.split('/').next().unwrap(),
            // The mail that lacks it.
            _ if file == "layout.html" && says.starts_with("does not") => ".html",
            _ => file,
        };
        assert!(error.contains(named) && error.contains(says), "{file}: {error}");
    }
    let missing = Templates::new(Some(Path::new("/nonexistent/mails")), "").unwrap_err();
    assert!(missing.to_string().contains("/nonexistent/mails"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("en")).unwrap();
    fs::write(folder.path().join("en/test.txt"), b"\xff").unwrap();
    let error = Templates::new(Some(folder.path()), "").unwrap_err();
    assert!(error.to_string().contains("en/test.txt"), "{error}");
}
