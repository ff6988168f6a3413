-- What users carry beside the fields of the documents, as the settings declare it: a JSON object.
ALTER TABLE users ADD COLUMN attributes TEXT CHECK (json_valid(attributes) AND attributes <> '{}');
