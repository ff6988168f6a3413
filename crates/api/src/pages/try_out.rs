//! Whether the looks in a folder can be used.

use std::path::Path;

use menjin_web::Locale;

use super::page::Page;
use super::parts::{Button, Field};
use crate::prelude::*;
use crate::state::PageSettings;
use crate::theme::{Theme, ThemeError};

/// The looks in a folder: `page.html` replaces the template, `page.css` comes after the style of the program,
/// `logo.svg` or `logo.png` stands before the name. Each may be missing. A page is rendered, so that a
/// template with a fault stops the start and not the first visitor.
///
/// # Errors
/// See [`ThemeError`].
pub fn theme_in_folder(folder: &Path) -> Result<Theme, ThemeError> {
    let theme = Theme::in_folder(folder)?;
    let settings = PageSettings { theme: theme.clone(), account: true, ..PageSettings::default() };
    let text = Text { zh: "试", en: "Try" };
    let mut page = Page::new(settings.into(), Locale::En, text).saying(text);
    page.fields = vec![Field::token(""), Field::email("ann@example.com").with_hint(text)];
    page.buttons = vec![Button::danger("try", text)];
    page.error = Some("error".to_owned());
    page.render()?;
    Ok(theme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    #[test]
    fn g8_a_folder_that_cannot_be_used_says_why() {
        let broken =
            |files: &[(&str, &str)]| theme_in_folder(folder(files).path()).unwrap_err().to_string();
        assert!(broken(&[]).contains("has none of page.html"));
        assert!(broken(&[("page.html", "{% if %}")]).contains("page.html: syntax error"));
        assert!(broken(&[("page.html", "{{ titel }}")]).contains("undefined"));
        let missing = theme_in_folder(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(missing.contains("/nonexistent/page.html cannot be read"), "{missing}");
        theme_in_folder(folder(&[("page.css", ":root { --accent: #800000 }")]).path()).unwrap();
    }
}
