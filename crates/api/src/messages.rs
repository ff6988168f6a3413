//! The catalogue: every text that a client can see, in every language there is. A message without
//! a translation does not compile.

use crate::http::locale::Locale;
use crate::problem::Problem;

/// Makes the enum and its texts of one table, so that neither can lack a row of the other.
macro_rules! catalogue {
    ($($name:ident: $chinese:literal, $english:literal;)*) => {
        /// A text without parameters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Message {
            $($name,)*
        }

        impl Message {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// The text in this language.
            pub(crate) fn text(self, locale: Locale) -> &'static str {
                let (chinese, english) = match self {
                    $(Self::$name => ($chinese, $english),)*
                };
                match locale {
                    Locale::ZhCn => chinese,
                    Locale::En => english,
                }
            }
        }
    };
}

catalogue! {
    RouteNotFound: "接口不存在", "Not found";
    MethodNotAllowed: "请求方法不被允许", "Method not allowed";
    TooLarge: "请求体过大，上限为64 KiB", "The body is too large: 64 KiB at most";
    UnsupportedMediaType: "不支持的媒体类型，请使用 application/json", "Unsupported media type: send application/json";
    RequestTimeout: "请求接收超时", "The request did not arrive in time";
    HeadTooLarge: "请求头过大，上限为32 KiB", "The head of the request is too large: 32 KiB at most";
    BadRequest: "请求无法解析", "The request cannot be read";
    NotAuthenticated: "未提供认证凭据", "Not authenticated";
    InvalidToken: "访问令牌无效或已过期", "The access token is invalid or has expired";
    InvalidCredentials: "用户名或密码错误", "Incorrect username or password";
    InvalidRefreshToken: "刷新令牌无效或已过期", "The refresh token is invalid or has expired";
    Forbidden: "权限不足", "Not enough permissions";
    UserNotFound: "用户不存在", "User not found";
    UsernameTaken: "用户名已存在", "Username already registered";
    EmailTaken: "邮箱已被注册", "Email already registered";
    PasswordTooCommon: "密码过于常见，请换一个", "The password is too common";
    PasswordEqualsIdentity: "密码不能与用户名或邮箱相同", "The password must differ from the username and the email";
    PasswordTooWeak: "密码强度不足，请换一个", "The password is too easy to guess";
    WrongPassword: "当前密码错误", "The current password is incorrect";
    ConfirmationDiffers: "新密码与确认密码不一致", "The new password and its confirmation differ";
    PasswordUnchanged: "新密码不能与当前密码相同", "The new password must differ from the current one";
    LastAdmin: "不能停用最后一个管理员", "The last active administrator cannot be deactivated";
    EntryNotFound: "缓存键不存在", "Cache key not found";
    TooManyAttempts: "尝试次数过多，请稍后再试", "Too many attempts: try again later";
    Overloaded: "服务器繁忙，请稍后再试", "The server is busy: try again later";
    Unavailable: "服务暂不可用，请稍后再试", "Service unavailable: try again later";
    CacheFailed: "缓存操作失败", "The cache operation failed";
    Internal: "服务器内部错误", "Internal server error";
    PasswordChanged: "密码修改成功", "Password changed";
    LoggedOut: "登出成功", "Logged out";
    EntryWritten: "缓存设置成功", "Cache entry set";
    CacheWorks: "缓存功能正常", "The cache works";
    Invalid: "数据验证失败", "Validation failed";
    OldPasswordWrong: "原密码错误", "The old password is incorrect";
    Registered: "注册成功", "Registered";
    LoggedIn: "登录成功", "Logged in";
    UserShown: "获取用户信息成功", "User retrieved";
    UserUpdated: "更新用户信息成功", "User updated";
    UsersListed: "获取用户列表成功", "Users listed";
    UserActivated: "用户激活成功", "User activated";
    UserDeactivated: "用户停用成功", "User deactivated";
    LockoutCleared: "登录锁定已解除", "Lock lifted";
}

