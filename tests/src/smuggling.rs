//! Requests that two servers could read differently. Each contains another request, which writes to
//! the cache. That one must not be executed, whatever proxy is in front.

use std::time::Duration;

use reqwest::Method;
use tokio::task::JoinSet;

use crate::client::{Client, Send as _};
use crate::raw;
use crate::servers::balancer::FORBIDDEN;

/// How long a proxy may take to answer: it may wait for more of the request.
const PATIENCE: Duration = Duration::from_millis(500);

/// A request that must be refused.
#[derive(Debug)]
pub struct Probe {
    /// What is wrong with it.
    pub name: &'static str,
    /// The bytes.
    pub request: Vec<u8>,
    key: String,
}

impl Probe {
    /// Whether this server executed the request inside.
    pub async fn got_through(&self, server: &Client) -> bool {
        match server.get(&self.key).await.status {
            404 => false,
            200 => true,
            status => panic!("{}: {status}", self.name),
        }
    }
}

/// Sends all of them to a proxy in front of this server. None may get through, and none may change
/// the order of another client's answers.
pub async fn pass_none(proxy: &str, server: &Client) {
    let mut probing = JoinSet::new();
    for probe in probes() {
        let (proxy, server) = (proxy.to_owned(), server.clone());
        probing.spawn(async move {
            let client = Client::new(&proxy);
            let request = probe.request.clone();
            let sent = move || raw::exchange(&proxy, &request, PATIENCE);
            let exchange = tokio::task::spawn_blocking(sent).await.unwrap();
            if probe.got_through(&server).await {
                return Some(format!("{}: the request inside was done: {exchange:?}", probe.name));
            }
            let id = probe.key.trim_start_matches('/').replace('/', "-");
            let next = client.request(Method::GET, "/health/live").header("x-request-id", &id);
            let next = next.answer().await;
            let in_order = next.status == 200 && next.header("x-request-id") == Some(&id);
            (!in_order).then(|| format!("{}: the next client gets {next}", probe.name))
        });
    }
    let faults: Vec<String> = probing.join_all().await.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// All of these requests.
pub fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    let mut add = |name, request: &dyn Fn(&str) -> String| {
        let key = format!("{FORBIDDEN}-{}", probes.len());
        let inside = format!(
            "POST {key} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: 14\r\n\r\n{{\"data\": {{}}  }}"
        );
        // Latin-1, so that any byte can be written as a character.
        let request = request(&inside).chars().map(|c| u8::try_from(c).unwrap()).collect();
        probes.push(Probe { name, request, key });
    };
    for (name, headers) in HEADERS {
        // As the end of a chunked body, as the end of a body with a length, or without a body
        // before it.
        add(name, &|inside| {
            let length = inside.len() + 5;
            let headers = headers.replace("LENGTH", &length.to_string());
            format!("{POST}\r\n{headers}\r\n\r\n0\r\n\r\n{inside}")
        });
    }
    for (name, host) in HOSTS {
        add(name, &|inside| format!("GET /health/live HTTP/1.1\r\n{host}\r\n{inside}"));
    }
    for (name, head) in LINES {
        add(name, &|inside| format!("{head}{inside}"));
    }
    for (name, body) in CHUNKS {
        add(name, &|inside| {
            format!("{POST}\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}{inside}")
        });
    }
    add("a chunk holds it, Content-Length another part", &|inside| {
        format!(
            "{POST}\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{inside}\r\n0\r\n\r\n",
            inside.len()
        )
    });
    probes
}

const POST: &str = "POST /api/v1/auth/refresh HTTP/1.1\r\nContent-Type: application/json";

