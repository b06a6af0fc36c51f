//! Toxiproxy's JSON, and what we add to it: types, limits and evidence of our own under the same names as in Rust, in
//! Toxiproxy's manner. Official clients read past what they do not know.
//!
//! * `attributes`: the parameters of each type

mod attributes;

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::attributes::kind_of_type;
use super::error::Refused;
use super::request::Members;
use crate::Toxic;
use crate::registry::{Change, ConnView, ProxyView, Spec, ToxicView};
use crate::status::Carried;
use crate::toxic::{Kind, Only, Stream, Timeout};

// === what comes in ===

/// A proxy to make.
pub(super) fn spec(body: &Value) -> Result<Spec, Refused> {
    spec_at(body, "")
}

/// Proxies to make; all are looked at before any is made.
pub(super) fn specs(body: &Value) -> Result<Vec<Spec>, Refused> {
    let none = vec![];
    let all = match body {
        Value::Array(all) => all,
        Value::Null => &none,
        _ => return Err(Refused::BadBody("it must be an array of proxies".to_owned())),
    };
    all.iter().zip(1..).map(|(one, number)| spec_at(one, &format!(" at proxy {number}"))).collect()
}

fn spec_at(value: &Value, at: &str) -> Result<Spec, Refused> {
    let members = Members::of(value)?;
    let text = |name| Ok::<_, Refused>(members.text(name)?.unwrap_or_default().to_owned());
    let spec = Spec {
        name: text("name")?,
        listen: text("listen")?,
        upstream: text("upstream")?,
        enabled: members.flag("enabled")?.unwrap_or(true),
    };
    for (field, is) in [("name", &spec.name), ("upstream", &spec.upstream)] {
        if is.is_empty() {
            return Err(Refused::MissingField(format!("{field}{at}")));
        }
    }
    Ok(spec)
}

/// What is to be different about a proxy. Its name cannot be.
pub(super) fn change(body: &Value) -> Result<Change, Refused> {
    let members = Members::of(body)?;
    Ok(Change {
        listen: members.text("listen")?.map(str::to_owned),
        upstream: members.text("upstream")?.map(str::to_owned),
        enabled: members.flag("enabled")?,
    })
}

/// A toxic to add.
pub(super) struct NewToxic {
    pub(super) name: String,
    pub(super) stream: String,
    pub(super) toxic: Toxic,
}

pub(super) fn new_toxic(body: &Value) -> Result<NewToxic, Refused> {
    let members = Members::of(body)?;
    let stream = members.text("stream")?.unwrap_or("downstream");
    let of_type = members.text("type")?.unwrap_or_default();
    let name = members.text("name")?.filter(|name| !name.is_empty());
    let direction = match &stream.to_lowercase()[..] {
        "upstream" => Stream::Upstream,
        "downstream" => Stream::Downstream,
        _ => return Err(Refused::InvalidStream),
    };
    let kind = kind_of_type(of_type).ok_or(Refused::InvalidType)?;
    let toxic = changed_toxic(body, &Toxic { stream: direction, ..Toxic::new(kind) })?;
    let name = name.map_or_else(|| format!("{of_type}_{stream}"), str::to_owned);
    Ok(NewToxic { name, stream: stream.to_owned(), toxic })
}

/// A toxic as it will be. What is not mentioned stays; type and stream stay whatever is said of them.
pub(super) fn changed_toxic(body: &Value, now: &Toxic) -> Result<Toxic, Refused> {
    let members = Members::of(body)?;
    let mut toxic = now.clone();
    attributes::read(&mut toxic.kind, members.object("attributes", "attributes.")?)?;
    if let Some(toxicity) = members.share("toxicity")? {
        toxic.toxicity = toxicity;
    }
    toxic.only = only(members.object("only", "only.")?, toxic.only)?;
    toxic.check()?;
    Ok(toxic)
}

fn only(members: Members<'_>, mut only: Only) -> Result<Only, Refused> {
    members.only(&["connection", "client", "afterBytes", "forMs"])?;
    if let Some(number) = members.whole("connection")? {
        only.connection = Some(number).filter(|number| *number > 0);
    }
    if let Some(client) = members.text("client")? {
        let address = client.parse().or_else(|_| client.parse().map(|ip: std::net::IpAddr| (ip, 0).into()));
        let must = "an address, with a port or without: `127.0.0.1:5000`";
        only.client = Some(address.map_err(|_| members.refused("client", must, format_args!("`{client}`")))?);
    }
    if let Some(bytes) = members.whole("afterBytes")? {
        only.after_bytes = bytes;
    }
    if let Some(ms) = members.whole("forMs")? {
        only.during = Some(Duration::from_millis(ms)).filter(|during| !during.is_zero());
    }
    Ok(only)
}

