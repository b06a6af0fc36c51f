//! How a key that a client names becomes a key that regions know.
//!
//! | mode | client's key | regions' key |
//! |---|---|---|
//! | [`Mode::Raw`], [`Mode::RawTtl`] | `k` | `k` |
//! | [`Mode::Txn`] | `k` | memcomparable `k` |
//! | [`Mode::V2`] | mode byte, keyspace, `k` (the client adds them) | memcomparable of all that |
//!
//! Memcomparable: groups of eight bytes, the last padded with zeros, each followed by 0xff minus its padding; what
//! `EncodeBytes` of `TiDB` and `TiKV` does. An empty key, which is an edge of the key space, stays empty.

use bytes::Bytes;

use crate::spec::Mode;

/// Bytes of a group, without its marker.
const GROUP: usize = 8;
/// The marker of a group without padding.
const FULL: u8 = 0xff;

impl Mode {
    /// The key under which regions know what a client calls `key`.
    pub(crate) fn region_key(self, key: &Bytes) -> Bytes {
        match self {
            Mode::Raw | Mode::RawTtl => key.clone(),
            Mode::Txn | Mode::V2 => encode(key),
        }
    }
    /// The client's key for a region's border. `None` where the border is no encoded key.
    pub(crate) fn client_key(self, key: &Bytes) -> Option<Bytes> {
        match self {
            Mode::Raw | Mode::RawTtl => Some(key.clone()),
            Mode::Txn | Mode::V2 => decode(key),
        }
    }
}

/// The memcomparable form of a key: sorts as the key does, and no key is the beginning of another.
pub(crate) fn encode(key: &[u8]) -> Bytes {
    if key.is_empty() {
        return Bytes::new();
    }
    let mut encoded = Vec::with_capacity((key.len() / GROUP + 1) * (GROUP + 1));
    let groups = key.chunks_exact(GROUP);
    let rest = groups.remainder();
    for group in groups {
        encoded.extend_from_slice(group);
        encoded.push(FULL);
    }
    encoded.extend_from_slice(rest);
    encoded.resize(encoded.len() + GROUP - rest.len(), 0);
    encoded.push(FULL - (GROUP - rest.len()) as u8);
    Bytes::from(encoded)
}

/// The key that [`encode`] has made into this. `None` where it cannot have.
pub(crate) fn decode(encoded: &[u8]) -> Option<Bytes> {
    if encoded.is_empty() {
        return Some(Bytes::new());
    }
    let mut key = Vec::with_capacity(encoded.len());
    let mut groups = encoded.chunks_exact(GROUP + 1);
    while let Some((marker, group)) = groups.next()?.split_last() {
        let padding = usize::from(FULL - marker);
        let (bytes, zeros) = group.split_at(GROUP.checked_sub(padding)?);
        key.extend_from_slice(bytes);
        if padding > 0 {
            let last = groups.next().is_none() && groups.remainder().is_empty();
            return (last && zeros.iter().all(|zero| *zero == 0)).then(|| Bytes::from(key));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_encoded_as_tidb_does() {
        // the examples in TiDB's own `EncodeBytes`
        assert_eq!(encode(&[1, 2, 3])[..], [1, 2, 3, 0, 0, 0, 0, 0, 250]);
        assert_eq!(encode(&[1, 2, 3, 0])[..], [1, 2, 3, 0, 0, 0, 0, 0, 251]);
        let full = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(encode(&full)[..], [1, 2, 3, 4, 5, 6, 7, 8, 255, 0, 0, 0, 0, 0, 0, 0, 0, 247]);
    }

    #[test]
    fn what_nobody_encoded_is_not_decoded() {
        for wrong in [&b"h"[..], &[1, 2, 3, 4, 5, 6, 7, 8, 255], &[1, 2, 3, 1, 0, 0, 0, 0, 250], &[0; 9]] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_key_leads_back_and_sorts_alike(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&a)).unwrap(), &a[..]);
            prop_assert_eq!(encode(&a).cmp(&encode(&b)), a.cmp(&b));
        }
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>) {
            if let Some(key) = decode(&bytes) {
                prop_assert_eq!(encode(&key), &bytes[..]);
            }
        }
    }
}
