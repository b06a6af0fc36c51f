//! The functions of the original, by name, in every dump.

use std::pin::Pin;

use crate::probe::frame;

/// Runs `future` as the function `name`. On the heap: nested frames would multiply the size of what they wrap.
#[track_caller]
pub(super) fn call<'a, T: 'a>(
    name: &'static str,
    future: impl Future<Output = T> + Send + 'a,
) -> impl Future<Output = T> + Send + 'a {
    let future: Pin<Box<dyn Future<Output = T> + Send + 'a>> = Box::pin(future);
    frame(name, future)
}