// === what goes out ===

/// A proxy, with its members in Toxiproxy's order.
#[derive(Serialize)]
pub(super) struct ProxyOut {
    name: String,
    listen: String,
    upstream: String,
    enabled: bool,
    toxics: Vec<ToxicOut>,
}

/// Likewise.
#[derive(Serialize)]
pub(super) struct ToxicOut {
    attributes: Value,
    name: String,
    r#type: &'static str,
    stream: String,
    toxicity: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Value>,
    evidence: Value,
}

pub(super) fn proxy(view: ProxyView) -> ProxyOut {
    let ProxyView { name, listen, upstream, enabled, toxics, .. } = view;
    ProxyOut { name, listen, upstream, enabled, toxics: toxics.into_iter().map(toxic).collect() }
}

pub(super) fn toxic(view: ToxicView) -> ToxicOut {
    ToxicOut {
        attributes: attributes::write(&view.toxic.kind),
        r#type: view.toxic.kind.name(),
        toxicity: share(view.toxic.toxicity),
        only: only_out(&view.toxic.only),
        evidence: evidence(&view),
        name: view.name,
        stream: view.stream,
    }
}

fn only_out(only: &Only) -> Option<Value> {
    let mut out = serde_json::Map::new();
    let mut put = |name: &str, value: Option<Value>| out.extend(value.map(|value| (name.to_owned(), value)));
    put("connection", only.connection.map(Value::from));
    put("client", only.client.map(|client| client.to_string().into()));
    put("afterBytes", Some(only.after_bytes).filter(|bytes| *bytes > 0).map(Value::from));
    put("forMs", only.during.map(|during| as_ms(during).into()));
    (!out.is_empty()).then_some(out.into())
}

/// A toxic for Toxiproxy itself, or why it would not be the same there.
pub(super) fn for_toxiproxy(toxic: &Toxic) -> Result<Value, String> {
    let name = toxic.kind.name();
    match toxic.kind {
        Kind::ResetPeer(_) => {
            return Err("its `reset_peer` ends live connections by FIN, idle ones never".to_owned());
        }
        Kind::Timeout(Timeout { timeout }) if !timeout.is_zero() => {
            return Err("its `timeout` begins anew with everything that is sent".to_owned());
        }
        _ => {}
    }
    if !attributes::is_toxiproxys(&toxic.kind) {
        return Err(format!("it has no `{name}`"));
    }
    if toxic.only != Only::default() {
        return Err("its toxics have no limits".to_owned());
    }
    let stream = match toxic.stream {
        Stream::Upstream => "upstream",
        Stream::Downstream => "downstream",
    };
    let attributes = attributes::write_theirs(&toxic.kind);
    let json = json!({"type": name, "stream": stream, "toxicity": toxic.toxicity, "attributes": attributes});
    match new_toxic(&json) {
        Ok(read) if read.toxic == *toxic => Ok(json),
        _ => Err(format!("a `{name}` is said to it in whole milliseconds and kilobytes and nothing else")),
    }
}

/// What it has met and what it has done to that, live.
fn evidence(view: &ToxicView) -> Value {
    let (met, touched) = (view.met, view.evidence);
    json!({
        "inForce": view.in_force,
        "ageMs": view.since.map(age_ms),
        "connections": met.connections,
        "liveConnections": met.live,
        "metBytes": met.bytes,
        "metChunks": met.chunks,
        "passedBy": met.passed_by,
        "bytes": touched.bytes,
        "delayed": touched.delayed,
        "closed": touched.closed,
        "refused": touched.refused,
    })
}

/// A live connection.
pub(super) fn conn(view: &ConnView) -> Value {
    let way = |carried: Carried| json!({ "bytes": carried.bytes, "chunks": carried.chunks });
    let conn = &view.conn;
    json!({
        "connection": conn.number,
        "client": conn.client.to_string(),
        "ageMs": age_ms(conn.since),
        "upstream": way(conn.up),
        "downstream": way(conn.down),
        "openStreams": conn.streams.open,
        "toxics": view.toxics,
    })
}

fn age_ms(since: Instant) -> u64 {
    as_ms(since.elapsed())
}

fn as_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A number as Go writes a `float32`: 1, not 1.0, and as few digits as tell it from its neighbours.
fn share(share: f64) -> Value {
    (share as f32).to_string().parse().expect("a finite number's digits are JSON")
}
