//! What operators write that does not do what it says, and what they are told.

use std::path::Path;
use std::process::Output;

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output, output_given};
use serde_json::json;

use crate::MENJIN;

/// Runs `menjin` in this folder with these variables and arguments.
fn run(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, Output) {
    let mut command = command(MENJIN, folder);
    let output = output(command.args(arguments).envs(variables.iter().copied()));
    (output.status.code(), output)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Starts it with settings that must be refused. Returns the complaint.
fn refused(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    // A start that is not refused would go on for ever: this only checks.
    let arguments = [arguments, &["config", "check"]].concat();
    let (code, output) = run(folder, variables, &arguments);
    let complaint = text(&output.stderr);
    assert_eq!(code, Some(2), "{variables:?} {arguments:?}: {complaint}{}", text(&output.stdout));
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(!complaint.contains("canary"), "no secret is shown: {complaint}");
    complaint
}

/// The settings that hold.
fn checked(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let arguments = [arguments, &["config", "check"]].concat();
    let (code, output) = run(folder, variables, &arguments);
    assert_eq!(code, Some(0), "{variables:?} {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn j11_variables_that_nearly_name_a_setting_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (variable, meant) in [
        ("MENJIN_METRICS_LISTEN", "MENJIN__METRICS__LISTEN"),
        ("menjin__server__port", "MENJIN__SERVER__PORT"),
        ("Menjin__Server__Port", "MENJIN__SERVER__PORT"),
        ("MENJIN_SERVER__PORT", "MENJIN__SERVER__PORT"),
        ("MENJIN__SERVER_PORT", "MENJIN__SERVER__PORT"),
        ("MENJIN___SERVER__PORT", "MENJIN__SERVER__PORT"),
        ("MENJIN__SERVER___PORT", "MENJIN__SERVER__PORT"),
        ("MENJIN__SERVER__PROT", "MENJIN__SERVER__PORT"),
        ("MENJIN_PORT", "MENJIN__SERVER__PORT"),
        ("MENJN__SERVER__PORT", "MENJIN__SERVER__PORT"),
        ("menjin.server.port", "MENJIN__SERVER__PORT"),
        ("MENJIN-SERVER-PORT", "MENJIN__SERVER__PORT"),
        ("MENJIN_SECRET", "MENJIN__AUTH__SECRET"),
        ("MENJIN_AUTH_SECRET", "MENJIN__AUTH__SECRET"),
        ("MENJIN_THROTTLE_PER_CLIENT_MAX", "MENJIN__THROTTLE__PER_CLIENT__MAX"),
        ("MENJIN__DATABSE__URL", "MENJIN__DATABASE__URL"),
        ("MENJIN_LOG", "MENJIN__SECTION__KEY"),
        ("MENJIN_ENVIRONMENT", "MENJIN_ENV"),
        ("menjin_env", "MENJIN_ENV"),
        ("MENJIN__ENV", "MENJIN_ENV"),
        ("MENJIN_CONFG", "MENJIN_CONFIG"),
    ] {
        let complaint = refused(folder.path(), &[(variable, "1")], &[]);
        assert!(complaint.contains(meant), "{variable} means {meant}: {complaint}");
    }
    let both = [("MENJIN__SERVER__port", "81"), ("MENJIN__SERVER__PORT", "82")];
    assert!(refused(folder.path(), &both, &[]).contains("MENJIN__SERVER__"));
    // What resembles no setting is somebody else's.
    for free in ["MENJIN_IMAGE", "MENJIN_TEST_DATABASE_URL", "MENJIN_HOME", "SERVER__PORT"] {
        checked(folder.path(), &[(free, "x")], &[]);
    }
    checked(folder.path(), &[("MENJIN_PORT", "tcp://10.0.0.1:8000")], &[]);
}

#[test]
fn j11_every_section_is_known_by_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let default: toml::Table = include_str!("../../../config/default.toml").parse().unwrap();
    assert!(default.len() > 10);
    for section in default.keys() {
        let variable = format!("MENJIN_{}_ANYTHING", section.to_uppercase());
        let complaint = refused(folder.path(), &[(&variable, "1")], &[]);
        assert!(complaint.contains(&variable), "{complaint}");
    }
}

