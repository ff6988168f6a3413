//! The columns of a table of users.

use crate::accounts::{AttributeName, AttributeRules};
use crate::common::Locale;

/// Makes the enum, and the names of each column: the first is in English and the one that programs write,
/// the second in Chinese; the others are understood.
macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident = $name:literal, $chinese:literal $(, $other:literal)*;)*) => {
        /// A column of a table of users.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum ImportColumn {
            $($(#[$doc])* $column,)*
            /// An attribute that the settings declare.
            Attribute(AttributeName),
        }

        impl ImportColumn {
            /// All but attributes, in the order in which people like to fill them in.
            pub const ALL: &[Self] = &[$(Self::$column,)*];

            /// The name in English, which programs write.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$column => $name,)*
                    Self::Attribute(name) => name.as_str(),
                }
            }

            /// The name in Chinese; of an attribute the first heading that is declared, if there is one.
            fn chinese<'a>(&'a self, attributes: &'a AttributeRules) -> &'a str {
                match self {
                    $(Self::$column => $chinese,)*
                    Self::Attribute(name) => {
                        let rule = attributes.get(*name);
                        rule.and_then(|rule| rule.headings.first()).map_or(name.as_str(), String::as_str)
                    }
                }
            }

            /// The name in this language.
            pub fn heading<'a>(&'a self, attributes: &'a AttributeRules, locale: Locale) -> &'a str {
                match locale {
                    Locale::ZhCn => self.chinese(attributes),
                    Locale::En => self.name(),
                }
            }

            /// The column of this heading, but for attributes. Case, width and what stands between words do not
            /// matter.
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
    /// The column of this heading, which may be that of an attribute.
    pub fn find(heading: &str, attributes: &AttributeRules) -> Option<Self> {
        let of_attribute = || {
            let plainly = plain(heading);
            let is_called = |name: &str| plain(name) == plainly;
            let mut all = attributes.all();
            let found = all.find(|(name, rule)| {
                is_called(name.as_str()) || rule.headings.iter().any(|it| is_called(it))
            });
            found.map(|(name, _)| Self::Attribute(name))
        };
        Self::of(heading).or_else(of_attribute)
    }

    /// Those of a template, attributes last: hashes are not filled in by hand.
    pub fn of_template(attributes: &AttributeRules) -> Vec<Self> {
        let fields = Self::ALL.iter().copied().filter(|column| *column != Self::PasswordHash);
        fields.chain(Self::of_attributes(attributes)).collect()
    }

    /// Those of attributes.
    pub fn of_attributes(attributes: &AttributeRules) -> impl Iterator<Item = Self> {
        attributes.all().map(|(name, _)| Self::Attribute(name))
    }

    /// Whether nobody is to see what is in it.
    pub fn is_secret(&self) -> bool {
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
    use crate::accounts::{AttributeKind, AttributeRule};

    #[test]
    fn u1_columns_are_found_by_names_in_both_languages() {
        for column in ImportColumn::ALL {
            for name in [column.name(), column.chinese(&AttributeRules::default())] {
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

    #[test]
    fn a13_attributes_are_columns_by_their_names_and_headings() {
        let name: AttributeName = "student_number".parse().unwrap();
        let rule = AttributeRule {
            kind: AttributeKind::Text,
            rights: vec![],
            is_searchable: false,
            headings: vec!["学号".to_owned(), "Matr. No".to_owned()],
        };
        let rules = AttributeRules::new([(name, rule)]);
        let column = ImportColumn::Attribute(name);
        for heading in ["student_number", "Student Number", "学号", " matr. no "] {
            assert_eq!(ImportColumn::find(heading, &rules), Some(column), "{heading}");
        }
        assert_eq!(ImportColumn::find("email", &rules), Some(ImportColumn::Email));
        assert_eq!(ImportColumn::find("class", &rules), None);
        assert_eq!((column.name(), column.chinese(&rules)), ("student_number", "学号"));
    }
}
