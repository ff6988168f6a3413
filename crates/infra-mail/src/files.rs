//! Mails in a folder, for development and tests: written, and read back.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_parser::MessageParser;
use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::mail::{Mail, MailError, Mailer};

use crate::failure::{passing, shown};
use crate::message::{Letters, MailConfigError};
use crate::templates::Templates;

/// How long a mail is kept: it has a token, and a folder that is forgotten grows.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many mails a list has at most.
const LISTED: usize = 100;

/// The largest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// The longest name of a file, without its extension.
const MAX_NAME: usize = 200;

/// Writes each mail to a file, `<Message-ID>.eml`, instead of sending it. Each mail deletes those that
/// are older than a day.
#[derive(Debug)]
pub struct FileMailer {
    letters: Letters,
    folder: PathBuf,
}

impl FileMailer {
    /// Writes to this folder. The first mail makes it, for nobody else to read, if there is none.
    ///
    /// # Errors
    /// The sender is no address.
    pub fn new(
        folder: impl Into<PathBuf>,
        from: &str,
        templates: Arc<Templates>,
    ) -> Result<Self, MailConfigError> {
        Ok(Self { letters: Letters::new(templates, from)?, folder: folder.into() })
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.letters.write(mail).map_err(|error| shown(error, mail))?.formatted();
        let (folder, name) = (self.folder.clone(), file_name(&mail.message_id));
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &message)).await;
        let error = match written {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        Err(shown(passing("file", error), mail))
    }
}

/// The name of a file for a `Message-ID`, without the extension.
fn file_name(message_id: &str) -> String {
    let safe = |c: char| if is_safe(c) { c } else { '_' };
    let name: String = message_id.chars().take(MAX_NAME).map(safe).collect();
    if name.starts_with('.') || name.is_empty() { format!("_{name}") } else { name }
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn write(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Nobody reads half a mail.
    let unfinished = folder.join(format!(".{name}.part"));
    let mut file = private().open(&unfinished)?;
    file.write_all(message)?;
    file.sync_all()?;
    let now = file.metadata()?.modified()?;
    fs::rename(&unfinished, folder.join(format!("{name}.eml")))?;
    delete_old(folder, now);
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

/// Deletes what was written a day before this time. What cannot be deleted is tried again with the
/// next mail.
fn delete_old(folder: &Path, now: SystemTime) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.ends_with(".eml") || name.starts_with('.') && name.ends_with(".part");
        let age = entry.metadata().and_then(|it| it.modified()).ok();
        let age = age.and_then(|modified| now.duration_since(modified).ok());
        if is_ours && age.is_some_and(|age| age > KEPT) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// A mail in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMail {
    /// The name of its file, without the extension.
    pub id: String,
    /// The address that it went to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was written, to the second.
    pub at: Timestamp,
}

/// A mail in the folder, whole.
#[derive(Clone, PartialEq, Eq)]
pub struct SentMailBody {
    /// Its head.
    pub mail: SentMail,
    /// Its text.
    pub text: String,
    /// Its HTML.
    pub html: String,
    /// The links in its text, each once.
    pub links: Vec<String>,
}

// Its text and its links have the token.
impl std::fmt::Debug for SentMailBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentMailBody").field("mail", &self.mail).finish_non_exhaustive()
    }
}

/// Reads the mails that a [`FileMailer`] wrote.
#[derive(Debug, Clone)]
pub struct SentMails {
    folder: PathBuf,
}

impl SentMails {
    /// Those in this folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The mails, newest first, at most 100.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn list(&self) -> Result<Vec<SentMail>, PortError> {
        let folder = self.folder.clone();
        blocking(move || list(&folder)).await
    }

    /// The mail of this id; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn read(&self, id: &str) -> Result<Option<SentMailBody>, PortError> {
        let is_name = !id.is_empty() && !id.starts_with('.') && id.len() <= MAX_NAME + 1;
        if !is_name || !id.chars().all(is_safe) {
            return Ok(None);
        }
        let (folder, id) = (self.folder.clone(), id.to_owned());
        blocking(move || read(&folder, &id)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, PortError> {
    let failed = |source| PortError::internal("mail folder", source);
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(error.into())),
        Err(error) => Err(failed(Box::<dyn std::error::Error + Send + Sync>::from(error))),
    }
}

fn list(folder: &Path) -> io::Result<Vec<SentMail>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found: Vec<(SystemTime, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(".eml").filter(|id| !id.starts_with('.'))?;
            Some((entry.metadata().ok()?.modified().ok()?, id.to_owned()))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    // One that was deleted meanwhile is left out.
    let read = |(_, id): (_, String)| read(folder, &id).ok().flatten().map(|body| body.mail);
    Ok(found.into_iter().filter_map(read).take(LISTED).collect())
}

fn read(folder: &Path, id: &str) -> io::Result<Option<SentMailBody>> {
    let path = folder.join(format!("{id}.eml"));
    let metadata = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    // A link would lead out of the folder.
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Ok(None);
    }
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    Ok(parse(id, &bytes))
}

fn parse(id: &str, bytes: &[u8]) -> Option<SentMailBody> {
    let message = MessageParser::default().parse(bytes)?;
    let to = message.to().and_then(|to| to.first()).and_then(|to| to.address());
    let at = message.date().and_then(|date| Timestamp::from_timestamp(date.to_timestamp(), 0));
    let text = message.body_text(0).unwrap_or_default().into_owned();
    let html = message.body_html(0).unwrap_or_default().into_owned();
    let mut links: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_link = word.starts_with("https://") || word.starts_with("http://");
        if is_link && !links.iter().any(|link| link == word) {
            links.push(word.to_owned());
        }
    }
    let mail = SentMail {
        id: id.to_owned(),
        to: to.unwrap_or_default().to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        at: at.unwrap_or_default(),
    };
    Some(SentMailBody { mail, text, html, links })
}

#[cfg(test)]
mod tests;
