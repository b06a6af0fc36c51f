//! A dump as a busy database writes it, of any size: few distinct stacks, every goroutine with addresses of its own.

use std::fmt::Write as _;

/// So many goroutines in the form of `debug=2`, about 1.1 kB each; the same text every time.
pub(crate) fn goroutines(count: u64) -> String {
    let mut text = String::new();
    for id in 1..=count {
        let kind = id % 40;
        let address = 0x00c0_0000_0000 + id * 0x140;
        let state = ["select", "chan receive", "IO wait", "semacquire"][(kind % 4) as usize];
        match id % 7 {
            0 => writeln!(text, "goroutine {id} [{state}]:"),
            minutes => writeln!(text, "goroutine {id} [{state}, {} minutes]:", minutes * 60 + kind),
        }
        .expect("a string takes all");
        for depth in 0..8 + kind % 5 {
            let _infallible = write!(
                text,
                "github.com/example/database/pkg/layer{depth}.(*Worker{kind}).step({{{address:#x}, {:#x}}}, {:#x}?, 0x0)\n\
                 \t/home/builder/go/src/github.com/example/database/pkg/layer{depth}/worker{kind}.go:{} +0x{:x}\n",
                address + depth,
                address + 8 * depth,
                100 + 7 * depth + kind,
                0x1d + depth
            );
        }
        let _infallible = write!(
            text,
            "created by github.com/example/database/pkg/pool.(*Pool).Start in goroutine 1\n\
             \t/home/builder/go/src/github.com/example/database/pkg/pool/pool.go:{} +0x3c\n\n",
            40 + kind
        );
    }
    text
}
