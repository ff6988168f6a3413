DROP TABLE audit_events;
DROP TABLE login_throttles;
DROP TABLE sessions;
DROP TABLE user_counts;
DROP TABLE users;
DROP TABLE menjin_schema;