#[test]
fn j11_a_level_that_is_none_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (level, help) in [
        ("warning", "write warn"),
        ("WARNING", "write warn"),
        ("verbose", "write trace"),
        ("fatal", "write error"),
        ("nothing", "error, warn, info"),
        ("", "error, warn, info"),
        ("menjin_api", "CRATE=LEVEL"),
        ("info,menjin_apy=debug", "menjin_apy"),
        ("info,menjin_api=warning", "no level"),
        ("info;menjin_api=debug", "nothing here logs"),
        ("warn=info", "nothing here logs"),
    ] {
        let complaint = refused(folder.path(), &[("MENJIN__LOG__LEVEL", level)], &[]);
        assert!(complaint.contains("log.level") && complaint.contains(help), "{complaint}");
    }
    for level in ["WARN", "off", "info, menjin_api=debug", "warn,h2=info", "info,[request]=trace"] {
        checked(folder.path(), &[("MENJIN__LOG__LEVEL", level)], &[]);
    }
}

#[test]
fn j11_a_folder_of_settings_that_is_named_is_there_and_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(folder.path().join("etc/menjin.toml"), "").unwrap();
    std::fs::write(folder.path().join("plain"), "").unwrap();
    for (named, help) in [("nowhere", "not there"), ("plain", "file"), ("etc", "menjin.toml")] {
        for given in [&["--config", named][..], &[]] {
            let variables = [("MENJIN_CONFIG", named)];
            let variables = if given.is_empty() { &variables[..] } else { &[] };
            let complaint = refused(folder.path(), variables, given);
            assert!(complaint.contains("--config") && complaint.contains(help), "{complaint}");
        }
    }
    std::fs::remove_file(folder.path().join("etc/menjin.toml")).unwrap();
    checked(folder.path(), &[], &["--config", "etc"]);
    std::os::unix::fs::symlink("nowhere.toml", folder.path().join("etc/local.toml")).unwrap();
    assert!(refused(folder.path(), &[], &["--config", "etc"]).contains("local.toml"));
}

#[test]
fn j11_urls_that_would_name_a_strange_file_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    for (url, help) in [
        ("sqlite://:memory:", "memory"),
        ("sqlite::memory:", "sqlite://PATH"),
        ("sqlite://file::memory:?cache=shared", "memory"),
        ("sqlite://data/menjin.db?mode=rwc", "parameters"),
        ("sqlite://data/menjin.db#main", "parameters"),
        ("sqlite://file:menjin.db", "file:"),
        ("sqlite://~/menjin.db", "whole path"),
        ("sqlite://$HOME/menjin.db", "whole path"),
        ("sqlite://data/my%20accounts.db", "escapes"),
        ("sqlite://data/", "folder"),
        ("sqlite://data", "folder"),
        ("sqlite://", "path"),
        ("sqlite://data/menjin.db\r", "carriage return"),
        ("postgres://u:canary@h/d\r", "carriage return"),
        ("postgres://u:canary@h/d\r\n", "carriage return"),
        ("\"sqlite://data/menjin.db\"", "quotation marks"),
        ("'sqlite://data/menjin.db'", "quotation marks"),
        ("sqlite://data/${NAME}.db", "${NAME}"),
        ("postgres://u:${CANARY:-canary}@h/d", "${NAME}"),
        ("sqlite://data/a\nb.db", "control characters"),
    ] {
        let complaint = refused(folder.path(), &[("MENJIN__DATABASE__URL", url)], &[]);
        assert!(complaint.contains("`database.url`"), "{complaint}");
        assert!(complaint.contains(help), "{url:?} is answered with {help}: {complaint}");
        assert!(complaint.contains("MENJIN__DATABASE__URL"), "{complaint}");
    }
    for (variable, value) in [
        ("MENJIN__AUTH__ISSUER", "menjin\r"),
        ("MENJIN__AUTH__SECRET", "canary-canary-canary-canary-canary\r"),
        ("MENJIN__REDIS__URL", "redis://:canary@h\r"),
        ("MENJIN__CORS__ORIGINS", "https://app.example\r"),
        ("MENJIN__AUTH__AUDIENCE", "'school'"),
    ] {
        refused(folder.path(), &[(variable, value)], &[]);
    }
}