/// What is wrong with a value, in this language.
pub(crate) fn problem_text(problem: Problem, locale: Locale) -> String {
    let (chinese, english) = match problem {
        Problem::Missing => fixed("缺少必填字段", "Field required"),
        Problem::NotAString => fixed("应为字符串", "Input should be a valid string"),
        Problem::NotAnInteger => fixed("应为整数", "Input should be a valid integer"),
        Problem::NotAnObject => fixed("应为JSON对象", "Input should be a valid object"),
        Problem::MalformedJson => fixed("请求体不是有效的JSON", "The body is not valid JSON"),
        Problem::BodyNotAnObject => fixed("请求体应为JSON对象", "The body should be a JSON object"),
        Problem::Repeated => fixed("字段重复", "The field is given more than once"),
        Problem::AtLeast { min } => (
            format!("应大于或等于{min}"),
            format!("Input should be greater than or equal to {min}"),
        ),
        Problem::AtMost { max } => {
            (format!("应小于或等于{max}"), format!("Input should be less than or equal to {max}"))
        }
        Problem::TooShort { min } => (
            format!("长度应至少为{min}个字符"),
            format!("String should have at least {min} characters"),
        ),
        Problem::TooLong { max } => (
            format!("长度应至多为{max}个字符"),
            format!("String should have at most {max} characters"),
        ),
        Problem::LengthOutside { min, max } => (
            format!("长度应为{min}-{max}个字符"),
            format!("String should have {min} to {max} characters"),
        ),
        Problem::TooManyBytes { max } => (
            format!("长度应至多为{max}字节（UTF-8）"),
            format!("String should have at most {max} bytes in UTF-8"),
        ),
        Problem::ContainsNul => {
            fixed("不能包含NUL字符", "String should not contain NUL characters")
        }
        Problem::ForbiddenCharacter => fixed(
            "包含不允许的不可见字符",
            "String should not contain invisible or control characters",
        ),
        Problem::ContainsAt => fixed("不能包含@", "String should not contain @"),
        Problem::ContainsWhitespace => {
            fixed("不能包含空白字符", "String should not contain white space")
        }
        Problem::NotAnEmail => fixed("邮箱格式不正确", "Input should be a valid email address"),
        Problem::NotAUrl => {
            fixed("应为 http 或 https 网址", "Input should be a valid http or https URL")
        }
        Problem::NotAPhone => fixed("电话号码格式不正确", "Input should be a valid phone number"),
        Problem::NotACacheKey => fixed(
            "缓存键应为1-128个字符：A-Z a-z 0-9 . _ : -",
            "The key should be 1 to 128 of A-Z a-z 0-9 . _ : -",
        ),
        Problem::UnknownRole => fixed(
            "角色应为 student、teacher 或 admin",
            "Input should be 'student', 'teacher' or 'admin'",
        ),
        Problem::RoleNotRegistrable => {
            fixed("角色应为 student 或 teacher", "Input should be 'student' or 'teacher'")
        }
        Problem::UnknownAction => fixed("未知的操作名称", "Input should be the name of an action"),
        Problem::UnknownOutcome => {
            fixed("结果应为 success 或 failure", "Input should be 'success' or 'failure'")
        }
        Problem::NotATime => fixed(
            "时间应为 RFC 3339 格式，例如 2024-01-31T08:00:00Z",
            "Input should be a time in RFC 3339, such as 2024-01-31T08:00:00Z",
        ),
        Problem::NotAPosition => {
            fixed("应为某一页返回的 next", "Input should be the `next` of a page")
        }
    };
    match locale {
        Locale::ZhCn => chinese,
        Locale::En => english,
    }
}

/// What is wrong with a value, in a sentence that names the field as people know it.
pub(crate) fn labelled_text(problem: Problem, field: Option<&str>, locale: Locale) -> String {
    let text = problem_text(problem, locale);
    let Some(label) = field.and_then(|field| label(field, locale)) else { return text };
    match (locale, problem) {
        (Locale::ZhCn, Problem::Missing) => format!("{label}不能为空"),
        (Locale::ZhCn, Problem::NotAnEmail) => format!("{label}格式不正确"),
        (Locale::ZhCn, Problem::RoleNotRegistrable) => format!("{label}应为 student 或 teacher"),
        (Locale::ZhCn, Problem::UnknownRole) => {
            format!("{label}应为 student、teacher 或 admin")
        }
        (Locale::ZhCn, _) => format!("{label}{text}"),
        (Locale::En, _) => format!("{label}: {text}"),
    }
}

/// What the document calls a field; `None` for those that it does not name.
fn label(field: &str, locale: Locale) -> Option<&'static str> {
    let (chinese, english) = match field {
        "username" => ("用户名", "Username"),
        "password" => ("密码", "Password"),
        "old_password" => ("原密码", "Old password"),
        "new_password" => ("新密码", "New password"),
        "role" => ("用户角色", "Role"),
        "name" => ("真实姓名", "Name"),
        "email" => ("邮箱", "Email"),
        "user_id" => ("用户ID", "User id"),
        "skip" => ("跳过的记录数", "Skip"),
        "after_id" => ("起始用户ID", "After id"),
        "limit" => ("返回的记录数", "Limit"),
        _ => return None,
    };
    Some(match locale {
        Locale::ZhCn => chinese,
        Locale::En => english,
    })
}

fn fixed(chinese: &str, english: &str) -> (String, String) {
    (chinese.to_owned(), english.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A translation that was forgotten is most often the other language once more.
    fn is_translated(chinese: &str, english: &str) {
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(chinese.chars().any(is_chinese), "{chinese:?}");
        assert!(!english.is_empty() && !english.chars().any(is_chinese), "{english:?}");
    }

    #[test]
    fn every_message_is_in_every_language() {
        for message in Message::ALL {
            is_translated(message.text(Locale::ZhCn), message.text(Locale::En));
        }
    }

    #[test]
    fn every_problem_is_in_every_language() {
        for problem in Problem::all() {
            for field in [None, Some("username"), Some("nobody-knows")] {
                let text = |locale| labelled_text(problem, field, locale);
                is_translated(&text(Locale::ZhCn), &text(Locale::En));
            }
        }
    }
}
