//! URLs for people.

/// A URL whose passwords are `***`, those among its parameters too. Errs on the side of hiding: all
/// between the first colon of what stands before the last `@`, and that.
pub(super) fn masked(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let masked = match rest.rsplit_once('@') {
        Some((login, place)) => {
            let user = login.split_once(':').map_or("", |(user, _password)| user);
            format!("{scheme}{user}:***@{place}")
        }
        None => url.to_owned(),
    };
    let Some((place, parameters)) = masked.split_once('?') else { return masked };
    let parameters = parameters.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name @ ("password" | "sslpassword"), _)) => format!("{name}=***"),
        _ => parameter.to_owned(),
    });
    format!("{place}?{}", parameters.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn passwords_are_masked_wherever_they_are() {
        for (url, shown) in [
            ("", ""),
            ("redis://h:1/2", "redis://h:1/2"),
            ("a:1", "a:1"),
            ("redis://:canary@h", "redis://:***@h"),
            ("rediss://mike:can@ary/@h:1/2", "rediss://mike:***@h:1/2"),
            ("redis://canary@h", "redis://:***@h"),
            ("mike:canary@h:1", "mike:***@h:1"),
            ("postgres://u:can@ary@h/d?a=b", "postgres://u:***@h/d?a=b"),
            ("postgres://u@h/d?password=canary&x=y", "postgres://:***@h/d?password=***&x=y"),
            ("postgres://h/d?password=can@ary", "postgres://:***@ary"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }
}
