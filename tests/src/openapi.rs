//! `/openapi.json`, to check the server's answers against: it becomes JSON Schema after a few
//! translations.

#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::client::Answer;

/// The path of an operation, with the value that this function gives for each parameter.
pub fn filled<'a>(path: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut filled = String::new();
    for part in path.split_inclusive(['{', '}']) {
        match part.strip_suffix('}') {
            Some(name) => filled.push_str(value(name)),
            None => filled.push_str(part.trim_end_matches('{')),
        }
    }
    filled
}

/// A value for each parameter of a path: valid, and if possible an id that nobody has.
pub fn any_value(parameter: &str) -> &'static str {
    match parameter {
        "user_id" | "mail_id" | "invitation_id" | "job_id" | "passkey_id" => "4711",
        "key" => "greeting",
        "session_id" => "00000000-0000-4000-8000-000000000000",
        other => panic!("{other}: say what the value of this parameter is"),
    }
}

/// The document, ready to check answers.
pub struct Document {
    document: Value,
    /// `components`, as JSON Schema.
    components: Value,
}

impl Document {
    /// Reads the document.
    pub fn new(document: Value) -> Self {
        let mut components = document["components"].clone();
        to_json_schema(&mut components);
        Self { document, components }
    }

    /// Each operation: its method and path, and the statuses that it documents.
    pub fn operations(&self) -> BTreeMap<(String, String), Vec<u16>> {
        let mut operations = BTreeMap::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let statuses = operation["responses"].as_object().unwrap().keys();
                let statuses = statuses.map(|status| status.parse().unwrap()).collect();
                operations.insert((method.to_uppercase(), path.clone()), statuses);
            }
        }
        operations
    }

    /// The differences between the answer and the document, in words; empty if the answer is as
    /// documented.
    pub fn judge(&self, method: &str, path: &str, answer: &Answer) -> Vec<String> {
        let response = ["paths", path, &method.to_lowercase(), "responses"]
            .iter()
            .fold(&self.document, |value, key| &value[*key]);
        let Some(response) = response.get(answer.status.to_string()) else {
            return vec![format!("{} is not documented", answer.status)];
        };
        let mut faults = answer.faults_of_headers(path);
        let headers = response["headers"].as_object();
        for header in ["WWW-Authenticate", "Retry-After"] {
            let documented = headers.is_some_and(|headers| headers.contains_key(header));
            if answer.header(header).is_some() != documented {
                faults.push(format!("{header}: documented {documented}, else sent"));
            }
        }
        if answer.status == 204 {
            let is_empty = answer.body == Value::String(String::new());
            faults.extend((!is_empty).then(|| format!("204 with {}", answer.body)));
            return faults;
        }
        let media_type = answer.header("content-type").unwrap_or_default();
        let content = &response["content"][media_type];
        if content.is_null() {
            faults.push(format!("{media_type} is not documented"));
        }
        faults.extend(self.faults(&content["schema"], &answer.body));
        faults
    }

    /// The faults of a value, by a schema of the document.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut schema = schema.clone();
        to_json_schema(&mut schema);
        let mut root = json!({ "allOf": [schema] });
        root["components"] = self.components.clone();
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4);
        let validator = options.should_validate_formats(true).build(&root).unwrap();
        validator
            .iter_errors(value)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect()
    }

    /// The document as it is served.
    pub fn as_value(&self) -> &Value {
        &self.document
    }
}

/// Turns what OpenAPI 3.0 adds to JSON Schema (draft 4, nearly) into it: `nullable`.
fn to_json_schema(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(to_json_schema);
            if object.remove("nullable") == Some(Value::Bool(true)) {
                or_null(object);
            }
            object.remove("example");
        }
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        _ => {}
    }
}

fn or_null(schema: &mut Map<String, Value>) {
    if let Some(r#type) = schema.get_mut("type") {
        *r#type = json!([r#type.take(), "null"]);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
