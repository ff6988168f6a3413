//! Values as people write them: each gets the kind that its setting has, and what cannot be meant
//! is refused.
//!
//! No error quotes a value, because it may be a secret that was put in a wrong place.

use std::path::Path;

use toml::Value;

use super::SettingsError;
use super::masked::PEM;

/// The value as the kind that the setting's default is of. The environment has only text.
///
/// # Errors
/// It is of another kind.
pub(super) fn fit(name: &str, value: Value, example: &Value) -> Result<Value, SettingsError> {
    let fitted = match (example, value) {
        (Value::Integer(_), Value::String(text)) => text.trim().parse().ok().map(Value::Integer),
        (Value::Boolean(_), Value::String(text)) => {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "on" | "yes" | "1" => Some(Value::Boolean(true)),
                "false" | "off" | "no" | "0" => Some(Value::Boolean(false)),
                _ => None,
            }
        }
        (Value::Boolean(_), Value::Integer(number @ (0 | 1))) => Some(Value::Boolean(number == 1)),
        (Value::String(_), Value::Integer(number)) => Some(Value::String(number.to_string())),
        (Value::Array(_), value @ Value::String(_)) => Some(value),
        (example, value) => example.same_type(&value).then_some(value),
    };
    fitted.ok_or_else(|| {
        let kind = match example {
            Value::Integer(number) => format!("a whole number, such as {number}"),
            Value::Boolean(_) => "true or false".to_owned(),
            Value::Array(_) => "a list, or text with commas".to_owned(),
            _ => "text between quotation marks".to_owned(),
        };
        SettingsError::bad(name, format!("must be {kind}"))
    })
}

/// The text of a file, without the line break at its end.
///
/// # Errors
/// The file cannot be read, or there is nothing in it.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let failed = |reason: &str| format!("{}: {reason}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(failed("there is nothing in the file"));
    }
    Ok(text.to_owned())
}

/// The lines of a file as a list with commas. A PEM has several lines.
pub(super) fn lines_as_list(text: &str) -> String {
    if text.contains(PEM) {
        return text.replace(&format!("\n{PEM}"), &format!("\n,{PEM}"));
    }
    text.lines().collect::<Vec<_>>().join(",")
}

/// Refuses text that cannot be what somebody meant: it would be used as it is, and would not do
/// what it seems to say. `is_text`: it comes from where there is only text, without quotation.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(name: &str, value: &Value, is_text: bool) -> Result<(), SettingsError> {
    match value {
        Value::String(text) => match wrong_with(text, is_text) {
            Some(reason) => Err(SettingsError::bad(name, reason)),
            None => Ok(()),
        },
        Value::Array(items) => items.iter().try_for_each(|item| check(name, item, is_text)),
        _ => Ok(()),
    }
}

fn wrong_with(text: &str, is_text: bool) -> Option<&'static str> {
    // Files and PEMs end with a line break.
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_pem = text.contains(PEM);
    if !is_pem && body.ends_with('\r') {
        return Some(
            "ends in a carriage return (\\r): the file that it comes from has the line ends of \
             Windows; write it with those of Unix (\\n)",
        );
    }
    let has_control =
        body.chars().any(|c| c.is_control() && !(is_pem && matches!(c, '\r' | '\n' | '\t')));
    if has_control {
        return Some("has control characters in it, such as line breaks or tabs");
    }
    let is_quoted = |quote| body.len() > 1 && body.starts_with(quote) && body.ends_with(quote);
    if is_text && (is_quoted('"') || is_quoted('\'')) {
        return Some(
            "the quotation marks around it are part of the value (files for `docker --env-file` \
             have none): remove them",
        );
    }
    has_placeholder(body).then_some(
        "holds a ${NAME} that nothing has filled in: write the value, or use a form that the \
         shell or the supervisor fills in",
    )
}

/// Whether it holds `${NAME}`, as shells write variables.
fn has_placeholder(text: &str) -> bool {
    text.split("${").skip(1).any(|rest| {
        let name = rest.split(['}', ':']).next().unwrap_or_default();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name && rest.contains('}')
    })
}
