//! Authentication: the use-cases around passwords, sessions and tokens.

mod attempts;
mod authenticate;
mod change_password;
mod login;
mod logout;
mod refresh;
mod register;
mod tokens;

pub use attempts::{AttemptGuard, LoginLimits, TooManyAttempts};
pub use authenticate::{Authenticate, AuthenticateError};
pub use change_password::{ChangePassword, ChangePasswordError, ChangePasswordInput};
pub use login::{LoggedIn, Login, LoginError, LoginInput};
pub use logout::Logout;
pub use refresh::{Refresh, RefreshError};
pub use register::{Register, RegisterError, RegisterInput, RegistrationLimit};
pub use tokens::TokenIssuer;
