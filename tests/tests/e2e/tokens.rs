//! Tokens that are not quite ours, in both dialects and for each algorithm. Each differs from one that
//! works in one thing, and is signed with the right key unless that is the thing.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use menjin_tests::app::TestApp;
use menjin_tests::client::{Client, Send as _};
use menjin_tests::forge::{ED25519, Forger, P256, parts, with};
use menjin_tests::openapi::Document;
use reqwest::Method;
use serde_json::{Value, json};

const SECRET: &str = "the-secret-of-this-test-0123456789-01";

/// A server, a user's client, and the key that their access token is signed with.
struct Setting {
    app: TestApp,
    mike: Client,
    forger: Forger,
    header: String,
    claims: String,
}

impl Setting {
    /// One for each algorithm.
    async fn all() -> [Self; 3] {
        [
            Self::new(None, Forger::of_secret(SECRET)).await,
            Self::new(Some(ED25519), Forger::of_pem(ED25519)).await,
            Self::new(Some(P256), Forger::of_pem(P256)).await,
        ]
    }

    async fn new(access_key: Option<&str>, forger: Forger) -> Self {
        let settings = [("auth.secret", SECRET), ("auth.access_key", access_key.unwrap_or(""))];
        let app = TestApp::start_with(&settings).await;
        let mike = app.user("mike").await;
        let [header, claims] = parts(mike.access_token.as_ref().unwrap());
        let again = forger.sign(&header, &claims);
        let setting = Self { app, mike, forger, header, claims };
        setting.is_accepted(&again).await;
        setting
    }

    fn alg(&self) -> String {
        serde_json::from_str::<Value>(&self.header).unwrap()["alg"].as_str().unwrap().to_owned()
    }

    /// With another header, or what stands in its place.
    fn header(&self, from: &str, to: &str) -> String {
        assert!(self.header.contains(from), "{}", self.header);
        self.forger.sign(&self.header.replacen(from, to, 1), &self.claims)
    }

    fn claim(&self, name: &str, value: Option<Value>) -> String {
        self.forger.sign(&self.header, &with(&self.claims, name, value))
    }

    fn with_token(&self, token: &str) -> Client {
        self.app.anonymous().with_tokens(&json!({ "access_token": token, "refresh_token": token }))
    }

    async fn is_accepted(&self, token: &str) {
        for path in ["/api/v1/users/me", "/api/auth/me"] {
            let answer = self.with_token(token).get(path).await;
            assert_eq!(answer.status, 200, "{answer}");
        }
    }

    /// E401: in both dialects, as access and as refresh token, and with nothing done.
    async fn is_refused(&self, token: &str) {
        let client = self.with_token(token);
        for path in ["/api/v1/users/me", "/api/auth/me"] {
            let request = self.app.anonymous().request(Method::GET, path);
            let bearer = [b"Bearer ", token.as_bytes()].concat();
            let answer = request.header("authorization", bearer).answer().await;
            assert_eq!(answer.status, 401, "{}, {token}: {answer}", self.alg());
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some(r#"Bearer error="invalid_token""#), "{token}");
        }
        let answer = client.refresh().await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (401, &json!("invalid_token")),
            "{token}"
        );
    }
}

