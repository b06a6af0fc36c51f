//! Every gRPC method of kvproto release-8.1: what it is called, how it flows, whether the cluster serves it.
//!
//! Methods outside of kvproto (etcd's, the health service) have a name too, but no line here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::Kind::{Bidi, ClientStream, ServerStream, Unary};

/// How messages flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request, one answer.
    Unary,
    /// Many requests, one answer.
    ClientStream,
    /// One request, many answers.
    ServerStream,
    /// Many of both.
    Bidi,
}

/// One method.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// The proto package, e.g. `tikvpb`.
    pub package: &'static str,
    /// The service, e.g. `Tikv`.
    pub service: &'static str,
    /// Its own name, e.g. `RawGet`.
    pub name: &'static str,
    /// How messages flow.
    pub kind: Kind,
    /// `None` where it is served, else why not: it answers UNIMPLEMENTED.
    pub missing: Option<&'static str>,
}

/// `tikvpb.Tikv/RawGet`, as on the wire but for the first slash.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.package, self.service, self.name)
    }
}

impl Method {
    /// The method of a request's path, e.g. `/tikvpb.Tikv/RawGet`.
    pub fn of_path(path: &str) -> Option<&'static Self> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        let (package, service) = service.split_once('.')?;
        // each service's methods stand together
        let first = METHODS.iter().position(|one| one.package == package && one.service == service)?;
        METHODS[first..].iter().take_while(|one| one.service == service).find(|one| one.name == name)
    }

    /// Whether the cluster has its service, if not all of it.
    fn has_a_service(&self) -> bool {
        METHODS.iter().any(|one| one.service == self.service && one.missing.is_none())
    }

    /// The method of this name: `RawGet` of the `Tikv` service, in full of another.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        match name.split_once('/') {
            None => METHODS.iter().find(|one| one.name == name && one.service == "Tikv"),
            Some((service, name)) => METHODS
                .iter()
                .find(|one| one.name == name && service.split_once('.') == Some((one.package, one.service))),
        }
    }
}

/// Some of the methods: `*`, `tikvpb.Tikv/*`, `tikvpb.Tikv/RawGet`, or short, `RawGet`, where only one
/// service of the cluster has the name.
///
/// `BatchCommands` carries commands that have names of their own, and is meant only by its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Methods {
    /// All of them, those outside of kvproto too.
    #[default]
    All,
    /// Those of one service.
    Service(&'static str, &'static str),
    /// One.
    One(&'static Method),
}

/// Text that means no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownMethod {
    /// No method or service is called so.
    #[error("no method of kvproto is called `{0}`; write `RawGet`, `pdpb.PD/Tso`, `tikvpb.Tikv/*` or `*`")]
    Nobody(String),
    /// Several are.
    #[error("`{0}` is a method of several services; write one of {1}")]
    Several(String, String),
}

impl Methods {
    /// Whether it means this method; `None` is one outside of kvproto.
    pub fn mean(self, method: Option<&'static Method>) -> bool {
        match (self, method) {
            (Self::All, method) => method.is_none_or(|method| method.name != BATCH),
            (Self::Service(package, service), Some(method)) => {
                method.package == package && method.service == service && method.name != BATCH
            }
            (Self::One(one), Some(method)) => std::ptr::eq(one, method),
            (_, None) => false,
        }
    }
    /// All that it means.
    pub fn iter(self) -> impl Iterator<Item = &'static Method> {
        METHODS.iter().filter(move |method| self.mean(Some(method)))
    }
}

/// The stream of many commands.
const BATCH: &str = "BatchCommands";

