//! Why a row of a table was not done, for programs and for people.

use menjin_domain::common::{Locale, Violation};
use menjin_domain::import::{HashRefused, RowProblem, RowRefusal};

use crate::error::ApiError;
use crate::problem::Problem;
use crate::text::Text;

/// The code and the text of a problem with a row. They are those that a request for this user alone would
/// be refused with, where it could be.
pub fn row_problem(problem: &RowProblem, locale: Locale) -> (&'static str, String) {
    let of_value = |problem: Problem| (problem.kind(), problem.text(locale));
    let fixed = |code, zh, en| (code, Text { zh, en }.in_locale(locale).to_owned());
    match problem {
        RowProblem::Violation(violation) => of_value(Problem::Rule(*violation)),
        RowProblem::Missing | RowProblem::Refused(RowRefusal::Incomplete) => {
            of_value(Problem::Missing)
        }
        RowProblem::NotABool => fixed(
            Problem::NotABoolean.kind(),
            "请填写 是 或 否（或 true、false、1、0）",
            "Write yes or no, true or false, 1 or 0",
        ),
        RowProblem::Attribute(problem) => {
            of_value(Problem::Attribute { name: None, problem: *problem })
        }
        RowProblem::AttributeForbidden => of_error(&crate::ErrorKind::Forbidden.into(), locale),
        RowProblem::UnknownRole => of_value(Problem::Rule(Violation::UnknownRole)),
        RowProblem::UnknownLocale => of_value(Problem::UnknownLocale),
        RowProblem::RoleForbidden => of_error(&crate::ErrorKind::RoleForbidden.into(), locale),
        RowProblem::Policy(violation) => of_error(&(*violation).into(), locale),
        RowProblem::Hash(HashRefused::UnknownKind) => {
            fixed("unknown_hash", "不支持的密码哈希", "This is no hash that is known")
        }
        RowProblem::Hash(HashRefused::TooCostly) => fixed(
            "costly_hash",
            "验证该密码哈希的开销过大",
            "This hash takes too much time or memory to verify",
        ),
        RowProblem::HashForbidden => fixed(
            "hash_forbidden",
            "密码哈希只能通过命令行导入",
            "Hashes are imported on the command line only",
        ),
        RowProblem::PasswordAndHash => fixed(
            "password_and_hash",
            "密码和密码哈希只能填写一个",
            "There is a password as well as a hash",
        ),
        RowProblem::Duplicate { row } => match locale {
            Locale::ZhCn => ("duplicate_row", format!("与第{row}行重复")),
            Locale::En => ("duplicate_row", format!("The same as in row {row}")),
        },
        RowProblem::Unreadable(reason) => match locale {
            Locale::ZhCn => ("unreadable", format!("无法读取该行：{reason}")),
            Locale::En => ("unreadable", format!("The row cannot be read: {reason}")),
        },
        RowProblem::Refused(RowRefusal::TwoAccounts) => fixed(
            "two_accounts",
            "用户名和邮箱分别属于两个用户",
            "One user has the name, another the e-mail address",
        ),
        RowProblem::Refused(RowRefusal::Exists) => {
            fixed("user_exists", "用户已存在", "The user is there already")
        }
        RowProblem::Refused(refusal) => of_error(&(*refusal).into(), locale),
    }
}

fn of_error(error: &ApiError, locale: Locale) -> (&'static str, String) {
    (error.kind.code(), error.kind.text().in_locale(locale).to_owned())
}

#[cfg(test)]
mod tests {
    use menjin_domain::accounts::{AttributeProblem, ChangeUserError, CreateUserError};
    use menjin_domain::credentials::PolicyViolation;

    use super::*;

    #[test]
    fn u2_each_problem_of_a_row_has_a_code_and_texts_in_both_languages() {
        let refused = |refusal: RowRefusal| RowProblem::Refused(refusal);
        for (problem, code) in [
            (Violation::NotAnEmail.into(), "value_error"),
            (RowProblem::Missing, "missing"),
            (refused(RowRefusal::Incomplete), "missing"),
            (RowProblem::NotABool, "bool_parsing"),
            (AttributeProblem::NotADate.into(), "value_error"),
            (RowProblem::AttributeForbidden, "forbidden"),
            (RowProblem::UnknownRole, "enum"),
            (RowProblem::RoleForbidden, "role_forbidden"),
            (PolicyViolation::TooCommon.into(), "password_too_common"),
            (RowProblem::HashForbidden, "hash_forbidden"),
            (HashRefused::UnknownKind.into(), "unknown_hash"),
            (HashRefused::TooCostly.into(), "costly_hash"),
            (RowProblem::PasswordAndHash, "password_and_hash"),
            (RowProblem::Duplicate { row: 7 }, "duplicate_row"),
            (RowProblem::Unreadable("too long".to_owned()), "unreadable"),
            (refused(RowRefusal::TwoAccounts), "two_accounts"),
            (refused(RowRefusal::Exists), "user_exists"),
            (refused(CreateUserError::EmailTaken.into()), "email_taken"),
            (refused(ChangeUserError::OwnAccount.into()), "own_account"),
        ] {
            let (in_chinese, zh) = row_problem(&problem, Locale::ZhCn);
            let (in_english, en) = row_problem(&problem, Locale::En);
            assert_eq!((in_chinese, in_english), (code, code), "{problem:?}");
            assert!(Text::is_translated(&zh, &en), "{zh} / {en}");
        }
    }
}
