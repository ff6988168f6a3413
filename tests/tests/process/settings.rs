//! Settings that make no sense stop the start with their name, and nothing is made.

use menjin_tests::process::{command, output};

use crate::MENJIN;

/// Runs `menjin` with these variables and arguments; returns its exit code and complaint.
fn complaint(variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(MENJIN, folder.path());
    let output = output(command.args(arguments).envs(variables.iter().copied()));
    let made = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(made, 0, "a start that failed left something behind");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn each_bad_setting_is_named() {
    for (variable, value, name) in [
        ("MENJIN__SERVER__PORT", "http", "server.port"),
        ("MENJIN__SERVER__PORT", "65536", "server.port"),
        ("MENJIN__SERVER__HOST", "localhost:1", "server.host"),
        ("MENJIN__SERVER__TRUSTED_PROXIES", "10.0.0.0/33", "server.trusted_proxies"),
        ("MENJIN__SERVER__WORKERS", "513", "server.workers"),
        ("MENJIN__SERVER__PUBLIC_URL", "site.example/auth", "server.public_url"),
        ("MENJIN__SERVER__PUBLIC_URL", "https://u:canary@site.example", "server.public_url"),
        ("MENJIN__SERVER__PUBLIC_URL", "https://site.example/?a=b", "server.public_url"),
        ("MENJIN__SERVER__PUBLIC_URL", "https:///auth", "server.public_url"),
        ("MENJIN__SERVER__PUBLIC_URL", "https://site.example:99999", "server.public_url"),
        ("MENJIN__SERVER__TLS__CHECK_EVERY", "0s", "server.tls.check_every"),
        ("MENJIN__SERVER__TLS__KEYS", "x", "server.tls.keys"),
        ("MENJIN__SERVER__HSTS", "for ever", "server.hsts"),
        ("MENJIN__MAIL__MODE", "smtp", "mail.from"),
        ("MENJIN__MAIL__MODE", "post", "mail.mode"),
        ("MENJIN__REGISTRATION__MODE", "shut", "registration.mode"),
        ("MENJIN__ACCOUNTS__EMAIL_CHANGE", "never", "accounts.email_change"),
        ("MENJIN__MAIL__FROM", "nobody", "mail.from"),
        ("MENJIN__MAIL__TEMPLATES", "nowhere", "mail.templates"),
        ("MENJIN__MAIL__RESET_TTL", "1m", "mail.reset_ttl"),
        ("MENJIN__MAIL__SMTP__TLS", "perhaps", "mail.smtp.tls"),
        ("MENJIN__MAIL__SMTP__PORT", "0", "mail.smtp.port"),
        (
            "MENJIN__REGISTRATION__REQUIRE_VERIFICATION",
            "always",
            "registration.require_verification",
        ),
        ("MENJIN__PASSKEYS__RP_ID", "https://app.example", "passkeys.rp_id"),
        ("MENJIN__PASSKEYS__RP_ID", "192.0.2.7", "passkeys.rp_id"),
        ("MENJIN__PASSKEYS__RP_ID", "App.example", "passkeys.rp_id"),
        // No page is there.
        ("MENJIN__PASSKEYS__RP_ID", "app.example", "passkeys.rp_id"),
        ("MENJIN__PASSKEYS__ORIGINS", "https://app.example", "passkeys.origins"),
        ("MENJIN__PASSKEYS__ORIGINS", "*", "passkeys.origins"),
        ("MENJIN__PAGES__NAME", "", "pages.name"),
        ("MENJIN__PAGES__FOLDER", "/nonexistent", "pages.folder"),
        ("MENJIN__PAGES__REDIRECT_ORIGINS", "*", "pages.redirect_origins"),
        ("MENJIN__PAGES__REDIRECT_ORIGINS", "https://app.example/back", "pages.redirect_origins"),
        ("MENJIN__CORS__ORIGINS", "null", "cors.origins"),
        ("MENJIN__CORS__ORIGINS", "app.example", "cors.origins"),
        ("MENJIN__CORS__ORIGINS", "https://app.example, https://app.example/page", "cors.origins"),
        ("MENJIN__CORS__ORIGINS", "https://*.example", "cors.origins"),
        ("MENJIN__CORS__ORIGINS", "*, https://app.example", "cors.origins"),
        ("MENJIN__CORS__MAX_AGE", "25h", "cors.max_age"),
        ("MENJIN_CORS_ORIGINS", "*", "MENJIN_CORS_ORIGINS"),
        ("MENJIN__SERVER__PROT", "80", "server.prot"),
        ("MENJIN__SREVER__PORT", "80", "srever"),
        ("MENJIN_SERVER_PORT", "80", "MENJIN_SERVER_PORT"),
        ("MENJIN_CACHE_API_ACCESS", "off", "MENJIN_CACHE_API_ACCESS"),
        ("MENJIN__LOG__FORMAT", "xml", "log.format"),
        ("MENJIN__METRICS__LISTEN", "9464", "metrics.listen"),
        ("MENJIN__DATABASE__URL", "mysql://u:canary@h/db", "database.url"),
        ("MENJIN__DATABASE__URL", "postgres://u:canary@h:port/db", "database.url"),
        ("MENJIN__DATABASE__URL", "postgres://u:canary@h/db?sslmode=canary", "database.url"),
        // Without a data folder there is no place to keep a generated secret in.
        ("MENJIN__DATABASE__URL", "postgres://u:canary@h/db", "auth.secret"),
        ("MENJIN__DATABASE__POOL_SIZE", "0", "database.pool_size"),
        ("MENJIN__DATABASE__ACQUIRE_TIMEOUT", "2s", "database.acquire_timeout"),
        ("MENJIN__DATABASE__STATEMENT_TIMEOUT", "3s", "database.statement_timeout"),
        ("MENJIN__DATABASE__PREPARED_STATEMENTS", "perhaps", "database.prepared_statements"),
        ("MENJIN__DATABASE__URL", "menjin.db", "database.url"),
        ("MENJIN__REDIS__URL", "redis://:canary@127.0.0.1:99999", "redis.url"),
        ("MENJIN__REDIS__URL", "http://:canary@127.0.0.1", "redis.url"),
        ("MENJIN__REDIS__MODE", "ring", "redis.mode"),
        ("MENJIN__AUTH__SECRET", "canary", "auth.secret"),
        ("MENJIN__AUTH__VERIFY_ONLY_SECRETS", "canary", "auth.verify_only_secrets"),
        ("MENJIN__AUTH__ACCESS_KEY", "canary", "auth.access_key"),
        ("MENJIN__AUTH__ACCESS_KEY", "-----BEGIN canary", "auth.access_key"),
        ("MENJIN__AUTH__VERIFY_ONLY_ACCESS_KEYS", "canary", "auth.verify_only_access_keys"),
        ("MENJIN__AUTH__VERIFY_ONLY_ACCESS_KEYS", "HS256", "auth.verify_only_access_keys"),
        ("MENJIN__AUTH__ACCESS_TTL", "30", "auth.access_ttl"),
        ("MENJIN__AUTH__ACCESS_TTL", "8d", "auth.access_ttl"),
        ("MENJIN__AUTH__REFRESH_TTL", "soon", "auth.refresh_ttl"),
        ("MENJIN__HASHING__COST", "3", "hashing.cost"),
        ("MENJIN__HASHING__ENGINE", "magic", "hashing.engine"),
        ("MENJIN__HASHING__LANES", "17", "hashing.lanes"),
        ("MENJIN__HASHING__MAX_WAIT", "0s", "hashing.max_wait"),
        ("MENJIN__HASHING__MAX_WAIT", "61s", "hashing.max_wait"),
        ("MENJIN__THROTTLE__ENABLED", "perhaps", "throttle.enabled"),
        ("MENJIN__THROTTLE__PER_CLIENT__MAX", "0", "throttle.per_client.max"),
        ("MENJIN__REGISTRATION__DEFAULT_ROLE", "admin", "registration.default_role"),
        ("MENJIN__CACHE_API__ACCESS", "everybody", "cache_api.access"),
        ("MENJIN__LOCALE__DEFAULT", "fr", "locale.default"),
        ("MENJIN__LOG__LEVEL", "a=b=c", "log.level"),
        ("MENJIN__PASSWORD__MIN_LENGTH", "129", "password.min_length"),
        ("MENJIN__AUDIT__QUEUE", "0", "audit.queue"),
        ("MENJIN__AUDIT__KEEP", "0s", "audit.keep"),
        ("MENJIN__AUDIT__KEEP", "999y", "audit.keep"),
        ("MENJIN__AUDIT__REFRESHES", "perhaps", "audit.refreshes"),
        ("MENJIN_AUDIT_KEEP", "1d", "MENJIN_AUDIT_KEEP"),
    ] {
        let (code, text) = complaint(&[(variable, value)], &[]);
        assert_eq!(code, Some(2), "{variable}={value}: {text}");
        assert!(text.contains(name), "{variable}={value} names {name}: {text}");
        assert!(!text.contains("canary"), "no secret is shown: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn metrics_need_an_address_of_their_own() {
    let variables =
        [("MENJIN__SERVER__PORT", "8000"), ("MENJIN__METRICS__LISTEN", "127.0.0.1:8000")];
    let (code, complaint) = complaint(&variables, &[]);
    assert_eq!(code, Some(2), "{complaint}");
    assert!(complaint.contains("`metrics.listen`"), "{complaint}");
}

#[test]
fn h6_credentials_are_not_for_everybody() {
    let variables = [("MENJIN__CORS__ORIGINS", "*"), ("MENJIN__CORS__CREDENTIALS", "true")];
    let (code, text) = complaint(&variables, &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("cors.credentials"), "{text}");
}

#[test]
fn settings_of_redis_count_once_there_is_a_url() {
    let url = ("MENJIN__REDIS__URL", "redis://menjin:canary@127.0.0.1:6379");
    for (variable, value, name) in [
        ("MENJIN__REDIS__MODE", "sentinel", "redis.nodes"),
        ("MENJIN__REDIS__NODES", "127.0.0.1:26379", "redis.nodes"),
        ("MENJIN__REDIS__NAMESPACE", "a b", "redis.namespace"),
        ("MENJIN__REDIS__POOL_SIZE", "0", "redis.pool_size"),
        ("MENJIN__REDIS__TIMEOUT", "3s", "redis.timeout"),
    ] {
        let (code, text) = complaint(&[url, (variable, value)], &[]);
        assert_eq!(code, Some(2), "{variable}={value}: {text}");
        assert!(text.contains(name) && !text.contains("canary"), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut check = command(MENJIN, folder.path());
    check.args(["config", "check"]).envs([url, ("MENJIN__REDIS__MODE", "sentinel")]);
    check.env("MENJIN__REDIS__NODES", "a:26379, redis://:canary@b:26379");
    let text = String::from_utf8(output(&mut check).stdout).unwrap();
    for line in [
        r#"url = "redis://menjin:***@127.0.0.1:6379""#,
        r#"nodes = ["a:26379", "redis://:***@b:26379"]"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
}

#[test]
fn s4_production_needs_a_secret_and_a_cost() {
    let secret = "0123456789abcdef0123456789abcdef";
    for (variables, name) in [
        (&[("MENJIN__HASHING__COST", "12")][..], "auth.secret"),
        (&[("MENJIN__HASHING__COST", "12"), ("MENJIN__AUTH__SECRET", "canary")], "auth.secret"),
        (&[("MENJIN__AUTH__SECRET", secret)], "hashing.cost"),
    ] {
        let (code, text) = complaint(variables, &["--env", "production"]);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.contains(name) && !text.contains("canary") && !text.contains(secret),
            "{text}"
        );
    }
}

#[test]
fn g7_no_cookie_goes_in_clear_in_production() {
    let production = [
        ("MENJIN__HASHING__COST", "12"),
        ("MENJIN__AUTH__SECRET", "0123456789abcdef0123456789abcdef"),
        ("MENJIN__PAGES__ACCOUNT", "true"),
    ];
    for (url, name) in [
        ("", "server.public_url"),
        ("http://accounts.example", "pages.account"),
        ("http://127.0.0.1.evil.example", "pages.account"),
    ] {
        let variables = [&production[..], &[("MENJIN__SERVER__PUBLIC_URL", url)]].concat();
        let (code, text) = complaint(&variables, &["--env", "production"]);
        assert!(code == Some(2) && text.contains(name), "{url}: {text}");
    }
    // On the machine itself there is nobody in between.
    let folder = tempfile::tempdir().unwrap();
    for url in ["http://localhost:8000", "http://[::1]:8000", "https://accounts.example/auth"] {
        let mut check = command(MENJIN, folder.path());
        check.args(["--env", "production", "config", "check"]).envs(production);
        let checked = output(check.env("MENJIN__SERVER__PUBLIC_URL", url));
        assert!(checked.status.success(), "{url}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn m5_settings_of_mail_that_contradict_each_other_stop_the_start() {
    let smtp = [
        ("MENJIN__MAIL__MODE", "smtp"),
        ("MENJIN__MAIL__FROM", "menjin@example.com"),
        ("MENJIN__MAIL__SMTP__HOST", "smtp.example.com"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&smtp[..], more].concat();
    let password = ("MENJIN__MAIL__SMTP__PASSWORD", "canary");
    for (variables, name) in [
        (with(&[password]), "mail.smtp.password"),
        (with(&[("MENJIN__MAIL__SMTP__USERNAME", "u")]), "mail.smtp.password"),
        (
            with(&[
                password,
                ("MENJIN__MAIL__SMTP__USERNAME", "u"),
                ("MENJIN__MAIL__SMTP__TLS", "none"),
            ]),
            "mail.smtp.tls",
        ),
        (with(&[("MENJIN__MAIL__SMTP__CA", "nowhere.pem")]), "mail.smtp.ca"),
        (
            vec![
                ("MENJIN__MAIL__MODE", "off"),
                ("MENJIN__REGISTRATION__REQUIRE_VERIFICATION", "login"),
            ],
            "registration.require_verification",
        ),
        (
            vec![("MENJIN__MAIL__MODE", "off"), ("MENJIN__ACCOUNTS__EMAIL_CHANGE", "confirm")],
            "accounts.email_change",
        ),
    ] {
        let (code, text) = complaint(&variables, &[]);
        assert_eq!(code, Some(2), "{variables:?}: {text}");
        assert!(text.contains(&format!("`{name}`")) && !text.contains("canary"), "{text}");
    }
    // K6: in production nobody guesses where links lead.
    let production = with(&[
        ("MENJIN__HASHING__COST", "12"),
        ("MENJIN__AUTH__SECRET", "0123456789abcdef0123456789abcdef"),
    ]);
    let (code, text) = complaint(&production, &["--env", "production"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("`server.public_url`"), "{text}");
}

#[test]
fn s4_a_secret_has_one_purpose() {
    let (canary, other) =
        ("canary-canary-canary-canary-canary", "0123456789abcdef0123456789abcdef");
    let (redis, postgres) = (format!("redis://:{canary}@h"), format!("postgres://u:{canary}@h/d"));
    let lists = [canary, &format!("{other}, {canary}"), &format!("{other},{other}")]
        .map(|list| ("MENJIN__AUTH__VERIFY_ONLY_SECRETS", list.to_owned(), "verify_only_secrets"));
    let urls = [
        ("MENJIN__DATABASE__URL", postgres, "auth.secret"),
        ("MENJIN__REDIS__URL", redis, "auth.secret"),
    ];
    for (variable, value, name) in lists.into_iter().chain(urls) {
        for environment in ["production", "development"] {
            let variables = [
                ("MENJIN__HASHING__COST", "12"),
                ("MENJIN__AUTH__SECRET", canary),
                (variable, value.as_str()),
            ];
            let (code, text) = complaint(&variables, &["--env", environment]);
            assert_eq!(code, Some(2), "{variable}: {text}");
            assert!(text.contains(name) && text.contains("twice"), "{variable}: {text}");
            assert!(!text.contains("canary") && !text.contains(other), "{text}");
        }
    }
}

#[test]
fn later_sources_win() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(
        config.join("local.toml"),
        "[auth]\naccess_ttl = \"1m\"\nrefresh_ttl = \"1h\"\n",
    )
    .unwrap();
    let mut command = command(MENJIN, folder.path());
    command.args(["config", "check", "--set", "auth.refresh_ttl=3h", "--port", "81"]);
    command.env("MENJIN__AUTH__REFRESH_TTL", "2h").env("MENJIN__AUTH__ISSUER", "school");
    let output = output(&mut command);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["access_ttl = \"1m\"", "refresh_ttl = \"3h\"", "issuer = \"school\"", "port = 81"]
    {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
}

#[test]
fn config_check_masks_secrets_and_prints_what_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut check = command(MENJIN, folder.path());
    check
        .args(["config", "check"])
        .env("MENJIN__AUTH__SECRET", "canary-canary-canary-canary-canary")
        .env("MENJIN__AUTH__VERIFY_ONLY_SECRETS", "canary-0-0123456789-0123456789-0123456789");
    let printed = output(&mut check);
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    let masked = ["secret = \"***\"", "verify_only_secrets = [\"***\"]"];
    assert!(masked.iter().all(|line| text.lines().any(|found| found == *line)), "{text}");
    assert!(!text.contains("canary"), "{text}");
    // Without the masked secrets, what was printed is a file of settings.
    let without = text.replace("\"***\"", "\"\"").replace("[\"\"]", "[]");
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("local.toml"), &without).unwrap();
    let again = output(command(MENJIN, folder.path()).args(["config", "check"]));
    // The remarks tell where each was written, which is another place now.
    let settings = |text: &str| -> Vec<_> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(settings(&String::from_utf8(again.stdout).unwrap()), settings(&without));
}

#[test]
fn a_broken_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("local.toml"), "[server\n").unwrap();
    let output = output(&mut command(MENJIN, folder.path()));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("local.toml"));
}

#[test]
fn variables_that_kubernetes_sets_are_let_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut check = command(MENJIN, folder.path());
    check.args(["config", "check"]).env("MENJIN__SERVER__TRUSTED_PROXIES", "192.0.2.1, 10.0.0.0/8");
    check.env("MENJIN_SERVICE_HOST", "10.0.0.1").env("MENJIN_PORT_8000_TCP", "tcp://10.0.0.1:8000");
    // Those of a service called menjin-redis.
    check.env("MENJIN_REDIS_PORT", "tcp://10.0.0.2:6379").env("MENJIN_REDIS_SERVICE_PORT", "6379");
    let output = output(&mut check);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r#"trusted_proxies = ["192.0.2.1/32", "10.0.0.0/8"]"#), "{text}");
}
