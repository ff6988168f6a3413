//! What is wrong with a part of a request.

use std::borrow::Cow;

use menjin_domain::accounts::{AttributeName, AttributeProblem};
use menjin_domain::common::Violation;

use menjin_domain::common::Locale;

/// Why a value was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// It has to be there.
    Missing,
    /// It is no text.
    NotAString,
    /// It is no integer.
    NotAnInteger,
    /// Not a truth value.
    NotABoolean,
    /// It is no JSON object.
    NotAnObject,
    /// It is no list.
    NotAList,
    /// The body is no JSON.
    MalformedJson,
    /// The body is JSON, but no object.
    BodyNotAnObject,
    /// It is given twice.
    Repeated,
    /// There is no such parameter.
    UnknownParameter,
    /// A name is given twice in one object of the body.
    RepeatedName,
    /// The body is nested too deeply.
    TooDeep,
    /// A text of the body holds half of a character: a lone surrogate (RFC 7493 §2.1).
    LoneSurrogate,
    /// It is too small.
    AtLeast {
        /// The least value.
        min: u64,
    },
    /// It is too great.
    AtMost {
        /// The greatest value.
        max: u64,
    },
    /// No such action.
    UnknownAction,
    /// No such format of a file.
    UnknownFormat,
    /// No such field of an account.
    UnknownField,
    /// No such outcome.
    UnknownOutcome,
    /// No such state of a mail.
    UnknownState,
    /// No such language.
    UnknownLocale,
    /// It is no time.
    NotATime,
    /// It is no UUID.
    NotAUuid,
    /// It is no position in a list.
    NotAPosition,
    /// Somebody is invited to a role with rights, and not by an address.
    RoleNeedsEmail,
    /// The invitation is for another address.
    NotTheInvited,
    /// It is a time that is over.
    NotInTheFuture,
    /// There is no such order.
    UnknownOrder,
    /// What is searched for comes in the order of names only.
    OnlyByName,
    /// It is a list without items, or with more than these.
    Items {
        /// The greatest number.
        max: usize,
    },
    /// Both were given, or neither.
    IdsOrFilter,
    /// There is no such action on many users.
    UnknownBatch,
    /// The filter has a field that there is not.
    UnknownFilter,
    /// Nothing of the kind is done with users that are there already.
    UnknownConflict,
    /// Nothing of the kind is updated only if it is asked for.
    UnknownUpdate,
    /// An attribute is not what is declared of it; `None`: none of the name is declared.
    Attribute {
        /// Which.
        name: Option<AttributeName>,
        /// Why.
        problem: AttributeProblem,
    },
    /// It breaks a rule of the domain.
    Rule(Violation),
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        Self::Rule(violation)
    }
}

