-- What users carry beside the fields of the documents, as the settings declare it: a JSON object. It is kept
-- as it was written, so as to be the same in both databases.
ALTER TABLE users ADD COLUMN attributes TEXT CHECK (json_typeof(attributes::json) = 'object' AND attributes <> '{}');
