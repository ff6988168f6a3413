//! How pages look: as the program has it, or as a folder of the operator says.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use actix_web::web::Bytes;
use minijinja::Environment;

use crate::http::content::Content;

const PAGE: &str = "page.html";
const STYLE: &str = "page.css";
/// What the logo may be, with its media type.
const LOGOS: [(&str, &str); 2] = [("logo.svg", "image/svg+xml"), ("logo.png", "image/png")];

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// It, or a file in it, cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its template is none, or shows something that pages do not have.
    #[error("page.html: {0}")]
    Template(#[from] minijinja::Error),
    /// There is nothing in it that is used.
    #[error("{} has none of page.html, page.css, logo.svg and logo.png", .0.display())]
    Empty(PathBuf),
}

/// The template, the style and the logo of all pages. Clones are cheap.
#[derive(Clone)]
pub struct Theme(Arc<Files>);

struct Files {
    templates: Environment<'static>,
    style: Content,
    logo: Option<Content>,
}

static DEFAULT: LazyLock<Theme> = LazyLock::new(|| {
    // The tests of pages render it: it cannot be broken.
    let templates = templates(include_str!("pages/page.html").to_owned()).unwrap_or_default();
    Theme(Arc::new(Files { templates, style: style(""), logo: None }))
});

impl Default for Theme {
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl fmt::Debug for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Theme").finish_non_exhaustive()
    }
}

impl Theme {
    /// What is in the folder: `page.html` replaces the template, `page.css` comes after the style of the
    /// program, `logo.svg` or `logo.png` stands before the name. Each may be missing.
    ///
    /// # Errors
    /// See [`ThemeError`].
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, ThemeError> {
        let html = file(folder, PAGE)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let css = file(folder, STYLE)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut logo = None;
        for (name, media_type) in LOGOS {
            if let Some(bytes) = file(folder, name)? {
                logo = Some(Content::new(media_type, bytes.into(), None));
                break;
            }
        }
        if html.is_none() && css.is_none() && logo.is_none() {
            return Err(ThemeError::Empty(folder.to_owned()));
        }
        let html = html.unwrap_or_else(|| include_str!("pages/page.html").to_owned());
        let style = style(&css.unwrap_or_default());
        Ok(Self(Arc::new(Files { templates: templates(html)?, style, logo })))
    }

    /// The template of all pages.
    pub(crate) fn template(&self) -> Result<minijinja::Template<'_, '_>, minijinja::Error> {
        self.0.templates.get_template(PAGE)
    }

    /// What is served as `page.css`.
    pub(crate) fn style(&self) -> &Content {
        &self.0.style
    }

    /// The logo, if there is one.
    pub(crate) fn logo(&self) -> Option<&Content> {
        self.0.logo.as_ref()
    }
}

fn templates(html: String) -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    templates.add_template_owned(PAGE, html)?;
    Ok(templates)
}

fn style(more: &str) -> Content {
    let all = format!("{}{more}", include_str!("pages/page.css"));
    Content::new("text/css; charset=utf-8", Bytes::from(all), None)
}

fn file(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, ThemeError> {
    let path = folder.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder.is_dir() => Ok(None),
        Err(source) => Err(ThemeError::Unreadable { path, source }),
    }
}
