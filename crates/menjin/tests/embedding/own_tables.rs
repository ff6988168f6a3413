//! `examples/own_tables.rs`

use menjin_test_servers::postgres;

use crate::example;

#[tokio::test]
async fn a_table_of_ones_own_is_filled_with_each_registration_or_nobody_is_registered() {
    let database = postgres::database().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let mut command = example("own_tables", folder.path());
        let ended = command.env("DATABASE_URL", &database.url).arg(name).output().unwrap();
        (ended.status.success(), String::from_utf8_lossy(&ended.stderr).trim().to_owned())
    };
    assert_eq!(run("mike"), (true, "mike of 7b has 10 points; the best is mike".to_owned()));
    let postgres = database.connect().await;
    // A rule of the application's own refuses somebody: then there is no account either.
    let rule = "CREATE FUNCTION no_ann() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT username FROM users WHERE id = NEW.user_id) = 'ann' THEN
                RAISE EXCEPTION 'not ann';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER no_ann BEFORE INSERT ON pupils FOR EACH ROW EXECUTE FUNCTION no_ann()";
    postgres.batch_execute(rule).await.unwrap();
    assert!(!run("ann").0);
    let count = async |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        postgres.query_one(&count, &[]).await.unwrap().get(0)
    };
    assert_eq!((count("users").await, count("pupils").await), (1, 1));
    assert!(run("mia").0);
    assert_eq!((count("users").await, count("pupils").await), (2, 2));
    // Whoever goes for good takes the row along.
    postgres.execute("DELETE FROM users WHERE username = 'mike'", &[]).await.unwrap();
    assert_eq!(count("pupils").await, 1);
}