#[tokio::test]
async fn t01_t02_the_algorithm_is_the_keys() {
    for setting in Setting::all().await {
        let alg = setting.alg();
        let names =
            ["none", "None", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"];
        for name in names.into_iter().filter(|name| *name != alg) {
            let forged = setting.header(&alg, name);
            setting.is_refused(&forged).await;
            setting.is_refused(&forged[..=forged.rfind('.').unwrap()]).await;
        }
        assert_eq!(setting.mike.me().await.status, 200);
    }
}

/// Whoever takes what is published for the secret of HS256.
#[tokio::test]
async fn t02_a_published_key_signs_nothing() {
    for setting in &Setting::all().await[1..] {
        let keys = setting.app.anonymous().get("/.well-known/jwks.json").await.body;
        let key = &keys["keys"][0];
        let point = [&key["x"], &key["y"]].map(|part| part.as_str().unwrap_or("").to_owned());
        for secret in [key.to_string(), keys.to_string(), point.concat(), point[0].clone()] {
            let forger = Forger::of_bytes(secret.as_bytes());
            let header = setting.header.replace(&setting.alg(), "HS256");
            for header in [&header, &setting.header] {
                setting.is_refused(&forger.sign(header, &setting.claims)).await;
            }
        }
    }
}

#[tokio::test]
async fn t03_t04_what_was_signed_is_what_counts() {
    for setting in Setting::all().await {
        let token = setting.mike.access_token.clone().unwrap();
        let [header, claims, signature] =
            <[_; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap();
        let raised =
            setting.forger.sign(&setting.header, &setting.claims.replace("student", "admin"));
        let raised = raised.split('.').nth(1).unwrap();
        let json = json!({ "payload": claims, "protected": header, "signature": signature });
        for forged in [
            format!("{header}.{raised}.{signature}"),
            format!("{header}.{claims}.{}", &signature[..signature.len() - 1]),
            format!("{header}.{claims}.{signature}="),
            format!("{header}.{claims}.{signature}A"),
            format!("{token}.{signature}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}"),
            json.to_string(),
        ] {
            setting.is_refused(&forged).await;
        }
        let swapped = setting.with_token(setting.mike.refresh_token.as_ref().unwrap());
        assert_eq!(swapped.me().await.status, 401);
        assert_eq!(setting.with_token(&token).refresh().await.status, 401);
        assert_eq!(setting.mike.refresh().await.status, 200, "nothing was done");
    }
}

/// That a token was taken before vouches neither for one like it nor for a later time.
#[tokio::test]
async fn t03_t09_a_token_that_was_taken_before_is_no_licence() {
    for setting in Setting::all().await {
        let token = setting.mike.access_token.clone().unwrap();
        for _ in 0..2 {
            setting.is_accepted(&token).await;
        }
        for at in (0..token.len()).step_by(37).chain([token.len() - 2]) {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            setting.is_refused(&String::from_utf8(forged).unwrap()).await;
        }
        setting.is_refused(&token[..token.len() - 1]).await;
        setting.is_refused(&format!("{token}A")).await;
        setting.is_accepted(&token).await;
        let claims: Value = serde_json::from_str(&setting.claims).unwrap();
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        setting.app.clock.advance(Duration::from_secs(lifetime + 6));
        assert_eq!(setting.with_token(&token).me().await.status, 401);
    }
}

#[tokio::test]
async fn t05_t06_the_header_is_exact() {
    for setting in Setting::all().await {
        for (from, to) in [
            (r#""typ":"at+jwt","#, ""),
            ("at+jwt", "JWT"),
            ("at+jwt", "rt+jwt"),
            ("{", r#"{"crit":["exp"],"#),
            ("{", r#"{"crit":[],"#),
            ("{", r#"{"b64":false,"#),
            ("{", "{ "),
        ] {
            setting.is_refused(&setting.header(from, to)).await;
        }
    }
}

#[tokio::test]
async fn t07_t08_claims_are_there_and_of_their_type() {
    for setting in Setting::all().await {
        let claims: Value = serde_json::from_str(&setting.claims).unwrap();
        for (name, value) in claims.as_object().unwrap() {
            setting.is_refused(&setting.claim(name, None)).await;
            setting.is_refused(&setting.claim(name, Some(json!([value])))).await;
        }
        let exp = claims["exp"].as_i64().unwrap();
        let half: Value = serde_json::from_str(&format!("{exp}.5")).unwrap();
        for value in [json!(exp.to_string()), Value::Null, half, json!(-1), json!(u64::MAX)] {
            setting.is_refused(&setting.claim("exp", Some(value))).await;
        }
        for (name, value) in [("iss", "other"), ("aud", "other"), ("sub", "2"), ("role", "Root")] {
            setting.is_refused(&setting.claim(name, Some(value.into()))).await;
        }
        // T9: longer than any token of ours lives, and over.
        setting.is_refused(&setting.claim("exp", Some(json!(exp + 1)))).await;
        let (iat, over) = (json!(exp - 3606), json!(exp - 1806));
        let claims = with(&with(&setting.claims, "iat", Some(iat)), "exp", Some(over));
        setting.is_refused(&setting.forger.sign(&setting.header, &claims)).await;
    }
}

#[tokio::test]
async fn t10_keys_are_ours_alone_and_none_is_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    for setting in Setting::all().await {
        let header: Value = serde_json::from_str(&setting.header).unwrap();
        let kid = header["kid"].to_string();
        let long = "k".repeat(10_240);
        for other in ["", "0000000000000000", "' OR 1", "../../x", "/dev/null", "\0", &long, &url] {
            setting.is_refused(&setting.header(&kid, &json!(other).to_string())).await;
        }
        setting.is_refused(&setting.header(&format!(r#","kid":{kid}"#), "")).await;
        // A key that is brought along: that of RFC 8037, A.2.
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        let own = Forger::of_pem(ED25519);
        for (name, value) in
            [("jku", json!(url)), ("x5u", json!(url)), ("jwk", jwk), ("x5c", json!(["MIIB"]))]
        {
            let member = format!("{{{name:?}:{value},");
            setting.is_refused(&setting.header("{", &member)).await;
            let header = setting.header.replacen('{', &member, 1).replace(&setting.alg(), "EdDSA");
            setting.is_refused(&own.sign(&header, &setting.claims)).await;
        }
        assert_eq!(setting.mike.me().await.status, 200);
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody called");
}

#[tokio::test]
async fn public_keys_are_published_and_secrets_are_not() {
    let ed25519 = json!({
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let p256 = json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
        "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    for (access_key, verify_only, keys) in [
        ("", "", json!([])),
        ("", ED25519, json!([ed25519])),
        (ED25519, "", json!([ed25519])),
        (P256, &format!("HS256,{ED25519}"), json!([p256, ed25519])),
    ] {
        let app = TestApp::start_with(&[
            ("auth.access_key", access_key),
            ("auth.verify_only_access_keys", verify_only),
        ])
        .await;
        let path = "/.well-known/jwks.json";
        let answer = app.anonymous().get(path).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "keys": keys })));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let document = Document::new(app.anonymous().get("/openapi.json").await.body);
        assert_eq!(document.judge("GET", path, &answer), Vec::<String>::new());
        let head = app.anonymous().request(Method::HEAD, path).answer().await;
        assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    }
}

/// From a secret to a key for others, by restarts of one process, as
/// `docs/src/operations/secrets.md` says.
#[tokio::test]
async fn t11_the_algorithm_is_changed_like_a_secret() {
    let secret = ("auth.secret", SECRET);
    let app = TestApp::start_with(&[secret]).await;
    let (clock, mut clients) = (app.clock.clone(), vec![app.user("mike").await]);
    let mut place = app.stop().await;
    for (access_key, verify_only, alive) in [
        ("", ED25519, vec![true]),
        (ED25519, "HS256", vec![true, true]),
        (ED25519, "", vec![false, false, true]),
    ] {
        let keys = [("auth.access_key", access_key), ("auth.verify_only_access_keys", verify_only)];
        let settings = [secret, keys[0], keys[1]];
        let app = TestApp::start_at(place, clock.clone(), &settings).await;
        for (client, alive) in clients.iter().zip(alive) {
            let client = app.anonymous().with_tokens(&client.tokens());
            assert_eq!(client.me().await.status == 200, alive, "{access_key} {verify_only}");
        }
        // Refresh tokens are signed with the secret in any case: nobody has to log in again.
        let renewed = app.anonymous().with_tokens(&clients[0].tokens()).refresh().await;
        assert_eq!(renewed.status, 200, "{renewed}");
        clients[0] = app.anonymous().with_tokens(&json!({
            "access_token": clients[0].access_token, "refresh_token": renewed.body["refresh_token"],
        }));
        clients.push(app.anonymous().with_tokens(&renewed.body));
        place = app.stop().await;
    }
}

#[tokio::test]
async fn j24_who_is_given_the_issuer_finds_the_keys() {
    const PATHS: [&str; 2] =
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
    for (key, more, issuer, algorithms) in [
        (ED25519, "", "https://site.example/auth", json!(["EdDSA"])),
        (P256, ED25519, "https://site.example", json!(["ES256", "EdDSA"])),
        (ED25519, "", "https://site.example:8443/", json!(["EdDSA"])),
    ] {
        let settings = [
            ("auth.access_key", key),
            ("auth.verify_only_access_keys", more),
            ("auth.issuer", issuer),
        ];
        let app = TestApp::start_with(&settings).await;
        for path in PATHS {
            let answer = app.anonymous().get(path).await;
            let base = issuer.trim_end_matches('/');
            assert_eq!((answer.status, &answer.body["issuer"]), (200, &json!(issuer)), "{answer}");
            assert_eq!(answer.body["jwks_uri"], format!("{base}/.well-known/jwks.json"));
            assert_eq!(answer.body["token_endpoint"], format!("{base}/api/v1/auth/login"));
            assert_eq!(answer.body["id_token_signing_alg_values_supported"], algorithms);
            assert_eq!(answer.body["response_types_supported"], json!([]), "RFC 8414 requires it");
            assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        }
    }
    for (key, more, issuer) in [
        ("", "", "https://site.example"),
        ("", ED25519, "https://site.example"),
        (ED25519, "", "menjin"),
        (ED25519, "", "http://site.example"),
        (ED25519, "", "https://"),
        (ED25519, "", "https:///auth"),
        (ED25519, "", "https://site.example/?a=b"),
        (ED25519, "", "https://site.example/#a"),
        (ED25519, "", "https://mike@site.example"),
        (ED25519, "", "https://a b.example"),
    ] {
        let settings = [
            ("auth.access_key", key),
            ("auth.verify_only_access_keys", more),
            ("auth.issuer", issuer),
        ];
        let app = TestApp::start_with(&settings).await;
        for path in PATHS {
            let answer = app.anonymous().get(path).await;
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (404, &json!("not_found")),
                "{issuer}"
            );
        }
    }
}
