//! Values that are written as text: the type's own `FromStr` reads them, and its `Display` shows
//! them. For `#[serde(with = "text")]`.
//!
//! The error quotes a text that cannot be parsed. So types for secrets must parse every text.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

pub(super) fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// The same of what may hold a password that does not belong there: the error does not quote it.
pub(super) fn unquoted<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// One of the names of an enum. The error lists the names, unlike the error of the `config` crate.
pub(super) fn name<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

fn parse<T: FromStr<Err: Display>, E: Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(|error| E::custom(format!("{text:?}: {error}")))
}

/// A duration such as `30s`, `15m`, `24h`, `7d`.
pub(super) mod duration {
    use std::time::Duration;

    use super::{Deserialize, Deserializer, Error, Serializer};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Err(D::Error::custom(without_unit(seconds)));
        }
        // For humantime `M` is a month.
        if text.ends_with('M') {
            let number = text.trim_end_matches('M').trim();
            let reason =
                format!("{text:?}: for minutes write {number}m, for months {number}months");
            return Err(D::Error::custom(reason));
        }
        humantime::parse_duration(text).map_err(|error| {
            D::Error::custom(format!("{text:?}: {error}; write it as 30s, 15m, 24h or 7d"))
        })
    }

    fn without_unit(number: u64) -> String {
        if number == 0 {
            return "0 has no unit: write 0s".to_owned();
        }
        let shortest = humantime::format_duration(Duration::from_secs(number)).to_string();
        let as_seconds = format!("{number}s");
        let also = if shortest == as_seconds || shortest.contains(' ') {
            String::new()
        } else {
            format!(", which is {shortest}")
        };
        format!("{number} has no unit: for seconds write {as_seconds}{also}")
    }

    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Duration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*duration))
    }
}

/// The address of an interface. `localhost` is taken as its address in IPv4.
pub(super) mod host {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use super::{Deserialize, Deserializer, Error, Serializer};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<IpAddr, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(text.trim()).map_err(|reason| D::Error::custom(format!("{text:?}: {reason}")))
    }

    pub(in super::super) fn parse(text: &str) -> Result<IpAddr, &'static str> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(address);
        }
        match text {
            "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
            "" | "*" | "+" => Err("for all interfaces write 0.0.0.0, or :: for IPv6 too"),
            _ if text.contains("://") => Err("write the address alone, such as 127.0.0.1"),
            _ if text.parse::<SocketAddr>().is_ok() || text.starts_with("localhost:") => {
                Err("the port is a setting of its own, server.port")
            }
            _ => Err("is no IP address: write that of an interface of this machine, such as \
                      127.0.0.1, or 0.0.0.0 for all"),
        }
    }

    pub(in super::super) fn serialize<S: Serializer>(
        address: &IpAddr,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(address)
    }
}

/// A text that may be empty.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer, parse};

    pub(in super::super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        (!text.is_empty()).then(|| parse(&text)).transpose()
    }

    #[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<impl Display>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.as_ref().map_or_else(String::new, ToString::to_string))
    }
}

/// A list of texts, or one text with commas: the environment has no lists.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer, parse};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        List(Vec<String>),
    }

    pub(in super::super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let items = match Written::deserialize(deserializer)? {
            Written::Text(text) => text.split(',').map(str::to_owned).collect(),
            Written::List(items) => items,
        };
        items.iter().map(|item| item.trim()).filter(|item| !item.is_empty()).map(parse).collect()
    }

    pub(in super::super) fn serialize<S: Serializer>(
        items: &[impl Display],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(items.iter().map(ToString::to_string))
    }
}

/// A text together with the value that its type reads from it, for types that have no `Display`.
#[derive(Debug, Clone)]
pub(crate) struct Parsed<T> {
    text: String,
    pub(crate) value: T,
}

impl<T: FromStr> FromStr for Parsed<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Ok(Self { text: text.to_owned(), value: text.parse()? })
    }
}

impl<T> Display for Parsed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