#[test]
fn j11_values_of_another_kind_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (variable, value) in [
        ("MENJIN__SERVER__PORT", "on"),
        ("MENJIN__SERVER__WORKERS", "off"),
        ("MENJIN__SERVER__PORT", "8000.6"),
        ("MENJIN__THROTTLE__PER_CLIENT", "5"),
        ("MENJIN__THROTTLE__ENABLED", "enabled"),
        ("MENJIN__ACCESS_TTL", "5m"),
        ("MENJIN__REDIS__MODE", "sentinel"),
        ("MENJIN__REDIS__NODES", "a:26379"),
        ("MENJIN__TIDY__EVERY", "30M"),
    ] {
        let complaint = refused(folder.path(), &[(variable, value)], &[]);
        assert!(complaint.contains(variable), "{complaint}");
    }
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    for (file, name) in [
        ("[server]\nport = 8000.6", "server.port"),
        ("[server]\nport = true", "server.port"),
        ("[server]\nprot = 1", "server.port"),
        ("[Server]\nport = 1", "server.port"),
        ("[srever]", "srever"),
        ("server = 1", "server"),
        ("[throttle]\nenabled = 5", "throttle.enabled"),
        ("[auth]\nissuer = true", "auth.issuer"),
        ("[cors]\norigins = true", "cors.origins"),
    ] {
        std::fs::write(config.join("local.toml"), file).unwrap();
        let complaint = refused(folder.path(), &[], &[]);
        assert!(complaint.contains(name) && complaint.contains("local.toml"), "{complaint}");
    }
}

#[test]
fn j14_texts_are_taken_or_answered_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    for (setting, help) in [
        ("auth.access_ttl=1800", "1800s"),
        ("auth.access_ttl=1800", "30m"),
        ("auth.refresh_grace=0", "0s"),
        ("auth.access_ttl=half an hour", "30s, 15m, 24h or 7d"),
        ("auth.access_ttl=1h30", "30s, 15m, 24h or 7d"),
        ("tidy.every=30M", "30m"),
        ("server.host=menjin.example", "0.0.0.0"),
        ("server.host=*", "0.0.0.0"),
        ("server.host=127.0.0.1:80", "server.port"),
        ("server.host=http://127.0.0.1", "127.0.0.1"),
        ("server.port=65536", "65535"),
        ("server.port=-1", "65535"),
        ("server.port=http", "a whole number, such as 8000"),
        ("server.workers=-1", "negative"),
        ("metrics.listen=9464", "127.0.0.1:9464"),
        ("metrics.listen=:9464", "127.0.0.1:9464"),
        ("throttle.enabled=maybe", "true or false"),
        ("log.format=xml", "json"),
        ("redis.mode=ring", "sentinel"),
        ("hashing.engine=magic", "lanes"),
        ("cache_api.access=everybody", "authenticated"),
        ("locale.default=fr", "zh-CN"),
        ("registration.default_role=pupil", "[roles.NAME]"),
        ("cors.origins=app.example", "https://"),
    ] {
        let complaint = refused(folder.path(), &[], &["--set", setting]);
        let name = setting.split('=').next().unwrap();
        assert!(complaint.contains(name) && complaint.contains(help), "{setting}: {complaint}");
    }
    for (setting, shown) in [
        ("server.host=localhost", "host = \"127.0.0.1\""),
        ("server.host=[::1]", "host = \"::1\""),
        ("metrics.listen=localhost:9464", "listen = \"127.0.0.1:9464\""),
        ("throttle.enabled=no", "enabled = false"),
        ("server.port= 81", "port = 81"),
    ] {
        let shows = checked(folder.path(), &[], &["--set", setting]);
        assert!(shows.lines().any(|line| line == shown), "{setting}: {shows}");
    }
}

