DROP TABLE attribute_terms;
