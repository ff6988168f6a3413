DROP TRIGGER users_counted_alone ON users;
DROP TRIGGER users_counted ON users;
DROP TRIGGER users_uncounted ON users;
DROP TRIGGER users_counted_on_update ON users;
DROP FUNCTION users_count_all();
DROP FUNCTION users_count_alone();
DROP FUNCTION users_count_anew();
DROP FUNCTION users_uncount();
DROP TABLE user_blocks;

CREATE OR REPLACE FUNCTION users_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE user_counts SET total = total - 1 WHERE role = OLD.role AND shard = OLD.id % 16;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE user_counts SET total = total + 1 WHERE role = NEW.role AND shard = NEW.id % 16;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION users_uncount_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET total = 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_counted AFTER INSERT OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION users_count();
CREATE TRIGGER users_counted_on_update AFTER UPDATE OF role ON users
    FOR EACH ROW WHEN (OLD.role <> NEW.role) EXECUTE FUNCTION users_count();
