-- How many users of each role there are in each block of 4096 ids. A page far down the list is found
-- by adding up blocks, and by walking inside one; walking over all that come before it takes longer
-- the more there are. Four rows a block and role, by id, where one would be locked by each registration
-- until it has committed: all who register at one time have ids of one block. Not sixteen as in
-- user_counts, since these are many to add up.
CREATE TABLE user_blocks (
    role TEXT COLLATE "C" NOT NULL,
    -- The lowest id that can be in the block.
    first_id BIGINT NOT NULL,
    shard SMALLINT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (role, first_id, shard),
    CONSTRAINT user_blocks_role_known CHECK (role IN ('student', 'teacher', 'admin')),
    CONSTRAINT user_blocks_first_id_valid CHECK (first_id >= 0 AND first_id % 4096 = 0),
    CONSTRAINT user_blocks_shard_valid CHECK (shard BETWEEN 0 AND 3),
    CONSTRAINT user_blocks_total_valid CHECK (total BETWEEN 0 AND 1024)
) WITH (fillfactor = 50);

-- A statement's users are counted together: one by one, a million that come in one statement would
-- each leave a dead version of a row behind, for the next to step over.
CREATE OR REPLACE FUNCTION users_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET total = user_counts.total + added.total FROM (
        SELECT role, id % 16 AS shard, count(*) AS total FROM changed GROUP BY 1, 2
    ) AS added WHERE user_counts.role = added.role AND user_counts.shard = added.shard;
    INSERT INTO user_blocks AS known (role, first_id, shard, total)
    SELECT role, id - id % 4096, id % 4, count(*) FROM changed GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (role, first_id, shard) DO UPDATE SET total = known.total + excluded.total;
    RETURN NULL;
END
$$;

CREATE FUNCTION users_uncount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET total = user_counts.total - gone.total FROM (
        SELECT role, id % 16 AS shard, count(*) AS total FROM changed GROUP BY 1, 2
    ) AS gone WHERE user_counts.role = gone.role AND user_counts.shard = gone.shard;
    UPDATE user_blocks AS known SET total = known.total - gone.total FROM (
        SELECT role, id - id % 4096 AS first_id, id % 4 AS shard, count(*) AS total
        FROM changed GROUP BY 1, 2, 3
    ) AS gone
    WHERE known.role = gone.role AND known.first_id = gone.first_id AND known.shard = gone.shard;
    RETURN NULL;
END
$$;

-- For each row: PostgreSQL has no statement's rows for triggers on columns, and each log-in would
-- run one on all columns.
CREATE FUNCTION users_count_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET total = total - 1 WHERE role = OLD.role AND shard = OLD.id % 16;
    UPDATE user_counts SET total = total + 1 WHERE role = NEW.role AND shard = NEW.id % 16;
    UPDATE user_blocks SET total = total - 1
    WHERE role = OLD.role AND first_id = OLD.id - OLD.id % 4096 AND shard = OLD.id % 4;
    INSERT INTO user_blocks AS known (role, first_id, shard, total)
    VALUES (NEW.role, NEW.id - NEW.id % 4096, NEW.id % 4, 1)
    ON CONFLICT (role, first_id, shard) DO UPDATE SET total = known.total + 1;
    RETURN NULL;
END
$$;

-- Before changes of many users, which no part of menjin makes: none can lock the counts in an order that
-- suits all others, and a registration in between would end in a deadlock with them. So whoever counts
-- is awaited before, and waits until the change is done.
CREATE FUNCTION users_count_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE user_counts IN SHARE ROW EXCLUSIVE MODE;
    RETURN NULL;
END
$$;

-- Counts what is there, when nobody else can write: for this migration, and after a transfer.
CREATE FUNCTION users_count_all() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM user_blocks;
    INSERT INTO user_blocks (role, first_id, shard, total)
    SELECT role, id - id % 4096, id % 4, count(*) FROM users GROUP BY 1, 2, 3;
    UPDATE user_counts SET total = 0;
    UPDATE user_counts SET total = there.total FROM (
        SELECT role, id % 16 AS shard, count(*) AS total FROM users GROUP BY 1, 2
    ) AS there WHERE user_counts.role = there.role AND user_counts.shard = there.shard;
END
$$;

CREATE OR REPLACE FUNCTION users_uncount_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET total = 0;
    DELETE FROM user_blocks;
    RETURN NULL;
END
$$;

-- Replacing triggers locks the table against writers; so nothing changes between counting and them.
DROP TRIGGER users_counted ON users;
DROP TRIGGER users_counted_on_update ON users;
SELECT users_count_all();
CREATE TRIGGER users_counted AFTER INSERT ON users
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION users_count();
CREATE TRIGGER users_uncounted AFTER DELETE ON users
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION users_uncount();
CREATE TRIGGER users_counted_on_update AFTER UPDATE OF id, role ON users
    FOR EACH ROW WHEN (OLD.id <> NEW.id OR OLD.role <> NEW.role)
    EXECUTE FUNCTION users_count_anew();
CREATE TRIGGER users_counted_alone BEFORE DELETE OR UPDATE OF id, role ON users
    FOR EACH STATEMENT EXECUTE FUNCTION users_count_alone();
