//! Tokio's own view of the tasks that are left: real frames, where the build and the platform have them.
//!
//! `Handle::dump` polls and wakes every task of the runtime, so it is taken once, after the last event. It sees
//! waits on tokio's own primitives only, and gives neither ages nor names; the tree of wait sites does.
//!
//! tokio holds its queue while it polls them: a task that wakes another by its own hand panics then ("already borrowed", on
//! stderr). tokio catches that as it does any task's panic; but where a destructor does the same on the way out, the process
//! aborts, with every other case in it. So it is taken only where somebody asks for it (`--trace`).

use crate::probe::Tasks;

/// The traces of the client's tasks, as text; `None` where this build cannot take them.
#[cfg(not(all(tokio_unstable, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[expect(clippy::unused_async, reason = "the other variant waits")]
pub(super) async fn take(_tasks: &Tasks) -> Option<String> {
    None
}

/// The traces of the client's tasks, as text; `None` where this build cannot take them.
#[cfg(all(tokio_unstable, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) async fn take(tasks: &Tasks) -> Option<String> {
    use std::fmt::Write;

    /// Every task of the runtime is traced, the fake cluster's handlers too: past so many it would take minutes.
    const MOST: usize = 3_000;

    let handle = tokio::runtime::Handle::current();
    let alive = handle.metrics().num_alive_tasks();
    let mut text = String::new();
    if alive > MOST {
        let _infallible = writeln!(text, "not taken: {alive} tasks in the runtime, more than {MOST}");
        return Some(text);
    }
    let names = tasks.tokio_ids();
    let dump = handle.dump().await;
    for task in dump.tasks().iter() {
        if let Some((id, name)) = names.get(&task.id().to_string()) {
            let _infallible = writeln!(text, "task {id} {name}:\n{}\n", task.trace());
        }
    }
    Some(text)
}
