DROP TABLE login_throttles;
DROP TABLE sessions;
DROP TABLE user_counts;
DROP TABLE users;
DROP FUNCTION users_count();
DROP FUNCTION users_uncount_all();
