//! A short name for a device, out of its `User-Agent`.
//!
//! A person has to tell a phone from a laptop; no rule depends on it. The parsers that know thousands
//! of agents compile as many regular expressions, or have had no release for years: a dozen names do.

/// What a `User-Agent` has, and the name of it. The first that is found counts, since most agents also
/// name what they are compatible with.
type Names = &'static [(&'static str, &'static str)];

const PROGRAMS: Names = &[
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("QQBrowser", "QQ Browser"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("okhttp", "okhttp"),
    ("python-requests", "Python"),
    ("curl", "curl"),
];

const SYSTEMS: Names = &[
    ("Windows", "Windows"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Program and system, such as `Firefox · Windows`; `None` if neither is known.
pub fn name(user_agent: &str) -> Option<String> {
    let known = |names: Names| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let known: Vec<_> = [known(PROGRAMS), known(SYSTEMS)].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_common_agents_have_names() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                Some("Edge · Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                Some("Safari · iPhone"),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                Some("Firefox · Linux"),
            ),
            ("curl/8.5.0", Some("curl")),
            ("my own program", None),
            ("", None),
        ] {
            assert_eq!(name(user_agent).as_deref(), expected, "{user_agent}");
        }
    }
}
