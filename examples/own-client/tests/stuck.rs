//! Every case under `scenarios/` is a test of both loaders: `cargo test --test stuck -- --list`.

use std::process::ExitCode;

use own_client::{OnError, load};
use unstuck::{Client, Suite};

fn main() -> ExitCode {
    Suite::new("scenarios")
        .client(Client::new("loader", |env| load(env, OnError::Retry)).unit("keys"))
        // the bug is known: this test says so, and fails on the day it is mended
        .stuck_client(
            Client::new("loader", |env| load(env, OnError::GiveUp)).revision("gives-up").unit("keys"),
            Some("collect/results"),
        )
        .seeds(1..=3)
        .records("target/unstuck")
        .main()
}
