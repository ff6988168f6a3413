//! The tables of the manual's reference: made from the document and from the tables in the code, so
//! that nobody writes them a second time.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use menjin_domain::audit::{AuditAction, AuditReason};
use menjin_web::ErrorKind;
use serde_json::{Map, Value};

const BEGIN: &str = "<!-- begin: generated, see CONTRIBUTING.md -->\n";
const END: &str = "<!-- end: generated -->\n";

/// What many endpoints answer: the page says it once.
const COMMON: [&str; 7] = ["405", "408", "413", "415", "422", "500", "503"];

/// The pages, and what is generated of each.
pub(crate) fn pages(document: &Value) -> [(&'static str, String); 3] {
    [
        ("docs/src/reference/endpoints.md", endpoints(document)),
        ("docs/src/reference/errors.md", errors()),
        ("docs/src/reference/audit.md", audit()),
    ]
}

/// The page with these tables in the place of its old ones.
pub(crate) fn with_tables(page: &str, tables: &str) -> String {
    let text = std::fs::read_to_string(super::checkout().join(page)).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    format!("{before}{BEGIN}\n{tables}\n{END}{after}")
}

fn errors() -> String {
    let mut page = "| status | `code` | when |\n| --- | --- | --- |\n".to_owned();
    let mut kinds: Vec<_> = ErrorKind::ALL.iter().collect();
    kinds.sort_by_key(|kind| kind.status());
    for kind in kinds {
        let code = match kind {
            ErrorKind::Invalid => "a list in `detail`".to_owned(),
            kind => format!("`{}`", kind.code()),
        };
        writeln!(page, "| {} | {code} | {} |", kind.status(), kind.meaning()).unwrap();
    }
    page
}

fn audit() -> String {
    let mut page = "| `action` | what happened |\n| --- | --- |\n".to_owned();
    for action in AuditAction::ALL {
        writeln!(page, "| `{action}` | {} |", action.meaning()).unwrap();
    }
    page += "\n| `reason` | why something was not done |\n| --- | --- |\n";
    for reason in AuditReason::ALL {
        writeln!(page, "| `{reason}` | {} |", reason.meaning()).unwrap();
    }
    page
}

fn endpoints(document: &Value) -> String {
    let mut page = String::new();
    for tag in document["tags"].as_array().unwrap() {
        let name = tag["name"].as_str().unwrap();
        writeln!(page, "## {name}\n\n{}\n", tag["description"].as_str().unwrap()).unwrap();
        page += "| | who | what | success | refusals |\n| --- | --- | --- | --- | --- |\n";
        for (path, operations) in object(&document["paths"]) {
            for (method, operation) in object(operations) {
                if operation["tags"][0] == name {
                    page += &row(method, path, operation);
                }
            }
        }
        page += "\n";
    }
    page += "## Objects\n\nWhere fields have no `?`, they are required in requests and always there in \
             answers.\n\n| object | fields |\n| --- | --- |\n";
    for (name, schema) in object(&document["components"]["schemas"]) {
        writeln!(page, "| `{name}` | {} |", fields(schema)).unwrap();
    }
    page
}

fn row(method: &str, path: &str, operation: &Value) -> String {
    let responses = object(&operation["responses"]);
    let is_for_users = operation["security"].as_array().is_some_and(|schemes| {
        // An empty one says that nothing is needed.
        !schemes.is_empty() && !schemes.contains(&serde_json::json!({}))
    });
    // Only v1's examples have codes; in the envelope no other refusal of users is 403.
    let is_for_administrators = responses.get("403").is_some_and(|refusal| {
        let codes = codes(refusal);
        codes.is_empty() || codes.contains(&"forbidden")
    });
    let who = match (is_for_users, is_for_administrators) {
        (true, true) => "administrator",
        (true, false) => "user",
        (false, _) => "anybody",
    };
    let mut what = operation["summary"].as_str().unwrap().to_owned();
    if let Some(body) = name_of(&operation["requestBody"]["content"]["application/json"]["schema"])
    {
        write!(what, ". Body: {body}").unwrap();
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            write!(what, ", `{}`?", parameter["name"].as_str().unwrap()).unwrap();
        }
    }
    let (success, refusals): (Vec<_>, Vec<_>) =
        responses.iter().partition(|(status, _)| status.starts_with('2'));
    let success = success.iter().map(|(status, response)| {
        let schema = name_of(&response["content"]["application/json"]["schema"]);
        format!("{status} {}", schema.unwrap_or_default())
    });
    let refusals = refusals.iter().filter(|(status, _)| !COMMON.contains(&status.as_str()));
    let refusals = refusals.map(|(status, response)| {
        let codes: BTreeSet<_> =
            codes(response).into_iter().map(|code| format!("`{code}`")).collect();
        format!("{status} {}", Vec::from_iter(codes).join(", ")).trim().to_owned()
    });
    format!(
        "| `{} {path}` | {who} | {what} | {} | {} |\n",
        method.to_uppercase(),
        success.collect::<Vec<_>>().join(" · ").trim(),
        refusals.collect::<Vec<_>>().join(" · ")
    )
}

/// The `code`s of an answer: those of its examples.
fn codes(response: &Value) -> Vec<&str> {
    let content = &response["content"]["application/json"];
    let several = content["examples"].as_object().into_iter().flat_map(Map::values);
    several
        .map(|example| &example["value"])
        .chain([&content["example"]])
        .filter_map(|example| example["code"].as_str())
        .collect()
}

fn name_of(schema: &Value) -> Option<String> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    Some(format!("`{name}`"))
}

/// The fields of an object, with their bounds.
fn fields(schema: &Value) -> String {
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fields = properties.map(|(name, property)| {
        let optional = if required.contains(&name.as_str()) { "" } else { "?" };
        format!("`{name}`{optional}{}", bounds(property))
    });
    fields.collect::<Vec<_>>().join(", ")
}

fn bounds(property: &Value) -> String {
    let bounds = [("minLength", "maxLength", " characters"), ("minimum", "maximum", "")];
    for (min, max, unit) in bounds {
        match (property[min].as_u64(), property[max].as_u64()) {
            (Some(min), Some(max)) if min == max => return format!(" ({max}{unit})"),
            (Some(min), Some(max)) => return format!(" ({min} to {max}{unit})"),
            (None, Some(max)) => return format!(" (at most {max}{unit})"),
            _ => {}
        }
    }
    if let Some(names) = property["enum"].as_array().filter(|names| names[0].is_string()) {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        return format!(" ({})", names.join(", "));
    }
    if let Some(properties) = property["properties"].as_object() {
        let names: Vec<_> = properties.keys().map(String::as_str).collect();
        return format!(" ({})", names.join(", "));
    }
    let items = if property["type"] == "array" { &property["items"] } else { property };
    name_of(items).map(|name| format!(" ({name})")).unwrap_or_default()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}
