//! A table of the application's own beside menjin's, in the same PostgreSQL: it refers to menjin's users, and
//! a trigger fills it in the transaction of each registration.

use menjin::accounts::{Email, RegisterInput, Username, UsernameLength};
use menjin::credentials::{NewPassword, PasswordLength};
use menjin::{Menjin, RequestContext, field};
use tokio_postgres::NoTls;

/// `users.id` is what menjin promises: it never changes, and is never given to another. With `CASCADE` the row
/// goes when the account has gone for good; without it, such an account stays, and the clean-up says why.
/// The trigger runs in menjin's transaction: if it fails, nobody is registered.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS pupils (
        user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        points BIGINT NOT NULL DEFAULT 0
    );
    CREATE OR REPLACE FUNCTION make_pupil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO pupils (user_id) VALUES (NEW.id);
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER make_pupil AFTER INSERT ON users
        FOR EACH ROW WHEN (NEW.role = 'student') EXECUTE FUNCTION make_pupil();
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL")?;
    let secret = "not a secret: take one from `openssl rand -hex 32`";
    // menjin first: the table refers to one of its tables.
    let menjin = Menjin::builder().postgres(url.as_str()).secret(secret).build().await?;
    let (postgres, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    postgres.batch_execute(TABLES).await?;

    let name = std::env::args().nth(1).unwrap_or("mike".to_owned());
    let input = RegisterInput::new(
        field("username", Username::parse(&name, UsernameLength::DEFAULT))?,
        field("email", Email::parse(&format!("{name}@example.com")))?,
        field("password", NewPassword::parse("correct horse 7", PasswordLength::DEFAULT))?,
        RequestContext::local(),
    );
    let user = menjin.register.execute(input).await?;

    let update = "UPDATE pupils SET points = points + 10 WHERE user_id = $1 RETURNING points";
    let points: i64 = postgres.query_one(update, &[&user.id.get()]).await?.get(0);
    let list = "SELECT users.username, points FROM pupils JOIN users ON users.id = user_id ORDER BY points DESC LIMIT 1";
    let best: String = postgres.query_one(list, &[]).await?.get(0);
    eprintln!("{name} has {points} points; the best is {best}");
    Ok(menjin.close(std::time::Duration::from_secs(5)).await?)
}