impl FromStr for Methods {
    type Err = UnknownMethod;
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        let unknown = || UnknownMethod::Nobody(text.chars().take(100).collect());
        if text == "*" {
            return Ok(Self::All);
        }
        let Some((service, name)) = text.trim_start_matches('/').split_once('/') else {
            // what nobody has is no reason to ask which is meant
            let mut all = METHODS.iter().filter(|one| one.name == text && one.has_a_service());
            let first = all.next().or_else(|| METHODS.iter().find(|one| one.name == text));
            let first = first.ok_or_else(unknown)?;
            let others: Vec<_> = all.map(Method::to_string).collect();
            return if others.is_empty() {
                Ok(Self::One(first))
            } else {
                let all = format!("`{first}`, `{}`", others.join("`, `"));
                Err(UnknownMethod::Several(text.to_owned(), all))
            };
        };
        let mut of_service = METHODS
            .iter()
            .filter(|one| service.split_once('.').is_some_and(|(p, s)| one.package == p && one.service == s));
        let found = if name == "*" {
            of_service.next().map(|one| Self::Service(one.package, one.service))
        } else {
            of_service.find(|one| one.name == name).map(Self::One)
        };
        found.ok_or_else(unknown)
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Service(package, service) => write!(f, "{package}.{service}/*"),
            Self::One(method) => method.fmt(f),
        }
    }
}

