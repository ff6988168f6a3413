-- The texts of attributes in the form in which they are searched for: without case, width and accents. No
-- database knows that form. Which attributes are searched, the settings say.
CREATE TABLE attribute_terms (
    attribute TEXT COLLATE "C" NOT NULL CHECK (attribute <> ''),
    term TEXT COLLATE "C" NOT NULL CHECK (term <> ''),
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (attribute, term, user_id)
);

CREATE INDEX attribute_terms_user_id ON attribute_terms (user_id);