impl Problem {
    /// pydantic's name for it, which clients of FastAPI back ends know.
    pub fn kind(self) -> &'static str {
        use Violation as V;
        match self {
            Self::Missing => "missing",
            Self::NotAString => "string_type",
            Self::NotAnInteger => "int_parsing",
            Self::NotABoolean => "bool_parsing",
            Self::NotAnObject => "dict_type",
            Self::NotAList => "list_type",
            Self::Items { .. } => "too_long",
            Self::MalformedJson => "json_invalid",
            Self::BodyNotAnObject => "model_attributes_type",
            Self::AtLeast { .. } => "greater_than_equal",
            Self::AtMost { .. } => "less_than_equal",
            Self::UnknownAction
            | Self::UnknownField
            | Self::UnknownFormat
            | Self::UnknownOutcome
            | Self::UnknownState
            | Self::UnknownLocale
            | Self::UnknownOrder
            | Self::UnknownBatch
            | Self::UnknownConflict
            | Self::UnknownUpdate
            | Self::Rule(V::UnknownRole) => "enum",
            Self::NotATime => "datetime_parsing",
            Self::Rule(V::TooShort { .. }) => "string_too_short",
            Self::Rule(V::TooLong { .. } | V::TooManyBytes { .. }) => "string_too_long",
            Self::NotAUuid => "uuid_parsing",
            Self::Rule(V::NotACacheKey) => "string_pattern_mismatch",
            Self::UnknownParameter | Self::UnknownFilter => "extra_forbidden",
            Self::LoneSurrogate => "string_unicode",
            Self::Repeated
            | Self::RepeatedName
            | Self::TooDeep
            | Self::NotAPosition
            | Self::RoleNeedsEmail
            | Self::NotTheInvited
            | Self::NotInTheFuture
            | Self::OnlyByName
            | Self::IdsOrFilter
            | Self::Attribute { .. }
            | Self::Rule(_) => "value_error",
        }
    }

    /// Whether there was a value of the right type, which a rule refused.
    pub fn is_rule_on_a_value(self) -> bool {
        !matches!(
            self,
            Self::Missing
                | Self::NotAString
                | Self::NotAnInteger
                | Self::NotABoolean
                | Self::NotAnObject
                | Self::NotAList
                | Self::MalformedJson
                | Self::BodyNotAnObject
                | Self::UnknownParameter
                | Self::LoneSurrogate
        )
    }

    /// The text for people.
    pub fn text(self, locale: Locale) -> String {
        let (zh, en) = self.texts();
        match locale {
            Locale::ZhCn => zh,
            Locale::En => en,
        }
    }

    /// The texts in Chinese and in English.
    fn texts(self) -> (String, String) {
        match self {
            Self::Missing => fixed("缺少必填字段", "Field required"),
            Self::NotAString => fixed("应为字符串", "Input should be a valid string"),
            Self::NotABoolean => fixed("应为 true 或 false", "Input should be true or false"),
            Self::NotAnInteger => fixed("应为整数", "Input should be a valid integer"),
            Self::NotAnObject => fixed("应为JSON对象", "Input should be a valid object"),
            Self::NotAList => fixed("应为数组", "Input should be a valid list"),
            Self::Items { max } => {
                (format!("应有1到{max}项"), format!("Input should have 1 to {max} items"))
            }
            Self::IdsOrFilter => {
                fixed("请提供 ids 或 filter 其中之一", "Give either ids or filter, and not both")
            }
            Self::UnknownBatch => fixed(
                "操作应为 activate、deactivate、ban、delete、set_role 或 end_sessions",
                "Input should be activate, deactivate, ban, delete, set_role or end_sessions",
            ),
            Self::UnknownConflict => {
                fixed("应为 skip、update 或 fail", "Input should be 'skip', 'update' or 'fail'")
            }
            Self::UnknownUpdate => fixed(
                "应为 password、role、activity，多个值用逗号分隔",
                "Input should be password, role, activity, with commas between them",
            ),
            Self::UnknownFilter => fixed(
                "筛选条件只能是 q、role、is_active 或 is_verified",
                "A filter has q, role, is_active and is_verified only",
            ),
            Self::MalformedJson => fixed("请求体不是有效的JSON", "The body is not valid JSON"),
            Self::BodyNotAnObject => {
                fixed("请求体应为JSON对象", "The body should be a JSON object")
            }
            Self::Repeated => fixed("字段重复", "The field is given more than once"),
            Self::UnknownParameter => fixed("没有此查询参数", "There is no such query parameter"),
            Self::RepeatedName => fixed(
                "请求体是有效的JSON，但同一对象中有重复的键",
                "The body is JSON, but a name is given twice in one object",
            ),
            Self::TooDeep => fixed(
                "请求体是有效的JSON，但嵌套过深，最多128层",
                "The body is JSON, but nested too deeply: 128 levels at most",
            ),
            Self::LoneSurrogate => fixed(
                "请求体中有不完整的Unicode字符（单独的代理项）",
                "A text of the body holds a lone surrogate, which is half of a character",
            ),
            Self::AtLeast { min } => (
                format!("应大于或等于{min}"),
                format!("Input should be greater than or equal to {min}"),
            ),
            Self::AtMost { max } => (
                format!("应小于或等于{max}"),
                format!("Input should be less than or equal to {max}"),
            ),
            Self::UnknownAction => fixed("未知的操作名称", "Input should be the name of an action"),
            Self::UnknownFormat => {
                fixed("格式应为 csv 或 ndjson", "Input should be 'csv' or 'ndjson'")
            }
            Self::UnknownField => fixed("未知的字段名称", "Input should be the name of a field"),
            Self::UnknownOutcome => {
                fixed("结果应为 success 或 failure", "Input should be 'success' or 'failure'")
            }
            Self::UnknownState => fixed(
                "状态应为 queued、sent 或 failed",
                "Input should be 'queued', 'sent' or 'failed'",
            ),
            Self::UnknownLocale => fixed("语言应为 zh-CN 或 en", "Input should be 'zh-CN' or 'en'"),
            Self::NotATime => fixed(
                "时间应为 RFC 3339 格式，例如 2024-01-31T08:00:00Z",
                "Input should be a time in RFC 3339, such as 2024-01-31T08:00:00Z",
            ),
            Self::NotAUuid => fixed("应为UUID", "Input should be a valid UUID"),
            Self::NotAPosition => {
                fixed("应为某一页返回的 next", "Input should be the `next` of a page")
            }
            Self::RoleNeedsEmail => fixed(
                "邀请有权限的角色时必须指定邮箱",
                "A role with rights is given by e-mail address only",
            ),
            Self::NotTheInvited => fixed(
                "与邀请的邮箱不一致",
                "Input should be the e-mail address of the invitation, or be left out",
            ),
            Self::UnknownOrder => fixed(
                "排序应为 id、username、created_at 或 last_login_at，前面加 - 表示倒序",
                "Input should be id, username, created_at or last_login_at, with - to turn it round",
            ),
            Self::OnlyByName => fixed(
                "使用 q 搜索时只能按 username 排序",
                "Together with q, the order can only be username",
            ),
            Self::NotInTheFuture => fixed("应为将来的时间", "Input should be a time in the future"),
            Self::Attribute { name, problem } => attribute(name, problem),
            Self::Rule(violation) => rule(violation),
        }
    }
}

