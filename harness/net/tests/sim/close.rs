//! A close while bytes are under way. On loopback they arrive within the system call, so this is the sim's alone.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use unstuck_net::sim::SimConfig;

use crate::{pair, sim};

#[test]
fn bytes_that_arrive_at_a_closed_end_draw_a_reset() {
    sim(SimConfig::default(), async |net| {
        let (mut client, server, ..) = pair(&net).await;
        client.write_all(b"too late").await.unwrap();
        drop(server);
        // FIN left before the RST that the bytes draw one latency later.
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(client.write(b"x").await.unwrap(), 1);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_write_that_blocks_while_a_reset_is_under_way_is_woken_by_it() {
    sim(SimConfig { send_buffer: 4, recv_buffer: 4, ..SimConfig::default() }, async |net| {
        let (mut client, server, ..) = pair(&net).await;
        client.write_all(b"12345678").await.unwrap();
        sleep(Duration::from_millis(1)).await;
        drop(server);
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}
