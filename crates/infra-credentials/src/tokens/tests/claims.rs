//! T7 to T9: the claims of tokens, and which of them are refused.

use chrono::TimeDelta;

use super::*;

#[test]
fn t07_times_are_integers() {
    each(|f| {
        for claim in ["exp", "iat"] {
            let (right, others) = match claim {
                "exp" => {
                    ("1700001800", ["1700001800.5", "1700001800.0", "17000018e2", "1.7000018e9"])
                }
                _ => ("1700000000", ["1700000000.5", "1700000000.0", "17e8", "1.7e9"]),
            };
            let quoted = format!("{right:?}");
            for wrong in [
                quoted.as_str(),
                "null",
                "-1",
                "-0",
                "true",
                "[]",
                "{}",
                "",
                "18446744073709551615",
                "9223372036854775807",
                "-9223372036854775808",
                "99999999999999999999",
                "1e400",
            ]
            .into_iter()
            .chain(others)
            {
                f.refused(
                    &f.forge_claims(&format!("{claim:?}:{right}"), &format!("{claim:?}:{wrong}")),
                );
            }
        }
        let both = |iat: &str, exp: &str| {
            let claims = CLAIMS.replace("1700000000", iat).replace("1700001800", exp);
            f.refused(&f.forge(&f.header(), &claims));
        };
        both("-9223372036854775808", "9223372036854775807");
        both("9223372036854775806", "9223372036854775807");
        both("-1", "1700000000");
        both("0", "0");
    });
}

#[test]
fn t08_every_claim_is_required_once_and_of_its_type() {
    each(|f| {
        let claims: serde_json::Map<String, Value> = serde_json::from_str(CLAIMS).unwrap();
        assert_eq!(claims.len(), 8);
        for (name, value) in &claims {
            let mut without = claims.clone();
            without.remove(name);
            f.refused(&f.forge(&f.header(), &Value::from(without.clone()).to_string()));
            for wrong in [Value::Null, json!({}), json!([value]), json!(""), json!("-x"), json!(7)]
            {
                without.insert(name.clone(), wrong);
                f.refused(&f.forge(&f.header(), &Value::from(without.clone()).to_string()));
            }
            let twice = format!("{{{name:?}:{value},{}", &CLAIMS[1..]);
            f.refused(&f.forge(&f.header(), &twice));
        }
        let claims = part(&f.refresh_token(), 1);
        for name in claims.as_object().unwrap().keys() {
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(name);
            let json = serde_json::to_vec(&without).unwrap();
            let forged = f.codec.refresh.keys.seal(&json).unwrap();
            assert!(f.codec.verify_refresh(&forged, at(NOW)).is_err(), "without {name}");
        }
    });
}

#[test]
fn t08_claims_are_exactly_ours() {
    each(|f| {
        for (from, to) in [
            (r#""menjin""#, r#""Menjin""#),
            (r#""menjin""#, r#""menjin ""#),
            (r#""school""#, r#""other""#),
            (r#""school""#, r#"["school"]"#),
            (r#""school""#, r#"["school","other"]"#),
            (r#""42""#, r#""+42""#),
            (r#""42""#, r#""042""#),
            (r#""42""#, r#""0""#),
            (r#""42""#, r#""-42""#),
            (r#""42""#, r#""42 ""#),
            (r#""42""#, r#""9223372036854775808""#),
            (r#""teacher""#, r#""Teacher""#),
            ("5e55", "5e5"),
            ("001d", "00zz"),
        ] {
            f.refused(&f.forge_claims(from, to));
        }
        let other = |config| JwtCodec::new(config).unwrap().verify_access(&f.token(), at(NOW));
        assert!(other(f.config.clone()).is_ok());
        assert!(other(JwtConfig { issuer: "other".into(), ..f.config.clone() }).is_err());
        assert!(other(JwtConfig { audience: "other".into(), ..f.config.clone() }).is_err());
    });
}

#[test]
fn t09_expiry_has_a_leeway_of_5_seconds_and_issue_one_of_30() {
    each(|f| {
        let (codec, token, refresh_token) = (&f.codec, f.token(), f.refresh_token());
        for (seconds, valid) in [(-31, false), (-30, true), (0, true), (1000, true)] {
            assert_eq!(codec.verify_access(&token, at(NOW + seconds)).is_ok(), valid, "{seconds}");
            assert_eq!(codec.verify_refresh(&refresh_token, at(NOW + seconds)).is_ok(), valid);
        }
        for (seconds, valid) in [(0, true), (4, true), (5, false), (6, false), (60, false)] {
            let (end, later) = (at(NOW + ACCESS_TTL + seconds), at(NOW + REFRESH_TTL + seconds));
            assert_eq!(codec.verify_access(&token, end).is_ok(), valid, "{seconds}");
            assert_eq!(codec.verify_refresh(&refresh_token, later).is_ok(), valid, "{seconds}");
        }
        for moment in [Timestamp::MIN_UTC, Timestamp::MAX_UTC] {
            assert!(codec.verify_access(&token, moment).is_err());
        }
    });
}

#[test]
fn t09_no_token_lives_longer_than_configured() {
    each(|f| {
        f.refused(&f.forge_claims("1700001800", "1700001801"));
        let claims =
            AccessClaims { expires_at: access().expires_at + TimeDelta::days(1), ..access() };
        let token = f.codec.sign_access(&claims).unwrap();
        assert_eq!(f.read(token.expose_secret()), Ok(access()), "shortened");
        let shorter =
            AccessClaims { expires_at: access().issued_at + TimeDelta::seconds(1), ..access() };
        let token = f.codec.sign_access(&shorter).unwrap();
        assert_eq!(f.read(token.expose_secret()), Ok(shorter));
    });
}
