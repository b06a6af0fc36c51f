//! Requests, as Go's server reads them: the first JSON value of a body counts, whatever follows; the names of members match
//! whatever their case; `null` is as good as nothing; what nobody knows is ignored.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::Refused;
use crate::registry::Error;

/// The names in a path.
pub(super) struct At<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Path(names) = Path::from_request_parts(parts, state)
            .await
            // what is no text names nothing
            .map_err(|_| Refused::from(Error::NoSuchProxy))?;
        Ok(Self(names))
    }
}

/// A body, whatever its content type.
pub(super) struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;
    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let refused = |rejection: axum::extract::rejection::BytesRejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                Refused::TooLarge
            } else {
                Refused::BadBody("unexpected EOF".to_owned())
            }
        };
        Bytes::from_request(request, state).await.map(Self).map_err(refused)
    }
}

impl Body {
    pub(super) fn read(&self) -> Result<Value, Refused> {
        read(&self.0)
    }
}

pub(super) fn read(body: &[u8]) -> Result<Value, Refused> {
    let wrong = |why: String| Err(Refused::BadBody(why));
    match serde_json::Deserializer::from_slice(body).into_iter().next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) if error.is_eof() => wrong("unexpected EOF".to_owned()),
        Some(Err(error)) => wrong(error.to_string()),
        None => wrong("EOF".to_owned()),
    }
}

/// The members of a JSON object. Each question names what is wrong with the answer, if anything is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a> {
    /// What it is, in front of the names of members in errors: `only.`.
    within: &'static str,
    members: Option<&'a Map<String, Value>>,
}

impl<'a> Members<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, Refused> {
        Self::inside("", Some(value))
    }

    fn inside(within: &'static str, value: Option<&'a Value>) -> Result<Self, Refused> {
        match value {
            None | Some(Value::Null) => Ok(Self { within, members: None }),
            Some(Value::Object(members)) => Ok(Self { within, members: Some(members) }),
            Some(other) => {
                let what = if within.is_empty() { "it" } else { within.trim_end_matches('.') };
                Err(Refused::BadBody(format!("{what} must be an object, not {}", kind(other))))
            }
        }
    }

    /// The members of a member; none if there is no such member.
    pub(super) fn object(&self, name: &str, within: &'static str) -> Result<Self, Refused> {
        Self::inside(within, self.get(name))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Refused> {
        self.read(name, "a string", Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        self.read(name, "true or false", Value::as_bool)
    }

    /// From 0 to 2^63 - 1, the largest of Toxiproxy's.
    pub(super) fn whole(&self, name: &str) -> Result<Option<u64>, Refused> {
        let fits = |value: &Value| value.as_u64().filter(|number| i64::try_from(*number).is_ok());
        self.read(name, "a whole number from 0 to 9223372036854775807", fits)
    }

    pub(super) fn share(&self, name: &str) -> Result<Option<f64>, Refused> {
        let fits = |value: &Value| value.as_f64().filter(|share| (0.0..=1.0).contains(share));
        self.read(name, "a number from 0 to 1", fits)
    }

    /// Refuses what is not among `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refused> {
        let names = self.members.into_iter().flat_map(Map::keys);
        let mut unknown = names.filter(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)));
        match unknown.next() {
            None => Ok(()),
            Some(name) if known.is_empty() => {
                Err(Refused::BadBody(format!("unknown `{}{name}`: there is none for this type", self.within)))
            }
            Some(name) => {
                let known = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
                Err(Refused::BadBody(format!("unknown `{}{name}`, choose from {known}", self.within)))
            }
        }
    }

    pub(super) fn wrong(&self, name: &str, why: &str) -> Refused {
        Refused::BadBody(format!("`{}{name}` {why}", self.within))
    }

    pub(super) fn refused(&self, name: &str, must: &str, is: impl std::fmt::Display) -> Refused {
        Refused::BadBody(format!("`{}{name}` must be {must}, not {is}", self.within))
    }

    fn read<T>(
        &self,
        name: &str,
        must: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refused> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(self.refused(name, must, kind(value))),
            },
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        let members = self.members?;
        let alike =
            || members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        members.get(name).or_else(alike)
    }
}

/// A value for an error: numbers as they are, of the rest what they are.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