/// The texts for what is wrong with an attribute, which they name.
fn attribute(name: Option<AttributeName>, problem: AttributeProblem) -> (String, String) {
    let (zh, en) = match problem {
        AttributeProblem::Unknown => fixed("没有这个属性", "There is no such attribute"),
        AttributeProblem::NotAText => Problem::NotAString.texts(),
        AttributeProblem::NotAnInteger => Problem::NotAnInteger.texts(),
        AttributeProblem::NotABoolean => Problem::NotABoolean.texts(),
        AttributeProblem::NotADate => {
            fixed("应为日期，例如 2026-11-28", "Input should be a day such as 2026-11-28")
        }
        AttributeProblem::Violation(violation) => rule(violation),
    };
    match name {
        Some(name) => (format!("{name}：{zh}"), format!("{name}: {en}")),
        None => (zh, en),
    }
}

/// The texts for a rule of the domain.
fn rule(violation: Violation) -> (String, String) {
    match violation {
        Violation::TooShort { min } => (
            format!("长度应至少为{min}个字符"),
            format!("String should have at least {min} characters"),
        ),
        Violation::TooLong { max } => (
            format!("长度应至多为{max}个字符"),
            format!("String should have at most {max} characters"),
        ),
        Violation::LengthOutside { min, max } => (
            format!("长度应为{min}-{max}个字符"),
            format!("String should have {min} to {max} characters"),
        ),
        Violation::TooManyBytes { max } => (
            format!("长度应至多为{max}字节（UTF-8）"),
            format!("String should have at most {max} bytes in UTF-8"),
        ),
        Violation::ContainsNul => {
            fixed("不能包含NUL字符", "String should not contain NUL characters")
        }
        Violation::ForbiddenCharacter => fixed(
            "包含不允许的不可见字符",
            "String should not contain invisible or control characters",
        ),
        Violation::MixedScripts => fixed(
            "混用了不同文字的字母（例如拉丁字母和西里尔字母）",
            "String should not mix letters of different scripts, such as Latin and Cyrillic",
        ),
        Violation::ContainsAt => fixed("不能包含@", "String should not contain @"),
        Violation::ContainsWhitespace => {
            fixed("不能包含空白字符", "String should not contain white space")
        }
        Violation::NotACode => fixed(
            "应为6位验证码或恢复码",
            "Input should be the six digits of an authenticator app, or a recovery code",
        ),
        Violation::NotAnEmail => fixed("邮箱格式不正确", "Input should be a valid email address"),
        Violation::NotAUrl => {
            fixed("应为 http 或 https 网址", "Input should be a valid http or https URL")
        }
        Violation::NotAPhone => fixed("电话号码格式不正确", "Input should be a valid phone number"),
        Violation::NotACacheKey => fixed(
            "缓存键应为1-128个字符：A-Z a-z 0-9 . _ : -",
            "The key should be 1 to 128 of A-Z a-z 0-9 . _ : -",
        ),
        Violation::UnknownRole => fixed("没有这个角色", "There is no such role"),
        Violation::RoleNotRegistrable => {
            fixed("角色应为 student 或 teacher", "Input should be 'student' or 'teacher'")
        }
    }
}

