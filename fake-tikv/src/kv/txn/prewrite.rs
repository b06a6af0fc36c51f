//! `KvPrewrite`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::key_error;
use crate::proto::kvrpcpb::prewrite_request::PessimisticAction;
use crate::proto::kvrpcpb::{self, AssertionLevel, Op, PrewriteRequest, PrewriteResponse};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::error::{Assertion, Error};
use crate::storage::mvcc::prewrite::{Intent, Mutation, Prewrite, Prewritten, Reserved, Way};

command! {
    PrewriteRequest as "KvPrewrite" -> PrewriteResponse;
    |prewrite, see| prewrite.mutations.iter().for_each(|mutation| see(&mutation.key));
    run
}

fn run(asked: &PrewriteRequest, on: &mut On<'_>) -> Step<PrewriteResponse> {
    let mutations = match mutations(asked) {
        Ok(mutations) => mutations,
        Err(error) => return failed(&[error]),
    };
    if mutations.iter().any(|mutation| mutation.intent == Intent::CheckNotExists) {
        // it is a read
        on.storage.mvcc.read_at(asked.start_version);
    }
    let txn = Prewrite {
        start_ts: asked.start_version,
        primary: &asked.primary_lock,
        ttl: asked.lock_ttl,
        txn_size: asked.txn_size,
        for_update_ts: asked.for_update_ts,
        min_commit_ts: asked.min_commit_ts,
        max_commit_ts: asked.max_commit_ts,
        way: match (asked.try_one_pc, asked.use_async_commit) {
            (true, _) => Way::OnePhase,
            (false, true) => Way::Async(&asked.secondaries),
            (false, false) => Way::TwoPhase,
        },
        skip_constraint_check: asked.skip_constraint_check,
        strict: asked.assertion_level() == AssertionLevel::Strict,
        retry: asked.context.as_ref().is_some_and(|context| context.is_retry_request),
    };
    let mut changes = Changes::default();
    let prewritten = match on.storage.mvcc.prewrite(&mut changes, &txn, &mutations) {
        Ok(prewritten) => prewritten,
        Err(errors) => return failed(&errors),
    };
    let region_error = on.apply_new(changes).err().map(|refused| *refused);
    let mut answer = PrewriteResponse { region_error, ..Default::default() };
    if answer.region_error.is_none() {
        match prewritten {
            Prewritten::TwoPhase => {}
            Prewritten::Async(earliest) => answer.min_commit_ts = earliest,
            Prewritten::OnePhase(commit_ts) => answer.one_pc_commit_ts = commit_ts,
        }
    }
    Step::Done(answer)
}

fn failed(errors: &[Error]) -> Step<PrewriteResponse> {
    let errors = errors.iter().map(key_error).collect();
    Step::Done(PrewriteResponse { errors, ..Default::default() })
}

fn mutations(asked: &PrewriteRequest) -> Result<Vec<Mutation>, Error> {
    let mut mutations = Vec::with_capacity(asked.mutations.len());
    for (at, mutation) in asked.mutations.iter().enumerate() {
        let intent = match mutation.op() {
            Op::Put => Intent::Put,
            Op::Insert => Intent::Insert,
            Op::Del => Intent::Delete,
            Op::Lock => Intent::Lock,
            Op::CheckNotExists => Intent::CheckNotExists,
            Op::Rollback | Op::PessimisticLock => {
                return Err(Error::Other("mismatched op in prewrite mutations"));
            }
        };
        let assertion = match mutation.assertion() {
            _ if asked.assertion_level() == AssertionLevel::Off => None,
            kvrpcpb::Assertion::None => None,
            kvrpcpb::Assertion::Exist => Some(Assertion::Exist),
            kvrpcpb::Assertion::NotExist => Some(Assertion::NotExist),
        };
        let action = asked.pessimistic_actions.get(at).copied().unwrap_or_default();
        let reserved = match PessimisticAction::try_from(action) {
            Ok(PessimisticAction::DoPessimisticCheck) => Reserved::Yes,
            Ok(PessimisticAction::DoConstraintCheck) => Reserved::Late,
            _ => Reserved::Not,
        };
        mutations.push(Mutation {
            key: mutation.key.clone(),
            value: mutation.value.clone(),
            intent,
            assertion,
            reserved,
            expected_for_update_ts: None,
        });
    }
    for constraint in &asked.for_update_ts_constraints {
        let mutation = mutations.get_mut(constraint.index as usize).ok_or(Error::Other(
            "prewrite request invalid: for_update_ts constraint set for an index out of bounds",
        ))?;
        mutation.expected_for_update_ts = Some(constraint.expected_for_update_ts);
    }
    Ok(mutations)
}
