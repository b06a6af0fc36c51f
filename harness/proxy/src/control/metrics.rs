//! Prometheus metrics: Toxiproxy's, and ours. They are read off the proxies when they are asked for, so that a connection
//! counts while it lives.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::{GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};

use super::Api;
use crate::registry::ProxyView;

/// What is exported; without anything there is no `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Bytes and connections of proxies, what toxics touched.
    pub proxies: bool,
    /// The runtime that answers, and how many requests it has.
    pub runtime: bool,
}

pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let exported = Registry::new();
    let written = write(&api, &exported)
        .and_then(|()| TextEncoder::new().encode_to_string(&exported.gather()))
        .expect("names and labels are fixed, and valid");
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], written).into_response()
}

fn write(api: &Api, to: &Registry) -> prometheus::Result<()> {
    if api.exported.proxies {
        proxies(&api.registry.all(), to)?;
    }
    if api.exported.runtime {
        let runtime = tokio::runtime::Handle::current().metrics();
        let tasks = gauge(to, "unstuck_runtime_tasks", "Tasks that are alive, by runtime.", &["runtime"])?;
        tasks.with_label_values(&["control"]).set(runtime.num_alive_tasks() as f64);
        tasks.with_label_values(&["proxies"]).set(api.registry.tasks() as f64);
        let requests = counter(to, "unstuck_control_requests_total", "Requests to the control API.", &[])?;
        requests
            .with_label_values::<&str>(&[])
            .inc_by(api.requests.load(std::sync::atomic::Ordering::Relaxed));
    }
    Ok(())
}

fn proxies(views: &[ProxyView], to: &Registry) -> prometheus::Result<()> {
    let link = ["direction", "listener", "proxy", "upstream"];
    let received = counter(to, "toxiproxy_proxy_received_bytes_total", "Bytes taken off senders.", &link)?;
    let sent = counter(to, "toxiproxy_proxy_sent_bytes_total", "Bytes handed to receivers.", &link)?;
    let open = gauge(to, "unstuck_proxy_connections", "Connections that are open.", &["proxy"])?;
    let accepted = counter(to, "unstuck_proxy_accepted_total", "Connections accepted.", &["proxy"])?;
    let of_toxic = ["proxy", "stream", "toxic", "type"];
    let touched =
        |what: &str, help: &str| counter(to, &format!("unstuck_toxic_{what}_total"), help, &of_toxic);
    let bytes = touched("bytes", "Bytes held, dropped or altered.")?;
    let delayed = touched("delayed", "Chunks delayed.")?;
    let closed = touched("closed", "Connections ended.")?;
    let refused = touched("refused", "Connects refused or left hanging.")?;
    for view in views {
        let stats = view.stats;
        for (way, got, handed) in
            [("upstream", stats.received_up, stats.up), ("downstream", stats.received_down, stats.down)]
        {
            let labels = [way, &view.listen, &view.name, &view.upstream];
            received.with_label_values(&labels).inc_by(got);
            sent.with_label_values(&labels).inc_by(handed);
        }
        open.with_label_values(&[&view.name]).set(stats.conns as f64);
        accepted.with_label_values(&[&view.name]).inc_by(stats.accepted);
        for toxic in &view.toxics {
            let kind = toxic.toxic.kind.name();
            let labels = [&view.name[..], &toxic.stream, &toxic.name, kind];
            bytes.with_label_values(&labels).inc_by(toxic.evidence.bytes);
            delayed.with_label_values(&labels).inc_by(toxic.evidence.delayed);
            closed.with_label_values(&labels).inc_by(toxic.evidence.closed);
            refused.with_label_values(&labels).inc_by(toxic.evidence.refused);
        }
    }
    Ok(())
}

fn counter(to: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    to.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn gauge(to: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
    let gauges = GaugeVec::new(Opts::new(name, help), labels)?;
    to.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}
