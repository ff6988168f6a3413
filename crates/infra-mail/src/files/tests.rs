use std::os::unix::fs::PermissionsExt as _;

use menjin_domain::common::Locale;
use menjin_domain::mail::MailKind;
use tempfile::TempDir;

use super::*;
use crate::templates::tests::{TOKEN, mail};

fn mailer() -> (TempDir, PathBuf, FileMailer) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("var/mails");
    let templates = Arc::new(Templates::new(None, "Site").unwrap());
    let mailer = FileMailer::new(&folder, "Site <a@site.example>", templates).unwrap();
    (temporary, folder, mailer)
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn m6_mails_are_written_for_nobody_else_and_read_back() {
    let (_temporary, folder, mailer) = mailer();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert!(!folder.exists(), "where no mail is sent, no folder is made");
    assert!(SentMails::new(&folder).list().await.unwrap().is_empty());
    let sent = Mail { locale: Locale::ZhCn, ..mail(MailKind::ResetPassword) };
    mailer.send(&sent).await.unwrap();
    // A second try writes the same file.
    mailer.send(&sent).await.unwrap();
    assert_eq!(names(&folder), ["7.0123456789abcdef_site.example.eml"]);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("7.0123456789abcdef_site.example.eml")), 0o600);

    let mails = SentMails::new(&folder);
    let listed = mails.list().await.unwrap();
    let [first] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(first.to, "ann@site.example");
    assert_eq!(first.subject, "重置您在 Site 的密码");
    assert!(first.at > "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let body = mails.read(&first.id).await.unwrap().unwrap();
    assert_eq!(&body.mail, first);
    let url = format!("https://site.example/menjin/account/reset-password#{TOKEN}");
    assert_eq!(body.links, [&*url]);
    assert!(body.text.contains("30 分钟") && body.html.contains(&url));
    // K1: neither shows it to a log.
    assert!(!format!("{body:?}").contains(TOKEN));
}

#[tokio::test]
async fn m6_what_is_older_than_a_day_is_deleted_and_nothing_of_others() {
    let (_temporary, folder, mailer) = mailer();
    mailer.send(&mail(MailKind::Test)).await.unwrap();
    let now = fs::metadata(folder.join("7.0123456789abcdef_site.example.eml")).unwrap();
    let now = now.modified().unwrap();
    let hour = Duration::from_secs(60 * 60);
    for (name, hours) in
        [("old.eml", 25), ("new.eml", 23), (".old.part", 25), (".new.part", 1), ("notes.txt", 99)]
    {
        let file = File::create(folder.join(name)).unwrap();
        file.set_modified(now - hour * hours).unwrap();
    }
    mailer.send(&mail(MailKind::Test)).await.unwrap();
    let left = [".new.part", "7.0123456789abcdef_site.example.eml", "new.eml", "notes.txt"];
    assert_eq!(names(&folder), left);
}

#[tokio::test]
async fn m6_the_newest_hundred_are_listed_first() {
    let (temporary, folder, mailer) = mailer();
    let start = fs::metadata(temporary.path()).unwrap().modified().unwrap();
    for nth in 0..105_u32 {
        let message_id = format!("{nth}.x@site.example");
        mailer
            .send(&Mail { message_id: message_id.clone(), ..mail(MailKind::Test) })
            .await
            .unwrap();
        let path = folder.join(format!("{}.eml", file_name(&message_id)));
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(start + Duration::from_secs(u64::from(nth))).unwrap();
    }
    let listed = SentMails::new(&folder).list().await.unwrap();
    let ids: Vec<_> = listed.iter().map(|mail| mail.id.clone()).collect();
    let expected: Vec<_> = (5..105).rev().map(|nth| format!("{nth}.x_site.example")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn m6_no_id_leads_out_of_the_folder() {
    let (temporary, folder, mailer) = mailer();
    mailer.send(&mail(MailKind::Test)).await.unwrap();
    let mails = SentMails::new(&folder);
    let secret = temporary.path().join("secret.eml");
    fs::write(&secret, "Subject: secret\r\n\r\nsecret").unwrap();
    std::os::unix::fs::symlink(&secret, folder.join("link.eml")).unwrap();
    fs::create_dir(folder.join("folder.eml")).unwrap();
    fs::write(folder.join(".hidden.eml"), "Subject: hidden\r\n\r\nhidden").unwrap();
    let absolute = secret.with_extension("").display().to_string();
    for id in [
        "",
        ".",
        "..",
        "../../secret",
        "..%2fsecret",
        "/etc/passwd",
        &absolute,
        "a/b",
        "a\\b",
        "a\0b",
        ".hidden",
        "link",
        "folder",
        "unknown",
        "é",
        &"x".repeat(300),
        "7.0123456789abcdef_site.example.eml",
    ] {
        assert!(mails.read(id).await.unwrap().is_none(), "{id}");
    }
    assert_eq!(mails.list().await.unwrap().len(), 1);
    assert!(SentMails::new(folder.join("nowhere")).list().await.unwrap().is_empty());
}

#[test]
fn m6_the_name_of_a_file_is_only_a_name() {
    for (id, name) in [
        ("7.ab@site.example", "7.ab_site.example"),
        ("../../etc/passwd", "_../../etc/passwd"),
        (".hidden", "_.hidden"),
        ("", "_"),
        ("a\0\r\n/b", "a____b"),
    ] {
        assert_eq!(file_name(id), name.replace('/', "_"), "{id}");
    }
    assert_eq!(file_name(&"x".repeat(5000)).len(), MAX_NAME);
}

#[tokio::test]
async fn m5_a_folder_that_takes_no_files_is_an_error_that_passes() {
    let (_temporary, folder, mailer) = mailer();
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, "a file is in its place").unwrap();
    let error = mailer.send(&mail(MailKind::ResetPassword)).await.unwrap_err();
    assert_eq!((error.is_final, error.code.as_str()), (false, "file"));
    assert!(!error.text.contains(TOKEN), "{error}");
    let templates = Arc::new(Templates::new(None, "").unwrap());
    let bad = FileMailer::new(&folder, "nobody", templates).unwrap_err();
    assert!(matches!(bad, MailConfigError::Sender(_)), "{bad}");
}
