//! Load balancers in front of replicas.

use std::fs;

use crate::listening::{Listening, dying_with_this_process, system_program};

/// What the paths begin with that the balancers refuse: what is asked for there is smuggled.
pub const FORBIDDEN: &str = "/cache/smuggled";

/// The path prefix below which nginx serves the same, and which it takes off.
pub const PREFIX: &str = "/auth";

/// The path prefix of an application that nginx lets nobody to who is not logged in.
pub const GUARDED: &str = "/app";

/// A load balancer that sends each request to the next of some servers, passes over those that are
/// down, and says for whom it asks. It refuses what begins with [`FORBIDDEN`].
pub struct LoadBalancer {
    /// Where it listens, as `http://127.0.0.1:…`.
    pub url: String,
    _server: Listening,
}

/// A name, and what starts one before some servers (`http://…`).
pub type Make = (&'static str, fn(&[&str]) -> LoadBalancer);

impl LoadBalancer {
    /// One of each make.
    pub const MAKES: [Make; 2] = [("haproxy", Self::haproxy), ("nginx", Self::nginx)];

    /// `HAProxy` before these servers (`http://…`). It asks them whether they are ready.
    pub fn haproxy(servers: &[&str]) -> Self {
        let backends = each(servers, |n, server| format!("server s{n} {server} check inter 200ms"));
        Self::of(Listening::start(|port, folder| {
            let configuration = format!(
                "defaults\n\
                 mode http\n\
                 timeout connect 2s\n\
                 timeout client 20s\n\
                 timeout server 20s\n\
                 timeout check 4s\n\
                 option forwardfor\n\
                 listen menjin\n\
                 bind 127.0.0.1:{port}\n\
                 balance roundrobin\n\
                 http-request deny if {{ path_beg {FORBIDDEN} }}\n\
                 option httpchk GET /health/ready\n\
                 {backends}\n"
            );
            let file = folder.join("haproxy.cfg");
            fs::write(&file, configuration).unwrap();
            let mut command = dying_with_this_process(system_program("haproxy"));
            command.args(["-db", "-f"]).arg(file);
            command
        }))
    }

    /// nginx before these servers (`http://…`). It finds out by trying which are down.
    pub fn nginx(servers: &[&str]) -> Self {
        let backends = each(servers, |_, server| format!("server {server} fail_timeout=1s;"));
        Self::of(Listening::start(|port, folder| {
            let place = folder.display();
            // One process: there is no worker that would outlive it.
            let configuration = format!(
                "daemon off;
                master_process off;
                pid {place}/pid;
                error_log stderr;
                events {{ worker_connections 1024; }}
                http {{
                    access_log off;
                    client_body_temp_path {place}/body;
                    proxy_temp_path {place}/proxy;
                    fastcgi_temp_path {place}/fastcgi;
                    uwsgi_temp_path {place}/uwsgi;
                    scgi_temp_path {place}/scgi;
                    upstream menjin {{ {backends} keepalive 16; }}
                    server {{
                        listen 127.0.0.1:{port};
                        location {FORBIDDEN} {{ return 403; }}
                        proxy_http_version 1.1;
                        proxy_set_header Connection '';
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_connect_timeout 2s;
                        proxy_read_timeout 20s;
                        location / {{ proxy_pass http://menjin; }}
                        location {PREFIX}/ {{ proxy_pass http://menjin/; }}
                        location {GUARDED}/ {{
                            auth_request /check;
                            auth_request_set $user $upstream_http_x_menjin_user;
                            add_header X-Seen-User $user;
                            error_page 401 = @login;
                            rewrite ^ /health/live break;
                            proxy_pass http://menjin;
                        }}
                        location = /check {{
                            internal;
                            proxy_pass http://menjin/api/v1/auth/check;
                            proxy_pass_request_body off;
                            proxy_set_header Content-Length '';
                        }}
                        location @login {{ return 302 /account/login?next=$request_uri; }}
                    }}
                }}"
            );
            let file = folder.join("nginx.conf");
            fs::write(&file, configuration).unwrap();
            let mut command = dying_with_this_process(system_program("nginx"));
            // The log that is open before the configuration is read.
            command.args(["-e", "stderr", "-c"]).arg(file);
            command
        }))
    }

    fn of(server: Listening) -> Self {
        Self { url: format!("http://127.0.0.1:{}", server.port), _server: server }
    }
}

/// A line for each server.
fn each(servers: &[&str], line: fn(usize, &str) -> String) -> String {
    let lines = (1..).zip(servers).map(|(n, url)| line(n, url.trim_start_matches("http://")));
    lines.collect::<Vec<_>>().join("\n")
}
