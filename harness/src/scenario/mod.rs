//! Scenario files: the YAML that QA writes, resolved. Start at [`load`].
//!
//! * [`mod@file`], [`case`]: what a file holds; `config`: QA's wrapper around one
//! * [`mod@fault`]: one fault of a case; [`fault_type`], [`selector`], [`mode`]: what goes wrong, where, at how many;
//!   [`schedule`], [`period`], [`trigger`]: when
//! * [`sizes`], [`client_ref`]: the cluster and the job, and who is under test
//! * [`program`]: a program as the client; `presets`: what is known of some
//! * [`matrix`], [`which_client()`]: what each client does with a case, and which one it is run with
//! * [`units`]: numbers with units; `refused`: words of QA that mean nothing here, and what to write instead
//! * [`schema`]: the same for editors
//! * `contradiction`, `fit`, `lint`: what is well written and cannot be meant
//! * [`diagnostic`]: what is wrong with a file, and how to put it right
//!
//! A document is a tree of nodes with places (as written); one conversion makes it a [`File`] (total) and collects
//! every error on the way.

pub mod case;
pub mod client_ref;
mod config;
mod contradiction;
pub mod diagnostic;
pub mod fault;
pub mod fault_type;
mod fields;
pub mod file;
mod fit;
mod keys;
mod lint;
pub mod matrix;
pub mod mode;
mod node;
pub mod period;
mod presets;
pub mod program;
mod refused;
pub mod schedule;
pub mod schema;
pub mod selector;
pub mod sizes;
pub mod source;
pub(crate) mod suggest;
pub mod trigger;
pub mod units;
pub mod which_client;

pub use case::{Case, Expect};
pub use client_ref::ClientRef;
pub use diagnostic::{Diagnostics, Problem, Severity};
pub use fault::Fault;
pub use fault_type::{Direction, FaultType, Netem, Then};
pub(crate) use fields::shorten;
pub use file::{File, load, load_bytes};
pub use matrix::{Matrix, World};
pub use mode::Many;
pub use period::{Period, Spread};
pub use program::Program;
pub use schedule::{Begins, Schedule};
pub use selector::{Component, Endpoint, Qualifier, Selector};
pub(crate) use sizes::REPLICAS;
pub use sizes::{PeerOrder, SizeSpec, Sizes, target_duration};
pub use trigger::{On, Trigger};
pub use which_client::{NoClient, which_client};
