//! What a store refuses in whichever region, in TiKV's words: clients and their tests look for them.
//!
//! Most answers have a text for it. Those that have none carry one pair with an error, printed as TiKV's Rust prints it:
//! the names of the variants here are on the wire.

use bytes::Bytes;

use crate::proto::kvrpcpb::{
    ApiVersion, Context, KeyError, KeyRange, KvPair, RawBatchDeleteResponse, RawBatchGetResponse,
    RawBatchPutResponse, RawBatchScanResponse, RawCasResponse, RawChecksumResponse, RawDeleteRangeResponse,
    RawDeleteResponse, RawGetKeyTtlResponse, RawGetResponse, RawPutResponse, RawScanResponse,
};
use crate::spec::Mode;
use crate::storage::raw::Cf;

/// TiKV's default (storage.max-key-size).
const MAX_KEY: usize = 8 << 10;
/// Where an API V2 client puts raw keys.
const RAW_PREFIX: u8 = b'r';

/// Why a raw command is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("max key size exceeded, size: {size}, limit: {limit}")]
    KeyTooLarge { size: usize, limit: usize },
    #[error("invalid cf name: {0}")]
    InvalidCf(String),
    #[error("cf is deprecated in API V2, cf name: {0}")]
    CfDeprecated(String),
    #[error("ttl is not enabled, but get put request with ttl")]
    TtlNotEnabled,
    #[error("The length of ttls does not equal to the length of pairs")]
    TtlLenNotEqualsToPairs,
    #[error(
        "Api version in request does not match with TiKV storage, cmd: {cmd:?}, storage: {storage_api_version:?}, request: {req_api_version:?}"
    )]
    ApiVersionNotMatched { cmd: Cmd, storage_api_version: Version, req_api_version: Version },
    #[error(
        "Key mode mismatched with the request mode, cmd: {cmd:?}, storage: {storage_api_version:?}, key: {key}"
    )]
    InvalidKeyMode { cmd: Cmd, storage_api_version: Version, key: String },
    #[error(
        "Key mode mismatched with the request mode, cmd: {cmd:?}, storage: {storage_api_version:?}, range: {range:?}"
    )]
    InvalidKeyRangeMode { cmd: Cmd, storage_api_version: Version, range: (Option<String>, Option<String>) },
    #[error("an empty request")]
    EmptyRequest,
    #[error("{0}")]
    Other(&'static str),
}

/// The commands by the names that TiKV prints.
#[derive(Clone, Copy, Debug)]
#[expect(non_camel_case_types, reason = "printed as they are")]
pub(super) enum Cmd {
    raw_atomic_store,
    raw_batch_delete,
    raw_batch_get,
    raw_batch_put,
    raw_batch_scan,
    raw_checksum,
    raw_compare_and_swap,
    raw_delete,
    raw_delete_range,
    raw_get,
    raw_get_key_ttl,
    raw_put,
    raw_scan,
}

/// The API versions by the names that TiKV prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V1ttl,
    V2,
}

/// A request that is checked, one thing after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    cmd: Cmd,
    mode: Mode,
}

impl Check {
    /// Checks that the client speaks the store's API.
    pub(super) fn api(cmd: Cmd, mode: Mode, context: Option<&Context>) -> Result<Self, Refusal> {
        let check = Self { cmd, mode };
        let asked = context.map_or(ApiVersion::V1, Context::api_version);
        let expected = if mode == Mode::V2 { ApiVersion::V2 } else { ApiVersion::V1 };
        if asked == expected {
            return Ok(check);
        }
        let req_api_version = match asked {
            ApiVersion::V1 => Version::V1,
            ApiVersion::V1ttl => Version::V1ttl,
            ApiVersion::V2 => Version::V2,
        };
        Err(Refusal::ApiVersionNotMatched { cmd, storage_api_version: check.version(), req_api_version })
    }

    fn version(self) -> Version {
        match self.mode {
            Mode::Raw | Mode::Txn => Version::V1,
            Mode::RawTtl => Version::V1ttl,
            Mode::V2 => Version::V2,
        }
    }

