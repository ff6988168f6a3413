//! A field and a table of the application's own beside menjin's, in the same PostgreSQL: the table refers to
//! menjin's users, and a trigger fills it in the transaction of each registration.

use std::sync::Arc;

use menjin::accounts::{
    AttributeKind, AttributeName, AttributeRule, AttributeRules, AttributeValue, Email,
    RegisterInput, Username, UsernameLength,
};
use menjin::credentials::{NewPassword, PasswordLength};
use menjin::{Menjin, Policy, RequestContext, field};
use tokio_postgres::NoTls;

/// `users.id` is what menjin promises: it never changes, and is never given to another. With `CASCADE` the row
/// goes when the account has gone for good; without it, such an account stays, and the clean-up says why.
/// The trigger runs in menjin's transaction: if it fails, nobody is registered.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS pupils (
        user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        class TEXT NOT NULL,
        points BIGINT NOT NULL DEFAULT 0
    );
    CREATE OR REPLACE FUNCTION make_pupil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO pupils (user_id, class) VALUES (NEW.id, NEW.attributes::json ->> 'class');
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER make_pupil AFTER INSERT ON users
        FOR EACH ROW WHEN (NEW.role = 'student') EXECUTE FUNCTION make_pupil();
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL")?;
    let secret = "not a secret: take one from `openssl rand -hex 32`";
    // What users carry besides: searches find it, imports and administrators set it.
    let class: AttributeName = "class".parse()?;
    let rule = AttributeRule {
        kind: AttributeKind::Text,
        rights: Vec::new(),
        is_searchable: true,
        headings: vec!["班级".to_owned()],
    };
    let mut policy = Policy::default();
    policy.attributes = Arc::new(AttributeRules::new([(class, rule)]));
    // menjin first: the table refers to one of its tables.
    let menjin = Menjin::builder().postgres(url.as_str()).secret(secret);
    let menjin = menjin.policy(policy).build().await?;
    let (postgres, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    postgres.batch_execute(TABLES).await?;

    let name = std::env::args().nth(1).unwrap_or("mike".to_owned());
    let mut input = RegisterInput::new(
        field("username", Username::parse(&name, UsernameLength::DEFAULT))?,
        field("email", Email::parse(&format!("{name}@example.com")))?,
        field("password", NewPassword::parse("correct horse 7", PasswordLength::DEFAULT))?,
        RequestContext::local(),
    );
    input.profile.attributes.insert(class, AttributeValue::Text("7b".to_owned()));
    let user = menjin.register.execute(input).await?;

    let update =
        "UPDATE pupils SET points = points + 10 WHERE user_id = $1 RETURNING class, points";
    let row = postgres.query_one(update, &[&user.id.get()]).await?;
    let (class, points): (String, i64) = (row.get(0), row.get(1));
    let list = "SELECT users.username, points FROM pupils JOIN users ON users.id = user_id ORDER BY points DESC LIMIT 1";
    let best: String = postgres.query_one(list, &[]).await?.get(0);
    eprintln!("{name} of {class} has {points} points; the best is {best}");
    Ok(menjin.close(std::time::Duration::from_secs(5)).await?)
}
