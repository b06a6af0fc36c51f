//! A mutex that a dump knows: who waits for it, and who holds it.

use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, MutexGuard};
use unstuck_record::Resource;

use super::stack::{CURRENT, Site, wait_at};

/// A named mutex. Cheap to clone; clones are the same lock.
#[derive(Debug)]
pub struct Lock<T> {
    name: &'static str,
    value: Arc<Mutex<T>>,
    holder: Arc<StdMutex<Option<u64>>>,
}

impl<T> Clone for Lock<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, value: Arc::clone(&self.value), holder: Arc::clone(&self.holder) }
    }
}

/// The locked value; unlocks when it drops.
#[derive(Debug)]
pub struct Locked<'a, T> {
    value: MutexGuard<'a, T>,
    holder: &'a StdMutex<Option<u64>>,
}

impl<T> Lock<T> {
    /// An unlocked value.
    pub fn new(name: &'static str, value: T) -> Self {
        Self { name, value: Arc::new(Mutex::new(value)), holder: Arc::default() }
    }

    /// Locks it, waiting at the site `name`.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = Locked<'_, T>> {
        let at = Location::caller();
        async move {
            let value = match self.value.try_lock() {
                Ok(value) => value,
                Err(_) => {
                    wait_at(at, Site::held(self.name, Arc::clone(&self.holder)), self.value.lock()).await
                }
            };
            let id = CURRENT.try_with(|current| current.id).ok();
            *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = id;
            Locked { value, holder: &self.holder }
        }
    }
}

pub(super) fn resource(name: &str, holder: &StdMutex<Option<u64>>) -> Resource {
    let holder = *holder.lock().unwrap_or_else(PoisonError::into_inner);
    Resource::Lock { name: name.to_owned(), holder }
}

impl<T> Drop for Locked<'_, T> {
    fn drop(&mut self) {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
