-- How many users of each role there are in each block of 4096 ids. A page far down the list is found
-- by adding up blocks, and by walking inside one; walking over all that come before it takes longer
-- the more there are.
CREATE TABLE user_blocks (
    role TEXT NOT NULL CHECK (role IN ('student', 'teacher', 'admin')),
    -- The lowest id that can be in the block.
    first_id INTEGER NOT NULL CHECK (first_id >= 0 AND first_id % 4096 = 0),
    total INTEGER NOT NULL CHECK (total BETWEEN 0 AND 4096),
    PRIMARY KEY (role, first_id)
) STRICT, WITHOUT ROWID;

INSERT INTO user_blocks (role, first_id, total)
SELECT role, id - id % 4096, count(*) FROM users GROUP BY 1, 2;

-- No ON CONFLICT: that of the statement which a trigger runs for would take its place.
CREATE TRIGGER user_blocks_on_insert AFTER INSERT ON users BEGIN
    INSERT INTO user_blocks (role, first_id, total)
    SELECT new.role, new.id - new.id % 4096, 0 WHERE NOT EXISTS (
        SELECT 1 FROM user_blocks WHERE role = new.role AND first_id = new.id - new.id % 4096
    );
    UPDATE user_blocks SET total = total + 1
    WHERE role = new.role AND first_id = new.id - new.id % 4096;
END;

CREATE TRIGGER user_blocks_on_delete AFTER DELETE ON users BEGIN
    UPDATE user_blocks SET total = total - 1
    WHERE role = old.role AND first_id = old.id - old.id % 4096;
END;

CREATE TRIGGER user_blocks_on_update AFTER UPDATE OF id, role ON users BEGIN
    UPDATE user_blocks SET total = total - 1
    WHERE role = old.role AND first_id = old.id - old.id % 4096;
    INSERT INTO user_blocks (role, first_id, total)
    SELECT new.role, new.id - new.id % 4096, 0 WHERE NOT EXISTS (
        SELECT 1 FROM user_blocks WHERE role = new.role AND first_id = new.id - new.id % 4096
    );
    UPDATE user_blocks SET total = total + 1
    WHERE role = new.role AND first_id = new.id - new.id % 4096;
END;
