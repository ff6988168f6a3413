//! A command-line tool for the operators of a service: it runs beside the service, on the same database.
//!
//! `command_line admin NAME ADDRESS` makes an administrator, with the password on the standard input;
//! `command_line users` lists the first users.

use menjin::accounts::{CreateAdminInput, Email, UserQuery, Username, UsernameLength};
use menjin::credentials::{NewPassword, PasswordLength};
use menjin::{Locale, Menjin, field};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Menjin::builder().sqlite("data/app.db").secret_file("data/auth.secret");
    let menjin = builder.beside_servers().build().await?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["admin", name, address] => {
            let password = std::io::read_to_string(std::io::stdin())?;
            if let Err(error) = make_admin(&menjin, name, address, password.trim_end()).await {
                return Err(error.message(Locale::En).into());
            }
        }
        ["users"] => {
            // There is no caller here who would need a right: the operator has the database anyway.
            let page = menjin.store().accounts.list(UserQuery::first(100)).await?;
            for user in page.users {
                eprintln!("{}  {}  {}", user.id, user.username.as_str(), user.role);
            }
        }
        _ => return Err("admin NAME ADDRESS, or users".into()),
    }
    Ok(())
}

async fn make_admin(
    menjin: &Menjin,
    name: &str,
    address: &str,
    password: &str,
) -> Result<(), menjin::ApiError> {
    let input = CreateAdminInput {
        username: field("name", Username::parse(name, UsernameLength::DEFAULT))?,
        email: field("address", Email::parse(address))?,
        password: field("password", NewPassword::parse(password, PasswordLength::DEFAULT))?,
    };
    menjin.create_admin.execute(input).await?;
    Ok(())
}
