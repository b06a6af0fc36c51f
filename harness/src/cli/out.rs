//! Stdout, whose reader may leave before the end.

use std::io::{ErrorKind, Write as _};

/// Writes to stdout. Whoever closed the pipe (`| head`) has what they wanted, so that is no error.
pub(super) fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => eprintln!("error: stdout: {error}"),
        Ok(()) | Err(_) => {}
    }
}