#[test]
fn j14_a_day_is_a_time() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &[], &["migrate"]).0, Some(0));
    for day in ["2026-11-01", "2026-11-01T08:00:00+08:00"] {
        let arguments = ["audit", "export", "--since", day, "--until", day];
        let (code, output) = run(folder.path(), &[], &arguments);
        assert_eq!(code, Some(0), "{}", text(&output.stderr));
    }
    for nothing in ["yesterday", "2026-13-01", "01.11.2026", "2026-11-01 08:00"] {
        let (code, output) = run(folder.path(), &[], &["audit", "export", "--since", nothing]);
        assert_eq!(code, Some(2));
        assert!(text(&output.stderr).contains("2026-01-31T08:00:00Z"), "{}", text(&output.stderr));
    }
}

#[test]
fn j27_config_check_says_what_it_read_and_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(
        config.join("local.toml"),
        "[auth]\naccess_ttl = \"90m\"\nissuer = \"menjin\"\n",
    )
    .unwrap();
    let variables = [
        ("MENJIN__AUTH__REFRESH_TTL", "14d"),
        ("MENJIN__AUTH__SECRET", "canary-canary-canary-canary-canary"),
    ];
    let shown = checked(folder.path(), &variables, &["--port", "81"]);
    let lines: Vec<_> = shown.lines().collect();
    let above = |line: &str| {
        let at = lines.iter().position(|found| *found == line);
        lines[at.unwrap_or_else(|| panic!("{line} in:\n{shown}")) - 1]
    };
    let heading = lines.iter().take(4).copied().collect::<Vec<_>>().join("\n");
    for source in [
        "config/local.toml",
        "MENJIN__AUTH__REFRESH_TTL",
        "MENJIN__AUTH__SECRET",
        "the command line",
        "not there: config/default.toml",
    ] {
        assert!(heading.contains(source), "{source} in:\n{heading}");
    }
    assert_eq!(above("access_ttl = \"90m\""), "# by config/local.toml; the default is \"30m\"");
    let mark = "# by MENJIN__AUTH__REFRESH_TTL; the default is \"7d\"";
    assert_eq!(above("refresh_ttl = \"14d\""), mark);
    assert_eq!(above("port = 81"), "# by the command line; the default is 8000");
    assert_eq!(above("secret = \"***\""), "# by MENJIN__AUTH__SECRET; the default is \"\"");
    // What is written as the default has it does not differ.
    assert!(!above("issuer = \"menjin\"").starts_with('#'), "{shown}");
    // Durations are as they are written.
    for line in ["keep = \"365d\"", "window = \"24h\"", "statement_timeout = \"2500ms\""] {
        assert!(lines.contains(&line), "{line} in:\n{shown}");
    }
    assert!(!shown.contains("canary"), "{shown}");
    let production = checked(
        folder.path(),
        &[variables[1], ("MENJIN__HASHING__COST", "12")],
        &["--env", "production"],
    );
    assert!(production.contains("# by production.toml in the binary; the default is \"0s\""));
}

#[test]
fn j27_config_defaults_prints_the_file_with_its_comments() {
    let folder = tempfile::tempdir().unwrap();
    let broken = [("MENJIN__SERVER__PORT", "x")];
    let (code, output) = run(folder.path(), &broken, &["config", "defaults"]);
    assert_eq!(code, Some(0));
    assert_eq!(text(&output.stdout), include_str!("../../../config/default.toml"));
    let arguments = ["config", "defaults", "--env", "production"];
    let (_, output) = run(folder.path(), &[], &arguments);
    assert_eq!(text(&output.stdout), include_str!("../../../config/production.toml"));
}

const SECRET: &str = "canary-0123456789-0123456789-0123456789";

