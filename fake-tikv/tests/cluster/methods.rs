//! The table of methods, held against the running cluster and against the README.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::Node;
use fake_tikv::methods::{Kind, METHODS, Method};
use tokio::time::timeout;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use crate::bytes_codec::Verbatim;
use crate::fixture::{Fixture, spec, with};

/// Calls a method with one empty message, as a stream of both sides, which on the wire every method is.
async fn call(f: &Fixture, node: Node, method: &Method) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(f.channel(node).await.unwrap());
    grpc.ready().await.unwrap();
    let path: PathAndQuery = format!("/{method}").parse().unwrap();
    let request = Request::new(tokio_stream::once(Bytes::new()));
    // a watch, or a stream that the server ends when it likes: it is served
    let answer = timeout(Duration::from_secs(60), async {
        grpc.streaming(request, path, Verbatim).await?.into_inner().message().await.map(drop)
    });
    answer.await.unwrap_or(Ok(()))
}

#[test]
fn exactly_the_methods_that_say_so_are_served() {
    with(spec(), |f| async move {
        let mut wrong = vec![];
        for method in &METHODS {
            let mut served = false;
            for node in [Node::Pd(f.cluster.pd_leader()), Node::Store(1)] {
                let code = call(&f, node, method).await.err().map(|status| status.code());
                served |= code != Some(Code::Unimplemented);
            }
            if served != method.missing.is_none() {
                wrong.push(format!("{method} {}", if served { "is served" } else { "is not" }));
            }
        }
        assert!(wrong.is_empty(), "the table says otherwise:\n{}", wrong.join("\n"));
    });
}

/// Where the README keeps the table.
const BEGIN: &str = "<!-- methods: begin -->\n";
const END: &str = "<!-- methods: end -->\n";

fn table() -> String {
    let mut lines = String::new();
    let mut service = String::new();
    for method in &METHODS {
        let of = format!("{}.{}", method.package, method.service);
        if service != of {
            let all =
                METHODS.iter().filter(|one| one.package == method.package && one.service == method.service);
            let served = all.clone().filter(|one| one.missing.is_none()).count();
            let head = "| method | messages | served |\n|---|---|---|\n";
            write!(lines, "\n### {of}: {served} of {}\n\n{head}", all.count()).unwrap();
            service = of;
        }
        let kind = match method.kind {
            Kind::Unary => "one, one",
            Kind::ClientStream => "many, one",
            Kind::ServerStream => "one, many",
            Kind::Bidi => "many, many",
        };
        let served = method.missing.map_or("yes".into(), |why| format!("no: {why}"));
        writeln!(lines, "| `{}` | {kind} | {served} |", method.name).unwrap();
    }
    lines.push('\n');
    lines
}

#[test]
fn the_readme_holds_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the README says where the table begins");
    let (there, after) = rest.split_once(END).expect("the README says where the table ends");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert!(
            there == table(),
            "out of date: UPDATE_README=1 cargo test -p fake-tikv --test cluster readme"
        );
    }
}
