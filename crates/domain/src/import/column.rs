//! The columns of a table of users.

/// Makes the enum, and the names of each column: the first is in English and the one that programs write,
/// the second in Chinese; the others are understood.
macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident = $name:literal, $chinese:literal $(, $other:literal)*;)*) => {
        /// A column of a table of users.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum ImportColumn {
            $($(#[$doc])* $column,)*
        }

        impl ImportColumn {
            /// All of them, in the order in which people like to fill them in.
            pub const ALL: &[Self] = &[$(Self::$column,)*];

            /// The name in English, which programs write.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$column => $name,)*
                }
            }

            /// The name in Chinese.
            pub fn chinese(self) -> &'static str {
                match self {
                    $(Self::$column => $chinese,)*
                }
            }

            /// The column of this heading. Case, width and what stands between words do not matter.
            pub fn of(heading: &str) -> Option<Self> {
                match plain(heading).as_str() {
                    $($name | $chinese $(| $other)* => Some(Self::$column),)*
                    _ => None,
                }
            }
        }
    };
}

columns! {
    /// The user name.
    Username = "username", "用户名", "user_name", "login", "账号", "帐号", "账户", "登录名";
    /// The e-mail address.
    Email = "email", "邮箱", "e_mail", "mail", "email_address", "电子邮箱", "电子邮件", "邮件", "邮箱地址";
    /// The person's name.
    FullName = "full_name", "姓名", "name", "fullname", "真实姓名";
    /// The role.
    Role = "role", "角色";
    /// A password as somebody would type it.
    Password = "password", "密码", "初始密码";
    /// The hash of a password, from another system.
    PasswordHash = "password_hash", "密码哈希", "hashed_password", "encrypted_password";
    /// The telephone number.
    Phone = "phone", "电话", "mobile", "telephone", "phone_number", "手机", "手机号", "手机号码", "联系电话";
    /// Some lines about the person.
    Bio = "bio", "简介", "个人简介";
    /// The URL of a picture.
    Avatar = "avatar", "头像", "avatar_url";
    /// The language of mails.
    Locale = "locale", "语言", "language";
    /// Whether the account is active.
    IsActive = "is_active", "启用", "active", "是否启用";
    /// Whether the address was proved where the row comes from.
    IsVerified = "is_verified", "邮箱已验证", "verified", "email_verified", "已验证";
}

impl ImportColumn {
    /// Those of a template: hashes are not filled in by hand.
    pub fn of_template() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|column| *column != Self::PasswordHash)
    }

    /// Whether nobody is to see what is in it.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::PasswordHash)
    }
}

/// A heading in small letters, with one underscore between its words.
fn plain(heading: &str) -> String {
    let heading = crate::common::text::canonical(heading);
    let words = heading.split(|c: char| c.is_whitespace() || matches!(c, '_' | '-'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u1_columns_are_found_by_names_in_both_languages() {
        for column in ImportColumn::ALL {
            for name in [column.name(), column.chinese()] {
                assert_eq!(ImportColumn::of(name), Some(*column), "{name}");
            }
        }
        for (heading, column) in [
            (" User Name ", Some(ImportColumn::Username)),
            ("E-Mail", Some(ImportColumn::Email)),
            ("Ｅｍａｉｌ", Some(ImportColumn::Email)),
            ("手机 号", None),
            ("　姓名　", Some(ImportColumn::FullName)),
            ("备注", None),
            ("", None),
        ] {
            assert_eq!(ImportColumn::of(heading), column, "{heading}");
        }
    }
}