#[test]
fn j12_secrets_and_urls_are_read_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("url", "sqlite://elsewhere/menjin.db\n");
    write("secret", &format!("{SECRET}\r\n"));
    write("others", &format!("{SECRET}-1\n{SECRET}-2\n"));
    write("redis", "redis://:canary@h:1\n");
    let shown = checked(
        folder.path(),
        &[
            ("MENJIN__DATABASE__URL_FILE", "url"),
            ("MENJIN__AUTH__SECRET_FILE", "secret"),
            ("MENJIN__AUTH__VERIFY_ONLY_SECRETS_FILE", "others"),
            ("MENJIN__REDIS__URL_FILE", "redis"),
        ],
        &[],
    );
    for line in [
        "url = \"sqlite://elsewhere/menjin.db\"",
        "secret = \"***\"",
        "verify_only_secrets = [\"***\", \"***\"]",
        "url = \"redis://:***@h:1\"",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line} in:\n{shown}");
    }
    assert!(!shown.contains("canary"), "{shown}");
    // Files of settings and flags have this form too.
    std::fs::create_dir(folder.path().join("config")).unwrap();
    write("config/local.toml", "[auth]\nsecret_file = \"secret\"\n");
    let shown = checked(folder.path(), &[], &["--set", "database.url_file=url"]);
    assert!(shown.contains("secret = \"***\"") && shown.contains("elsewhere"), "{shown}");
    let both = [("MENJIN__AUTH__SECRET", SECRET)];
    let complaint = refused(folder.path(), &both, &[]);
    for part in ["auth.secret_file", "local.toml", "MENJIN__AUTH__SECRET"] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
}

#[test]
fn j12_a_secret_whose_file_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    std::fs::write(folder.path().join("bytes"), [0xff, 0xfe]).unwrap();
    std::fs::write(folder.path().join("two"), "sqlite://canary\nsqlite://b\n").unwrap();
    std::fs::write(folder.path().join("short"), "canary\n").unwrap();
    for (variable, path, name) in [
        ("MENJIN__AUTH__SECRET_FILE", "nowhere", "auth.secret_file"),
        ("MENJIN__AUTH__SECRET_FILE", "", "auth.secret_file"),
        ("MENJIN__AUTH__SECRET_FILE", ".", "auth.secret_file"),
        ("MENJIN__AUTH__SECRET_FILE", "empty", "auth.secret_file"),
        ("MENJIN__AUTH__SECRET_FILE", "bytes", "auth.secret_file"),
        ("MENJIN__AUTH__SECRET_FILE", "short", "auth.secret"),
        ("MENJIN__DATABASE__URL_FILE", "two", "database.url"),
        ("MENJIN__SERVER__PORT_FILE", "short", "server.port_file"),
        ("MENJIN__SERVER__TLS__KEY_FILE", "short", "server.tls.key_file"),
    ] {
        let complaint = refused(folder.path(), &[(variable, path)], &[]);
        assert!(complaint.contains(name), "{complaint}");
    }
    let both = [("MENJIN__AUTH__SECRET", SECRET), ("MENJIN__AUTH__SECRET_FILE", "short")];
    assert!(refused(folder.path(), &both, &[]).contains("MENJIN__AUTH__SECRET_FILE"));
}

#[test]
fn j12_a_pem_may_be_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = run(folder.path(), &[], &["keys", "generate"]);
    let pem = text(&key.stdout);
    let (_, other) = run(folder.path(), &[], &["keys", "generate", "--algorithm", "es256"]);
    let line = pem.replace('\n', "\\n");
    let other = text(&other.stdout).replace('\n', "\\r\\n");
    std::fs::write(folder.path().join("key"), &line).unwrap();
    std::fs::write(folder.path().join("keys"), text(&key.stdout) + &other).unwrap();
    for variables in [
        &[("MENJIN__AUTH__ACCESS_KEY", pem.as_str())][..],
        &[("MENJIN__AUTH__ACCESS_KEY", line.as_str())],
        &[("MENJIN__AUTH__ACCESS_KEY", "key")],
        &[("MENJIN__AUTH__ACCESS_KEY_FILE", "key")],
        &[
            ("MENJIN__AUTH__ACCESS_KEY", line.as_str()),
            ("MENJIN__AUTH__VERIFY_ONLY_ACCESS_KEYS", other.as_str()),
        ],
        &[("MENJIN__AUTH__VERIFY_ONLY_ACCESS_KEYS_FILE", "keys")],
    ] {
        let shown = checked(folder.path(), variables, &[]);
        assert!(!shown.contains("PRIVATE"), "{shown}");
    }
}