impl Serialize for Methods {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

const fn method(
    package: &'static str,
    service: &'static str,
    name: &'static str,
    kind: Kind,
    missing: Option<&'static str>,
) -> Method {
    Method { package, service, name, kind, missing }
}

const SERVED: Option<&str> = None;
const NOT_YET: Option<&str> = Some("none of the clients that were tried calls it");
const BETWEEN_STORES: Option<&str> = Some("between stores: there is no raft here");
const BETWEEN_MEMBERS: Option<&str> = Some("between PD members: they share one state here");
const FROM_STORES: Option<&str> = Some("from stores to PD: they share one state here");
const COPROCESSOR: Option<&str> = Some("runs TiDB's queries");
const TIFLASH: Option<&str> = Some("TiFlash's");
const DEBUG: Option<&str> = Some("for operators of real stores");
const EXTERNAL: Option<&str> = Some("a store's own helper process");
const IMPORTER: Option<&str> = Some("tikv-importer's, which is retired");
const LOG_BACKUP: Option<&str> = Some("log backup (PITR)");
const MICROSERVICE: Option<&str> = Some("PD's microservices: GetClusterInfo says that there are none");
const RESOURCE: Option<&str> = Some("resource groups");

/// All methods, service by service.
#[rustfmt::skip]
pub static METHODS: [Method; 187] = [
    method("pdpb", "PD", "GetClusterInfo", Unary, SERVED),
    method("pdpb", "PD", "GetMembers", Unary, SERVED),
    method("pdpb", "PD", "Tso", Bidi, SERVED),
    method("pdpb", "PD", "Bootstrap", Unary, SERVED),
    method("pdpb", "PD", "IsBootstrapped", Unary, SERVED),
    method("pdpb", "PD", "AllocID", Unary, SERVED),
    method("pdpb", "PD", "IsSnapshotRecovering", Unary, SERVED),
    method("pdpb", "PD", "GetStore", Unary, SERVED),
    method("pdpb", "PD", "PutStore", Unary, FROM_STORES),
    method("pdpb", "PD", "GetAllStores", Unary, SERVED),
    method("pdpb", "PD", "StoreHeartbeat", Unary, FROM_STORES),
    method("pdpb", "PD", "RegionHeartbeat", Bidi, FROM_STORES),
    method("pdpb", "PD", "GetRegion", Unary, SERVED),
    method("pdpb", "PD", "GetPrevRegion", Unary, SERVED),
    method("pdpb", "PD", "GetRegionByID", Unary, SERVED),
    method("pdpb", "PD", "ScanRegions", Unary, SERVED),
    method("pdpb", "PD", "AskSplit", Unary, FROM_STORES),
    method("pdpb", "PD", "ReportSplit", Unary, FROM_STORES),
    method("pdpb", "PD", "AskBatchSplit", Unary, FROM_STORES),
    method("pdpb", "PD", "ReportBatchSplit", Unary, FROM_STORES),
    method("pdpb", "PD", "GetClusterConfig", Unary, SERVED),
    method("pdpb", "PD", "PutClusterConfig", Unary, NOT_YET),
    method("pdpb", "PD", "ScatterRegion", Unary, SERVED),
    method("pdpb", "PD", "GetGCSafePoint", Unary, SERVED),
    method("pdpb", "PD", "UpdateGCSafePoint", Unary, SERVED),
    method("pdpb", "PD", "UpdateServiceGCSafePoint", Unary, SERVED),
    method("pdpb", "PD", "GetGCSafePointV2", Unary, NOT_YET),
    method("pdpb", "PD", "WatchGCSafePointV2", ServerStream, NOT_YET),
    method("pdpb", "PD", "UpdateGCSafePointV2", Unary, NOT_YET),
    method("pdpb", "PD", "UpdateServiceSafePointV2", Unary, NOT_YET),
    method("pdpb", "PD", "GetAllGCSafePointV2", Unary, NOT_YET),
    method("pdpb", "PD", "SyncRegions", Bidi, FROM_STORES),
    method("pdpb", "PD", "GetOperator", Unary, SERVED),
    method("pdpb", "PD", "SyncMaxTS", Unary, BETWEEN_MEMBERS),
    method("pdpb", "PD", "SplitRegions", Unary, SERVED),
    method("pdpb", "PD", "SplitAndScatterRegions", Unary, SERVED),
    method("pdpb", "PD", "GetDCLocationInfo", Unary, BETWEEN_MEMBERS),
    method("pdpb", "PD", "StoreGlobalConfig", Unary, SERVED),
    method("pdpb", "PD", "LoadGlobalConfig", Unary, SERVED),
    method("pdpb", "PD", "WatchGlobalConfig", ServerStream, SERVED),
    method("pdpb", "PD", "ReportBuckets", ClientStream, FROM_STORES),
    method("pdpb", "PD", "ReportMinResolvedTS", Unary, FROM_STORES),
    method("pdpb", "PD", "SetExternalTimestamp", Unary, SERVED),
    method("pdpb", "PD", "GetExternalTimestamp", Unary, SERVED),
    method("pdpb", "PD", "GetMinTS", Unary, SERVED),
    method("tikvpb", "Tikv", "KvGet", Unary, SERVED),
    method("tikvpb", "Tikv", "KvScan", Unary, SERVED),
    method("tikvpb", "Tikv", "KvPrewrite", Unary, SERVED),
    method("tikvpb", "Tikv", "KvPessimisticLock", Unary, SERVED),
    method("tikvpb", "Tikv", "KVPessimisticRollback", Unary, SERVED),
    method("tikvpb", "Tikv", "KvTxnHeartBeat", Unary, SERVED),
    method("tikvpb", "Tikv", "KvCheckTxnStatus", Unary, SERVED),
    method("tikvpb", "Tikv", "KvCheckSecondaryLocks", Unary, SERVED),
    method("tikvpb", "Tikv", "KvCommit", Unary, SERVED),
    method("tikvpb", "Tikv", "KvImport", Unary, NOT_YET),
    method("tikvpb", "Tikv", "KvCleanup", Unary, SERVED),
    method("tikvpb", "Tikv", "KvBatchGet", Unary, SERVED),
    method("tikvpb", "Tikv", "KvBatchRollback", Unary, SERVED),
    method("tikvpb", "Tikv", "KvScanLock", Unary, SERVED),
    method("tikvpb", "Tikv", "KvResolveLock", Unary, SERVED),
    method("tikvpb", "Tikv", "KvGC", Unary, SERVED),
    method("tikvpb", "Tikv", "KvDeleteRange", Unary, SERVED),
    method("tikvpb", "Tikv", "KvPrepareFlashbackToVersion", Unary, NOT_YET),
    method("tikvpb", "Tikv", "KvFlashbackToVersion", Unary, NOT_YET),
    method("tikvpb", "Tikv", "KvFlush", Unary, NOT_YET),
    method("tikvpb", "Tikv", "KvBufferBatchGet", Unary, NOT_YET),
    method("tikvpb", "Tikv", "RawGet", Unary, SERVED),
    method("tikvpb", "Tikv", "RawBatchGet", Unary, SERVED),
    method("tikvpb", "Tikv", "RawPut", Unary, SERVED),
    method("tikvpb", "Tikv", "RawBatchPut", Unary, SERVED),
    method("tikvpb", "Tikv", "RawDelete", Unary, SERVED),
    method("tikvpb", "Tikv", "RawBatchDelete", Unary, SERVED),
    method("tikvpb", "Tikv", "RawScan", Unary, SERVED),
    method("tikvpb", "Tikv", "RawDeleteRange", Unary, SERVED),
    method("tikvpb", "Tikv", "RawBatchScan", Unary, SERVED),
    method("tikvpb", "Tikv", "RawGetKeyTTL", Unary, SERVED),
    method("tikvpb", "Tikv", "RawCompareAndSwap", Unary, SERVED),
    method("tikvpb", "Tikv", "RawChecksum", Unary, SERVED),
    method("tikvpb", "Tikv", "UnsafeDestroyRange", Unary, SERVED),
    method("tikvpb", "Tikv", "RegisterLockObserver", Unary, NOT_YET),
    method("tikvpb", "Tikv", "CheckLockObserver", Unary, NOT_YET),
    method("tikvpb", "Tikv", "RemoveLockObserver", Unary, NOT_YET),
    method("tikvpb", "Tikv", "PhysicalScanLock", Unary, NOT_YET),
    method("tikvpb", "Tikv", "Coprocessor", Unary, COPROCESSOR),
    method("tikvpb", "Tikv", "CoprocessorStream", ServerStream, COPROCESSOR),
    method("tikvpb", "Tikv", "BatchCoprocessor", ServerStream, COPROCESSOR),
    method("tikvpb", "Tikv", "RawCoprocessor", Unary, COPROCESSOR),
    method("tikvpb", "Tikv", "Raft", ClientStream, BETWEEN_STORES),
    method("tikvpb", "Tikv", "BatchRaft", ClientStream, BETWEEN_STORES),
    method("tikvpb", "Tikv", "Snapshot", ClientStream, BETWEEN_STORES),
    method("tikvpb", "Tikv", "TabletSnapshot", Bidi, BETWEEN_STORES),
    method("tikvpb", "Tikv", "SplitRegion", Unary, SERVED),
    method("tikvpb", "Tikv", "ReadIndex", Unary, SERVED),
    method("tikvpb", "Tikv", "MvccGetByKey", Unary, SERVED),
    method("tikvpb", "Tikv", "MvccGetByStartTs", Unary, SERVED),
    method("tikvpb", "Tikv", "BatchCommands", Bidi, SERVED),
    method("tikvpb", "Tikv", "DispatchMPPTask", Unary, TIFLASH),
    method("tikvpb", "Tikv", "CancelMPPTask", Unary, TIFLASH),
    method("tikvpb", "Tikv", "EstablishMPPConnection", ServerStream, TIFLASH),
    method("tikvpb", "Tikv", "IsAlive", Unary, TIFLASH),
    method("tikvpb", "Tikv", "ReportMPPTaskStatus", Unary, TIFLASH),
    method("tikvpb", "Tikv", "CheckLeader", Unary, BETWEEN_STORES),
    method("tikvpb", "Tikv", "GetStoreSafeTS", Unary, SERVED),
    method("tikvpb", "Tikv", "GetLockWaitInfo", Unary, SERVED),
    method("tikvpb", "Tikv", "Compact", Unary, TIFLASH),
    method("tikvpb", "Tikv", "GetLockWaitHistory", Unary, NOT_YET),
    method("tikvpb", "Tikv", "GetTiFlashSystemTable", Unary, TIFLASH),
    method("tikvpb", "Tikv", "tryAddLock", Unary, TIFLASH),
    method("tikvpb", "Tikv", "tryMarkDelete", Unary, TIFLASH),
    method("tikvpb", "Tikv", "EstablishDisaggTask", Unary, TIFLASH),
    method("tikvpb", "Tikv", "CancelDisaggTask", Unary, TIFLASH),
    method("tikvpb", "Tikv", "FetchDisaggPages", ServerStream, TIFLASH),
    method("tikvpb", "Tikv", "GetDisaggConfig", Unary, TIFLASH),
    method("import_sstpb", "ImportSST", "SwitchMode", Unary, SERVED),
    method("import_sstpb", "ImportSST", "GetMode", Unary, NOT_YET),
    method("import_sstpb", "ImportSST", "Upload", ClientStream, NOT_YET),
    method("import_sstpb", "ImportSST", "Ingest", Unary, SERVED),
    method("import_sstpb", "ImportSST", "Compact", Unary, NOT_YET),
    method("import_sstpb", "ImportSST", "SetDownloadSpeedLimit", Unary, NOT_YET),
    method("import_sstpb", "ImportSST", "Download", Unary, NOT_YET),
    method("import_sstpb", "ImportSST", "Write", ClientStream, SERVED),
    method("import_sstpb", "ImportSST", "RawWrite", ClientStream, NOT_YET),
    method("import_sstpb", "ImportSST", "MultiIngest", Unary, SERVED),
    method("import_sstpb", "ImportSST", "DuplicateDetect", ServerStream, NOT_YET),
    method("import_sstpb", "ImportSST", "Apply", Unary, NOT_YET),
    method("import_sstpb", "ImportSST", "ClearFiles", Unary, NOT_YET),
    method("import_sstpb", "ImportSST", "SuspendImportRPC", Unary, NOT_YET),
    method("backup", "Backup", "backup", ServerStream, SERVED),
    method("backup", "Backup", "CheckPendingAdminOp", ServerStream, NOT_YET),
    method("backup", "Backup", "PrepareSnapshotBackup", Bidi, NOT_YET),
    method("backup", "Backup", "prepare", Unary, NOT_YET),
    method("backup", "Backup", "cleanup", Unary, NOT_YET),
    method("backup", "ExternalStorage", "restore", Unary, EXTERNAL),
    method("backup", "ExternalStorage", "save", Unary, EXTERNAL),
    method("tsopb", "TSO", "Tso", Bidi, MICROSERVICE),
    method("tsopb", "TSO", "FindGroupByKeyspaceID", Unary, MICROSERVICE),
    method("tsopb", "TSO", "GetMinTS", Unary, MICROSERVICE),
    method("debugpb", "Debug", "Get", Unary, DEBUG),
    method("debugpb", "Debug", "RaftLog", Unary, DEBUG),
    method("debugpb", "Debug", "RegionInfo", Unary, DEBUG),
    method("debugpb", "Debug", "RegionSize", Unary, DEBUG),
    method("debugpb", "Debug", "ScanMvcc", ServerStream, DEBUG),
    method("debugpb", "Debug", "Compact", Unary, DEBUG),
    method("debugpb", "Debug", "InjectFailPoint", Unary, DEBUG),
    method("debugpb", "Debug", "RecoverFailPoint", Unary, DEBUG),
    method("debugpb", "Debug", "ListFailPoints", Unary, DEBUG),
    method("debugpb", "Debug", "GetMetrics", Unary, DEBUG),
    method("debugpb", "Debug", "CheckRegionConsistency", Unary, DEBUG),
    method("debugpb", "Debug", "ModifyTikvConfig", Unary, DEBUG),
    method("debugpb", "Debug", "GetRegionProperties", Unary, DEBUG),
    method("debugpb", "Debug", "GetStoreInfo", Unary, DEBUG),
    method("debugpb", "Debug", "GetClusterInfo", Unary, DEBUG),
    method("debugpb", "Debug", "GetAllRegionsInStore", Unary, DEBUG),
    method("debugpb", "Debug", "ResetToVersion", Unary, DEBUG),
    method("debugpb", "Debug", "GetRangeProperties", Unary, DEBUG),
    method("debugpb", "Debug", "FlashbackToVersion", Unary, DEBUG),
    method("debugpb", "Debug", "GetRegionReadProgress", Unary, DEBUG),
    method("meta_storagepb", "MetaStorage", "Watch", ServerStream, MICROSERVICE),
    method("meta_storagepb", "MetaStorage", "Get", Unary, MICROSERVICE),
    method("meta_storagepb", "MetaStorage", "Put", Unary, MICROSERVICE),
    method("meta_storagepb", "MetaStorage", "Delete", Unary, MICROSERVICE),
    method("resource_manager", "ResourceManager", "ListResourceGroups", Unary, RESOURCE),
    method("resource_manager", "ResourceManager", "GetResourceGroup", Unary, RESOURCE),
    method("resource_manager", "ResourceManager", "AddResourceGroup", Unary, RESOURCE),
    method("resource_manager", "ResourceManager", "ModifyResourceGroup", Unary, RESOURCE),
    method("resource_manager", "ResourceManager", "DeleteResourceGroup", Unary, RESOURCE),
    method("resource_manager", "ResourceManager", "AcquireTokenBuckets", Bidi, RESOURCE),
    method("keyspacepb", "Keyspace", "LoadKeyspace", Unary, SERVED),
    method("keyspacepb", "Keyspace", "WatchKeyspaces", ServerStream, NOT_YET),
    method("keyspacepb", "Keyspace", "UpdateKeyspaceState", Unary, NOT_YET),
    method("keyspacepb", "Keyspace", "GetAllKeyspaces", Unary, SERVED),
    method("deadlock", "Deadlock", "GetWaitForEntries", Unary, BETWEEN_STORES),
    method("deadlock", "Deadlock", "Detect", Bidi, BETWEEN_STORES),
    method("logbackup", "LogBackup", "GetLastFlushTSOfRegion", Unary, LOG_BACKUP),
    method("logbackup", "LogBackup", "SubscribeFlushEvent", ServerStream, LOG_BACKUP),
    method("import_kvpb", "ImportKV", "SwitchMode", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "OpenEngine", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "WriteEngine", ClientStream, IMPORTER),
    method("import_kvpb", "ImportKV", "WriteEngineV3", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "CloseEngine", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "ImportEngine", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "CleanupEngine", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "CompactCluster", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "GetVersion", Unary, IMPORTER),
    method("import_kvpb", "ImportKV", "GetMetrics", Unary, IMPORTER),
    method("diagnosticspb", "Diagnostics", "search_log", ServerStream, DEBUG),
    method("diagnosticspb", "Diagnostics", "server_info", Unary, DEBUG),];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_is_found_by_its_path_and_by_its_full_name() {
        for method in &METHODS {
            assert!(Method::of_path(&format!("/{method}")).is_some_and(|found| std::ptr::eq(found, method)));
            assert_eq!(method.to_string().parse(), Ok(Methods::One(method)));
        }
        for foreign in ["", "/", "RawGet", "/tikvpb.Tikv", "/tikvpb.Tikv/", "/tikvpb.Tikv/Raw", "/a/b"] {
            assert_eq!(Method::of_path(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_short_name_means_one_method_or_says_which_there_are() {
        assert_eq!("RawGet".parse::<Methods>().unwrap().to_string(), "tikvpb.Tikv/RawGet");
        let error = "Compact".parse::<Methods>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`Compact` is a method of several services; write one of `tikvpb.Tikv/Compact`, \
             `import_sstpb.ImportSST/Compact`"
        );
        let error = "RawGot".parse::<Methods>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no method of kvproto is called `RawGot`; write `RawGet`, `pdpb.PD/Tso`, `tikvpb.Tikv/*` or `*`"
        );
    }

    #[test]
    fn a_pattern_means_what_it_says_and_batches_only_by_name() {
        let tikv: Methods = "tikvpb.Tikv/*".parse().unwrap();
        assert_eq!(tikv.iter().count(), 67);
        let batch: Methods = "BatchCommands".parse().unwrap();
        assert_eq!(batch.iter().count(), 1);
        assert!(Methods::All.mean(None) && !tikv.mean(None));
        for text in ["*", "tikvpb.Tikv/*", "pdpb.PD/Tso"] {
            assert_eq!(text.parse::<Methods>().unwrap().to_string(), text);
        }
    }
}
