//! Global configuration, which PD keeps in etcd for others.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tonic::Status;

use super::{At, Member};
use crate::cluster::etcd::Change;
use crate::proto::mvccpb::KeyValue;
use crate::proto::pdpb::{
    Error, ErrorType, EventType, GlobalConfigItem, LoadGlobalConfigRequest, LoadGlobalConfigResponse,
    StoreGlobalConfigRequest, StoreGlobalConfigResponse, WatchGlobalConfigRequest, WatchGlobalConfigResponse,
};

/// Where it lives unless the client says otherwise.
const PATH: &str = "/global/config/";

fn path(asked: &str) -> &str {
    if asked.is_empty() { PATH } else { asked }
}

fn key(path: &str, name: &str) -> Bytes {
    format!("{}/{}", path.trim_end_matches('/'), name.trim_start_matches('/')).into()
}

pub(super) fn store(at: &mut At<'_>, request: StoreGlobalConfigRequest) -> StoreGlobalConfigResponse {
    let path = path(&request.config_path);
    for item in request.changes {
        let key = key(path, &item.name);
        match item.kind() {
            EventType::Put => {
                let value = if item.value.is_empty() { item.payload } else { item.value.into() };
                at.all.cluster.etcd.put(key, value, 0);
            }
            EventType::Delete => drop(at.all.cluster.etcd.delete(&key, &[])),
        }
    }
    StoreGlobalConfigResponse { error: None }
}

/// By names, each under its name and with no revision; without any, all below the path under their whole keys.
pub(super) fn load(at: &At<'_>, request: &LoadGlobalConfigRequest) -> LoadGlobalConfigResponse {
    let (etcd, path) = (&at.cluster().etcd, path(&request.config_path));
    if request.names.is_empty() {
        let items = etcd.prefixed(path.as_bytes()).map(|kv| item(kv, EventType::Put)).collect();
        return LoadGlobalConfigResponse { items, revision: etcd.revision() };
    }
    let named = |name: &String| {
        let found = etcd.range(&key(path, name), &[]).next();
        let missing = || Error {
            r#type: ErrorType::GlobalConfigNotFound.into(),
            message: format!("key {name} not found"),
        };
        GlobalConfigItem {
            name: name.clone(),
            payload: found.map(|kv| kv.value.clone()).unwrap_or_default(),
            error: if found.is_none() { Some(missing()) } else { None },
            ..Default::default()
        }
    };
    LoadGlobalConfigResponse { items: request.names.iter().map(named).collect(), revision: 0 }
}

fn item(kv: &KeyValue, kind: EventType) -> GlobalConfigItem {
    let name = String::from_utf8_lossy(&kv.key).into_owned();
    GlobalConfigItem { name, payload: kv.value.clone(), kind: kind.into(), ..Default::default() }
}

/// Who watches a path.
struct Watcher {
    member: Member,
    path: String,
    /// The first revision that was not looked at yet.
    next: i64,
    ready: VecDeque<WatchGlobalConfigResponse>,
    changed: watch::Receiver<i64>,
    over: bool,
}

/// All changes below a path from a revision on (none: from now on), one answer a revision.
pub(super) fn watch(
    member: Member,
    request: &WatchGlobalConfigRequest,
) -> impl Stream<Item = Result<WatchGlobalConfigResponse, Status>> + use<> {
    let (next, changed) = {
        let at = member.at();
        let etcd = &at.cluster().etcd;
        (if request.revision > 0 { request.revision } else { etcd.revision() + 1 }, etcd.watch())
    };
    let path = path(&request.config_path).to_owned();
    let watcher = Watcher { member, path, next, ready: VecDeque::new(), changed, over: false };
    unfold(watcher, |mut watcher| async move {
        loop {
            if let Some(answer) = watcher.ready.pop_front() {
                return Some((Ok(answer), watcher));
            }
            if watcher.over {
                return None;
            }
            watcher.changed.mark_unchanged();
            watcher.look();
            if watcher.ready.is_empty() {
                watcher.changed.changed().await.ok()?;
            }
        }
    })
}

impl Watcher {
    fn look(&mut self) {
        let at = self.member.at();
        let etcd = &at.cluster().etcd;
        let changes = match etcd.changes(self.next) {
            Ok(changes) => changes,
            Err(oldest) => {
                let why = format!(
                    "required watch revision: {} is smaller than current compact/min revision {oldest}.",
                    self.next
                );
                let header = at.refusal(ErrorType::DataCompacted, why);
                self.ready.push_back(WatchGlobalConfigResponse { header, ..Default::default() });
                self.over = true;
                return;
            }
        };
        for Change { revision, kv, deleted } in changes.filter(|c| c.kv.key.starts_with(self.path.as_bytes()))
        {
            let change = item(kv, if *deleted { EventType::Delete } else { EventType::Put });
            match self.ready.back_mut().filter(|answer| answer.revision == *revision) {
                Some(answer) => answer.changes.push(change),
                None => self.ready.push_back(WatchGlobalConfigResponse {
                    changes: vec![change],
                    revision: *revision,
                    header: None,
                }),
            }
        }
        self.next = self.next.max(etcd.revision() + 1);
    }
}
