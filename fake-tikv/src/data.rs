//! The data set: what a client has to ingest or back up, as pure functions of a key's number.
//!
//! Client and cluster agree on this and on nothing else. Region `r` of a new cluster holds keys `r*k..(r+1)*k`.

use std::ops::Range;

use bytes::Bytes;

/// Digits of a key, so that keys sort as their numbers do.
const DIGITS: usize = 12;
/// Bytes of a value.
const VALUE: usize = 100;

/// The key with number `i`, e.g. `k000000000042`.
pub fn key(i: u64) -> Bytes {
    Bytes::from(format!("k{i:0DIGITS$}"))
}

/// The value of the key with number `i`: 100 bytes that no other key has.
pub fn value(i: u64) -> Bytes {
    // splitmix64, whose stream is fixed by its definition
    let mut state = i;
    let mut bytes = Vec::with_capacity(VALUE + 8);
    while bytes.len() < VALUE {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes.truncate(VALUE);
    Bytes::from(bytes)
}

/// The number of a key, if it has the form of [`key`].
pub fn number(key: &[u8]) -> Option<u64> {
    let digits = key.strip_prefix(b"k").filter(|digits| digits.len() == DIGITS)?;
    digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + u64::from(d - b'0')))
}

/// The keys of region `r`, by number, with `per_region` keys a region.
pub fn region(r: u32, per_region: u32) -> Range<u64> {
    let k = u64::from(per_region);
    u64::from(r) * k..(u64::from(r) + 1) * k
}

/// Where region `r` begins: the first key of its share; the first region begins where the key space does.
///
/// Without keys to ingest the regions still need borders, as if there were one key a region.
pub fn border(r: u32, per_region: u32) -> Bytes {
    if r == 0 { Bytes::new() } else { key(region(r, per_region.max(1)).start) }
}

/// The keys of a data set of `total` keys that lie between two keys, by number; an empty end is the end of the key space.
pub fn between(start: &[u8], end: &[u8], total: u64) -> Range<u64> {
    let at_or_after = |edge: &[u8]| {
        // the first number whose key is not before the edge
        let (mut low, mut high) = (0, total);
        while low < high {
            let middle = u64::midpoint(low, high);
            if &key(middle)[..] < edge { low = middle + 1 } else { high = middle }
        }
        low
    };
    let from = at_or_after(start);
    let to = if end.is_empty() { total } else { at_or_after(end) };
    from..to.max(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_numbers_and_lead_back_to_them() {
        for i in [0, 1, 9, 10, 99_999, 12_345_678_901] {
            assert!(key(i) < key(i + 1));
            assert_eq!(number(&key(i)), Some(i));
        }
    }

    #[test]
    fn foreign_keys_have_no_number() {
        for foreign in ["", "k", "k1", "x000000000001", "k00000000000x", "k0000000000001"] {
            assert_eq!(number(foreign.as_bytes()), None, "{foreign}");
        }
    }

    #[test]
    fn keys_between_two_keys_are_found_by_number() {
        assert_eq!(between(b"", b"", 100), 0..100);
        assert_eq!(between(&key(10), &key(20), 100), 10..20);
        assert_eq!(between(&key(95), &key(200), 100), 95..100);
        assert_eq!(between(b"k00000000001", b"", 100), 10..100);
        assert_eq!(between(b"z", b"a", 100), 100..100);
    }

    #[test]
    fn values_differ_and_do_not_change() {
        assert_ne!(value(1), value(2));
        assert_eq!(value(7).len(), VALUE);
        // the stream that splitmix64 defines for seed 0 begins with e220a8397b1dcdaf
        assert_eq!(value(0)[..8], 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
    }
}
