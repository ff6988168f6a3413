DROP TRIGGER user_blocks_on_insert;
DROP TRIGGER user_blocks_on_delete;
DROP TRIGGER user_blocks_on_update;
DROP TABLE user_blocks;
