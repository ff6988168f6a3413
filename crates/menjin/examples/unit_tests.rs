//! A use-case of an application's own, on menjin's ports, and its unit tests on menjin's mocks: no database,
//! milliseconds. The mocks come with the feature `mock`.

use std::sync::Arc;

use menjin::PortError;
use menjin::accounts::{AccountRepository, UserQuery};
use menjin::common::UserId;

/// Finds the users who have never logged in.
struct FindAbsentees {
    accounts: Arc<dyn AccountRepository>,
}

impl FindAbsentees {
    async fn execute(&self) -> Result<Vec<UserId>, PortError> {
        let page = self.accounts.list(UserQuery::first(100)).await?;
        let absent = page.users.iter().filter(|user| user.last_login_at.is_none());
        Ok(absent.map(|user| user.id).collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = menjin::Menjin::builder().sqlite("data/app.db").secret_file("data/auth.secret");
    let menjin = builder.beside_servers().build().await?;
    let find = FindAbsentees { accounts: menjin.store().accounts.clone() };
    eprintln!("{} users have never logged in", find.execute().await?.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use menjin::accounts::{
        Email, MockAccountRepository, User, UserPage, Username, UsernameLength,
    };
    use menjin::common::Timestamp;

    use super::*;

    fn user(id: i64, name: &str) -> User {
        let username = Username::parse(name, UsernameLength::DEFAULT).unwrap();
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        User::new(UserId::try_from(id).unwrap(), username, email, Timestamp::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn whoever_has_never_logged_in_is_found() {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_list().return_once(|_| {
            let (mut seen, absent) = (user(1, "ann"), user(2, "mike"));
            seen.last_login_at = Some(Timestamp::UNIX_EPOCH);
            Ok(UserPage { users: vec![seen, absent], total: 2 })
        });
        let find = FindAbsentees { accounts: Arc::new(accounts) };
        assert_eq!(find.execute().await.unwrap(), [user(2, "mike").id]);
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_passed_on() {
        let mut accounts = MockAccountRepository::new();
        let down = || PortError::unavailable("database", "it is down");
        accounts.expect_list().return_once(move |_| Err(down()));
        let find = FindAbsentees { accounts: Arc::new(accounts) };
        assert!(matches!(find.execute().await, Err(PortError::Unavailable { .. })));
    }
}