/// Headers that say how long the body is.
const HEADERS: &[(&str, &str)] = &[
    ("both", "Host: x\r\nContent-Length: LENGTH\r\nTransfer-Encoding: chunked"),
    (
        "both, the other way round",
        "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: LENGTH",
    ),
    ("two lengths", "Host: x\r\nContent-Length: LENGTH\r\nContent-Length: 5"),
    ("two lengths, the shorter first", "Host: x\r\nContent-Length: 5\r\nContent-Length: LENGTH"),
    ("the same length twice", "Host: x\r\nContent-Length: LENGTH\r\nContent-Length: LENGTH"),
    ("a list of lengths", "Host: x\r\nContent-Length: 5, LENGTH"),
    ("a list of the same length", "Host: x\r\nContent-Length: 5, 5"),
    ("a length with a sign", "Host: x\r\nContent-Length: +5"),
    ("a negative length", "Host: x\r\nContent-Length: -5"),
    ("a hexadecimal length", "Host: x\r\nContent-Length: 0x5"),
    ("a length with a space", "Host: x\r\nContent-Length: 5 5"),
    ("a length with a point", "Host: x\r\nContent-Length: 5.0"),
    ("a length with an exponent", "Host: x\r\nContent-Length: 5e0"),
    ("no length", "Host: x\r\nContent-Length: "),
    ("a length beyond 64 bits", "Host: x\r\nContent-Length: 18446744073709551621"),
    ("a space before the colon", "Host: x\r\nContent-Length : 5"),
    ("a tab before the colon", "Host: x\r\nTransfer-Encoding\t: chunked"),
    ("an unknown coding", "Host: x\r\nTransfer-Encoding: xchunked"),
    (
        "an unknown coding and a length",
        "Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: xchunked",
    ),
    ("a coding after chunked", "Host: x\r\nTransfer-Encoding: chunked, identity"),
    ("a coding before chunked", "Host: x\r\nTransfer-Encoding: gzip, chunked"),
    ("chunked twice", "Host: x\r\nTransfer-Encoding: chunked, chunked"),
    ("identity", "Host: x\r\nTransfer-Encoding: identity"),
    ("identity and a length", "Host: x\r\nTransfer-Encoding: identity\r\nContent-Length: 5"),
    ("two codings", "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    (
        "two codings, the other way round",
        "Host: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ),
    (
        "the same coding twice",
        "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ),
    ("a vertical tab before the coding", "Host: x\r\nTransfer-Encoding: \u{b}chunked"),
    ("a NUL after the coding", "Host: x\r\nTransfer-Encoding: chunked\0"),
    ("a coding in quotes", "Host: x\r\nTransfer-Encoding: \"chunked\""),
    ("a no-break space before the coding", "Host: x\r\nTransfer-Encoding: \u{a0}chunked"),
    (
        "a coding after a folded line",
        "Host: x\r\nContent-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked",
    ),
    ("a folded coding", "Host: x\r\nTransfer-Encoding:\r\n chunked"),
    ("a folded length", "Host: x\r\nContent-Length:\r\n\t5"),
    ("a coding after CR alone", "Host: x\r\nContent-Length: 5\r\nX: y\rTransfer-Encoding: chunked"),
    ("a coding after LF alone", "Host: x\r\nContent-Length: 5\r\nX: y\nTransfer-Encoding: chunked"),
    ("a length after LF alone", "Host: x\r\nX: y\nContent-Length: 5"),
];

/// Headers that say which host is meant.
const HOSTS: &[(&str, &str)] = &[
    ("no host", ""),
    ("two hosts", "Host: x\r\nHost: y\r\n"),
    ("the same host twice", "Host: x\r\nHost: x\r\n"),
    ("a host with a space", "Host: a b\r\n"),
    ("a host with a path", "Host: a/b\r\n"),
    ("a host with a user", "Host: a@b\r\n"),
    ("a host with a query", "Host: a?b\r\n"),
    ("a host with a fragment", "Host: a#b\r\n"),
    ("a host with a back-slash", "Host: a\\b\r\n"),
    ("a host of other letters", "Host: \u{e9}\r\n"),
    ("two ports", "Host: a:1:2\r\n"),
    ("a port that is no number", "Host: a:b\r\n"),
    ("a port that there is not", "Host: a:65536\r\n"),
    ("half an address", "Host: [::1\r\n"),
    ("a space before the colon of the host", "Host : x\r\n"),
];

/// Lines with a wrong beginning or end.
const LINES: &[(&str, &str)] = &[
    ("LF alone", "GET /health/live HTTP/1.1\nHost: x\n\n"),
    ("LF alone after the first line", "GET /health/live HTTP/1.1\nHost: x\r\n\r\n"),
    ("LF alone after a header", "GET /health/live HTTP/1.1\r\nHost: x\n\r\n"),
    ("LF alone at the end", "GET /health/live HTTP/1.1\r\nHost: x\r\n\n"),
    ("CR alone", "GET /health/live HTTP/1.1\rHost: x\r\r"),
    ("CR alone in a value", "GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n"),
    ("CR twice", "GET /health/live HTTP/1.1\r\r\nHost: x\r\r\n\r\r\n"),
    ("a folded line", "GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n"),
    ("a line folded by a tab", "GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n\r\n"),
    ("a folded first header", "GET /health/live HTTP/1.1\r\n Host: x\r\n\r\n"),
    ("a header without a colon", "GET /health/live HTTP/1.1\r\nHost: x\r\nX\r\n\r\n"),
    ("a header without a name", "GET /health/live HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"),
    ("a NUL in a name", "GET /health/live HTTP/1.1\r\nHost: x\r\nX\0: y\r\n\r\n"),
    ("a NUL in a value", "GET /health/live HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n"),
    ("a control character in a value", "GET /health/live HTTP/1.1\r\nHost: x\r\nX: \u{1}\r\n\r\n"),
    ("a space in a name", "GET /health/live HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n"),
    ("a space first", " GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a tab between", "GET\t/health/live HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("two spaces", "GET  /health/live HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("words after the version", "GET /health/live HTTP/1.1 x\r\nHost: x\r\n\r\n"),
    ("no version", "GET /health/live\r\nHost: x\r\n\r\n"),
    ("another version", "GET /health/live HTTP/1.2\r\nHost: x\r\n\r\n"),
    ("a version of two digits", "GET /health/live HTTP/1.10\r\nHost: x\r\n\r\n"),
    (
        "chunks of HTTP/1.0",
        "POST /api/v1/auth/refresh HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
];

/// Bodies in invalid chunks.
const CHUNKS: &[(&str, &str)] = &[
    ("a chunk beyond 64 bits", "10000000000000005\r\n{}   \r\n0\r\n\r\n"),
    ("a chunk far beyond 64 bits", "FFFFFFFFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"),
    ("a chunk with a sign", "+2\r\n{}\r\n0\r\n\r\n"),
    ("a negative chunk", "-2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk with a prefix", "0x2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk with an underscore", "0_2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk of two numbers", "2 2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk of no number", "\r\n{}\r\n0\r\n\r\n"),
    ("a chunk of letters", "zz\r\n{}\r\n0\r\n\r\n"),
    ("LF alone after a size", "2\n{}\r\n0\r\n\r\n"),
    ("CR alone after a size", "2\r{}\r\n0\r\n\r\n"),
    ("LF alone after an extension", "2;x\n{}\r\n0\r\n\r\n"),
    ("LF alone in an extension", "2;x\ny\r\n{}\r\n0\r\n\r\n"),
    ("LF alone after a chunk", "2\r\n{}\n0\r\n\r\n"),
    ("a chunk longer than it says", "2\r\n{}garbage\r\n0\r\n\r\n"),
    ("a chunk shorter than it says", "9\r\n{}\r\n0\r\n\r\n\r\n"),
    ("a chunk without an end", "2\r\n{}0\r\n\r\n"),
    ("LF alone after the last", "2\r\n{}\r\n0\n\n"),
    ("LF alone at the end", "2\r\n{}\r\n0\r\n\n"),
];