fn fixed(zh: &str, en: &str) -> (String, String) {
    (zh.to_owned(), en.to_owned())
}

/// The part of a request that something is wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The body.
    Body,
    /// The path.
    Path,
    /// The query.
    Query,
}

impl Place {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}

/// A problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The part of the request.
    pub place: Place,
    /// The field; `None` for the part as a whole.
    pub field: Option<Cow<'static, str>>,
    /// What is wrong.
    pub problem: Problem,
}

impl FieldError {
    /// A problem with a field of the body.
    pub fn in_body(field: &'static str, problem: Problem) -> Self {
        Self { place: Place::Body, field: Some(field.into()), problem }
    }
}

/// One of each, for tests.
#[doc(hidden)]
pub fn all_problems() -> Vec<Problem> {
    use Violation as V;
    let rules = [
        V::TooShort { min: 3 },
        V::TooLong { max: 4 },
        V::LengthOutside { min: 5, max: 6 },
        V::TooManyBytes { max: 7 },
        V::ContainsNul,
        V::ForbiddenCharacter,
        V::MixedScripts,
        V::ContainsAt,
        V::ContainsWhitespace,
        V::NotACode,
        V::NotAnEmail,
        V::NotAUrl,
        V::NotAPhone,
        V::NotACacheKey,
        V::UnknownRole,
        V::RoleNotRegistrable,
    ];
    let others = [
        Problem::Missing,
        Problem::NotAString,
        Problem::NotABoolean,
        Problem::NotAnInteger,
        Problem::NotAnObject,
        Problem::NotAList,
        Problem::Items { max: 100 },
        Problem::IdsOrFilter,
        Problem::UnknownBatch,
        Problem::UnknownFilter,
        Problem::MalformedJson,
        Problem::BodyNotAnObject,
        Problem::Repeated,
        Problem::AtLeast { min: 1 },
        Problem::AtMost { max: 2 },
        Problem::UnknownAction,
        Problem::UnknownField,
        Problem::UnknownFormat,
        Problem::UnknownOutcome,
        Problem::UnknownState,
        Problem::UnknownLocale,
        Problem::NotATime,
        Problem::NotAUuid,
        Problem::UnknownParameter,
        Problem::RepeatedName,
        Problem::TooDeep,
        Problem::LoneSurrogate,
        Problem::NotAPosition,
        Problem::RoleNeedsEmail,
        Problem::NotInTheFuture,
        Problem::UnknownOrder,
        Problem::OnlyByName,
        Problem::NotTheInvited,
    ];
    others.into_iter().chain(rules.map(Problem::Rule)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn every_problem_is_in_every_language() {
        for problem in all_problems() {
            let (zh, en) = problem.texts();
            assert!(Text::is_translated(&zh, &en), "{problem:?}");
        }
    }
}