#[test]
fn j13_an_administrator_is_not_made_in_a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    let create = |more: &[&str]| {
        let mut create = command(MENJIN, folder.path());
        create.args(["admin", "create", "--password-stdin", "--username", "root"]);
        create.args(["--email", "root@example.com"]).args(more);
        output_given(&mut create, "correct horse battery\n")
    };
    let refused = create(&[]);
    let complaint = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{complaint}");
    let place = folder.path().join("data/menjin.db");
    for part in [place.to_str().unwrap(), "--new-database", "folder where the server"] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
    let made = create(&["--new-database"]);
    assert!(made.status.success() && text(&made.stderr).contains(place.to_str().unwrap()));
    // Of its own: what is there already, and that it may be.
    let again = create(&[]);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again.stderr));
    assert!(text(&again.stderr).contains(place.to_str().unwrap()));
    let absent = create(&["--if-absent"]);
    assert_eq!(absent.status.code(), Some(0), "{}", text(&absent.stderr));
    assert_eq!(text(&absent.stdout), "there is an administrator root already\n");
}

/// Reads a terminal until this text is there.
fn read_until(terminal: &mut std::fs::File, seen: &mut String, text: &str) {
    use std::io::Read as _;
    let mut buffer = [0; 4096];
    while !seen.contains(text) {
        let read = terminal.read(&mut buffer).unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

/// A server on a terminal of its own.
fn on_terminal(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> OnTerminal {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let other = std::fs::File::options().read(true).write(true).open(name.to_str().unwrap());
    let mut command = command(MENJIN, folder);
    command.args(arguments).envs(variables.iter().copied()).stderr(other.unwrap());
    OnTerminal { child: command.spawn().unwrap(), terminal: terminal.into(), seen: String::new() }
}

struct OnTerminal {
    child: std::process::Child,
    terminal: std::fs::File,
    seen: String,
}

impl OnTerminal {
    fn banner(&mut self) -> String {
        read_until(&mut self.terminal, &mut self.seen, "Ctrl-C");
        std::mem::take(&mut self.seen)
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn url_in(banner: &str) -> String {
    let line = banner.lines().find(|line| line.contains("listens on")).unwrap();
    line.trim().rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn j26_the_first_screen_says_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let database = "database.url=sqlite://my data/x.db";
    let start = |path: &Path| on_terminal(path, &["--set", database], &[("NO_COLOR", "1")]);
    let mut server = start(&path);
    let banner = server.banner();
    let url = url_in(&banner);
    let place = path.join("my data/x.db");
    for part in [
        &format!("{url}/docs"),
        &format!("{url}/account"),
        &format!("{url}/console"),
        &format!("{url}/dev/mail"),
        place.to_str().unwrap(),
        "no account yet",
        "/api/v1/auth/register",
        "--set 'database.url=sqlite://my data/x.db' admin create",
        "MENJIN__HASHING__COST",
    ] {
        assert!(banner.contains(part), "{part} in {banner}");
    }
    for noise in ["actix", "measured", "worker", "INFO"] {
        assert!(!banner.contains(noise), "{noise} in {banner}");
    }
    let client = Client::new(&url);
    let mike = json!({"username": "mike", "email": "m@example.com", "password": "password123"});
    assert_eq!(client.post("/api/v1/auth/register", &mike).await.status, 201);
    client.log_in("mike", "password123").await;
    read_until(&mut server.terminal, &mut server.seen, "/auth/login");
    read_until(&mut server.terminal, &mut server.seen, "127.0.0.1");
    let lines: Vec<_> = server.seen.lines().filter(|line| line.contains("/api/")).collect();
    assert!(!server.seen.contains('\u{1b}'), "{:?}", server.seen);
    let words: Vec<_> = lines[0].split(' ').collect();
    assert_eq!(words[1..4], ["POST", "/api/v1/auth/register", "201"], "{lines:?}");
    assert_eq!((words[5], words[6], words.len()), ("ms", "127.0.0.1", 8), "{lines:?}");
    assert!(words[0].len() == 8 && words[7].len() == 8, "{lines:?}");
    assert!(!server.seen.contains("login_succeeded"), "{}", server.seen);
    drop(server);
    let mut server = start(&path);
    let banner = server.banner();
    assert!(banner.contains("no administrator yet") && !banner.contains("register"), "{banner}");
    let mut create = command(MENJIN, &path);
    create.args(["--set", database, "admin", "create", "--password-stdin"]);
    create.args(["--username", "root", "--email", "root@example.com"]);
    assert!(output_given(&mut create, "correct horse battery").status.success());
    drop(server);
    let closed = path.join("closed");
    std::fs::create_dir(&closed).unwrap();
    let variables = [("NO_COLOR", "1"), ("MENJIN__MAIL__MODE", "off")];
    let banner = on_terminal(&closed, &["--set", "registration.mode=closed"], &variables).banner();
    assert!(banner.contains("no administrator yet"), "{banner}");
    assert!(!banner.contains("register") && !banner.contains("/dev/mail"), "{banner}");
    let banner = start(&path).banner();
    assert!(!banner.contains("yet") && !banner.contains("admin create"), "{banner}");
}

/// Sends a request on a connection, and reads the beginning of its answer.
fn ask(connection: &mut std::net::TcpStream) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    connection.write_all(b"GET /health/live HTTP/1.1\r\nHost: menjin\r\n\r\n")?;
    let mut answer = [0; 2048];
    let read = connection.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

#[test]
fn j07_connections_are_bounded_and_files_suffice() {
    use std::net::TcpStream;
    use std::time::Duration;
    let folder = tempfile::tempdir().unwrap();
    let mut few = command(MENJIN, folder.path());
    few.env("MENJIN__SERVER__MAX_CONNECTIONS", "2").env("MENJIN__SERVER__WORKERS", "1");
    let server = Server::start(&mut few);
    let address = server.url.trim_start_matches("http://").to_owned();
    let connect = || TcpStream::connect(&address).unwrap();
    let mut first = connect();
    let mut second = connect();
    assert!(ask(&mut first).unwrap().contains(" 200 "));
    assert!(ask(&mut second).unwrap().contains(" 200 "));
    let mut third = connect();
    third.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(ask(&mut third).is_err(), "a third connection is not served");
    drop(first);
    third.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 64];
    let read = std::io::Read::read(&mut third, &mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).contains(" 200 "), "now it is");
    drop(server);
    // A shell that allows few open files.
    let script = format!("ulimit -Sn 64; exec {MENJIN}");
    let mut low = command("sh", folder.path());
    let server = Server::start(low.args(["-c", &script]));
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut connections: Vec<_> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for connection in &mut connections {
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert!(ask(connection).unwrap().contains(" 200 "));
    }
}

#[test]
fn j29_help_begins_with_the_commands_own_options_and_has_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for (command, own) in [
        (&["serve"][..], None),
        (&["migrate"], None),
        (&["transfer"], Some("--from")),
        (&["admin", "create"], Some("--username")),
        (&["keys", "generate"], Some("--algorithm")),
        (&["audit", "export"], Some("--since")),
        (&["config", "check"], None),
        (&["config", "defaults"], None),
        (&["users", "list"], Some("--search")),
        (&["users", "create"], Some("--if-absent")),
        (&["users", "ban"], Some("--until")),
        (&["completions"], None),
        (&["man"], None),
    ] {
        for flag in ["--help", "-h"] {
            let (_, output) = run(folder.path(), &[], &[command, &[flag]].concat());
            let help = text(&output.stdout);
            let at = |part: &str| help.find(part).unwrap_or_else(|| panic!("{part} in {help}"));
            let shared = at("--config");
            assert!(own.is_none_or(|own| at(own) < shared), "{help}");
            assert!(at("\nExample") > shared, "{help}");
        }
    }
}

#[test]
fn j29_options_that_a_command_ignores_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["migrate", "--port", "1"][..],
        &["--host", "127.0.0.1", "migrate"],
        &["audit", "export", "--port", "1"],
        &["admin", "create", "--username", "a", "--email", "a@b.example", "--port", "1"],
        &["keys", "generate", "--set", "server.port=1"],
        &["config", "defaults", "--port", "1"],
        &["completions", "bash", "--set", "server.port=1"],
        &["man", "pages", "--port", "1"],
    ] {
        let (code, output) = run(folder.path(), &[], arguments);
        let complaint = text(&output.stderr);
        assert_eq!(code, Some(2), "{arguments:?}: {complaint}");
        assert!(complaint.contains("has no effect on this command"), "{complaint}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
