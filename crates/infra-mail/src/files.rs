//! Mails as files in a folder, for development.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_parser::MessageParser;
use menjin_domain::mail::{Mail, MailError, Mailer};

use crate::MailConfigError;
use crate::message::Sender;

/// For how long a file is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many mails are listed.
const LISTED: usize = 100;

/// Writes each mail as `.eml` into a folder that only this user may read. What is older than a day is
/// deleted.
pub struct FileMailer {
    sender: Sender,
    folder: PathBuf,
}

impl FileMailer {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// [`MailConfigError::BadFolder`].
    pub fn new(folder: PathBuf, sender: Sender) -> Result<Self, MailConfigError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| MailConfigError::BadFolder { path: folder.clone(), source })?;
        Ok(Self { sender, folder })
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.sender.message(mail)?.formatted();
        let (folder, name) = (self.folder.clone(), file_name(&mail.message_id));
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &message));
        let failed = |text: String| MailError { is_final: false, code: "file".to_owned(), text };
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// The id without what has a meaning in paths.
fn file_name(message_id: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    message_id.chars().map(safe).collect()
}

fn write(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(message)?;
    let now = file.metadata()?.modified()?;
    fs::rename(&unfinished, folder.join(format!("{name}.eml")))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_mail(&entry.path()) && is_old(&entry, now)? {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_mail(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "eml")
}

fn is_old(entry: &fs::DirEntry, now: SystemTime) -> io::Result<bool> {
    let written = entry.metadata()?.modified()?;
    Ok(now.duration_since(written).is_ok_and(|age| age > KEPT))
}

/// A mail in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMail {
    /// The name of its file, without the extension.
    pub id: String,
    /// Whom it is to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was sent, as its header says.
    pub date: String,
    /// Its text.
    pub text: String,
    /// Its HTML.
    pub html: String,
}

/// Reads the mails in the folder.
#[derive(Debug, Clone)]
pub struct SentMails {
    folder: PathBuf,
}

impl SentMails {
    /// Of this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The mails, the newest first. Blocks.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<SentMail>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if is_mail(&entry.path()) {
                found.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        found.sort();
        let newest = found.into_iter().rev().take(LISTED);
        Ok(newest.filter_map(|(_, path)| read(&path)).collect())
    }
}

fn read(path: &Path) -> Option<SentMail> {
    let bytes = fs::read(path).ok()?;
    let message = MessageParser::default().parse(&bytes)?;
    let address = message.to().and_then(|to| to.first()?.address().map(str::to_owned));
    Some(SentMail {
        id: path.file_stem()?.to_str()?.to_owned(),
        to: address.unwrap_or_default(),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        html: message.body_html(0).unwrap_or_default().into_owned(),
    })
}