    /// Checks that keys lie where the API has raw keys.
    pub(super) fn keys<'a>(self, keys: impl IntoIterator<Item = &'a Bytes>) -> Result<Self, Refusal> {
        let mut keys = keys.into_iter().filter(|_| self.mode == Mode::V2);
        let Some(key) = keys.find(|key| key.first() != Some(&RAW_PREFIX)) else { return Ok(self) };
        let key = format!("{key:X}");
        Err(Refusal::InvalidKeyMode { cmd: self.cmd, storage_api_version: self.version(), key })
    }

    /// Checks that ranges lie there too: with API V2 none is open, and none leaves the raw keys.
    pub(super) fn range(self, start: &Bytes, end: Option<&Bytes>) -> Result<Self, Refusal> {
        let within = start.first() == Some(&RAW_PREFIX)
            && end.is_some_and(|end| end.first() == Some(&RAW_PREFIX) || **end == [RAW_PREFIX + 1]);
        if self.mode != Mode::V2 || within {
            return Ok(self);
        }
        let range = (Some(format!("{start:X}")), end.map(|end| format!("{end:X}")));
        Err(Refusal::InvalidKeyRangeMode { cmd: self.cmd, storage_api_version: self.version(), range })
    }

    pub(super) fn ranges(self, ranges: &[KeyRange]) -> Result<Self, Refusal> {
        ranges.iter().try_for_each(|range| self.range(&range.start_key, Some(&range.end_key)).map(drop))?;
        Ok(self)
    }

    /// Checks the sizes of keys that are written.
    pub(super) fn sizes<'a>(self, keys: impl IntoIterator<Item = &'a Bytes>) -> Result<Self, Refusal> {
        match keys.into_iter().find(|key| key.len() > MAX_KEY) {
            Some(key) => Err(Refusal::KeyTooLarge { size: key.len(), limit: MAX_KEY }),
            None => Ok(self),
        }
    }

    /// Checks the name of a column family.
    pub(super) fn cf(self, name: &str) -> Result<Self, Refusal> {
        match cf(name) {
            _ if name.is_empty() => Ok(self),
            _ if self.mode == Mode::V2 => Err(Refusal::CfDeprecated(name.into())),
            None => Err(Refusal::InvalidCf(name.into())),
            Some(_) => Ok(self),
        }
    }

    /// Whether keys have times to live.
    pub(super) fn has_ttl(self) -> bool {
        matches!(self.mode, Mode::RawTtl | Mode::V2)
    }

    /// Checks that a time to live is given only where keys have one.
    pub(super) fn ttl(self, ttl: u64) -> Result<Self, Refusal> {
        if ttl == 0 || self.has_ttl() { Ok(self) } else { Err(Refusal::TtlNotEnabled) }
    }
}

/// The column family of that name; no name is the default one.
pub(super) fn cf(name: &str) -> Option<Cf> {
    match name {
        "" | "default" => Some(Cf::Default),
        "lock" => Some(Cf::Lock),
        "write" => Some(Cf::Write),
        _ => None,
    }
}

macro_rules! as_text {
    ($($answer:ident)*) => {$(
        impl From<Refusal> for $answer {
            fn from(refusal: Refusal) -> Self {
                Self { error: refusal.to_string(), ..Self::default() }
            }
        }
    )*};
}
as_text! {
    RawGetResponse RawPutResponse RawDeleteResponse RawCasResponse RawGetKeyTtlResponse
    RawBatchPutResponse RawBatchDeleteResponse RawDeleteRangeResponse RawChecksumResponse
}

macro_rules! as_pair {
    ($($answer:ident, $pairs:ident;)*) => {$(
        impl From<Refusal> for $answer {
            fn from(refusal: Refusal) -> Self {
                let error = KeyError { abort: format!("Error({refusal:?})"), ..KeyError::default() };
                let pair = KvPair { error: Some(error), ..KvPair::default() };
                Self { $pairs: vec![pair], ..Self::default() }
            }
        }
    )*};
}
as_pair! {
    RawBatchGetResponse, pairs;
    RawScanResponse, kvs;
    RawBatchScanResponse, kvs;
}
