//! How PD and regions know a client's key.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of one group of a memcomparable key, without its marker.
const GROUP: usize = 8;

/// Raw keys are themselves, transactional ones memcomparable (API V1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    Raw,
    Txn,
}

impl Keys {
    /// A client's key as regions know it.
    pub(super) fn to_region(self, key: &[u8]) -> Bytes {
        match self {
            Self::Raw => Bytes::copy_from_slice(key),
            Self::Txn => encode(key),
        }
    }
    /// A region's border as a client's key; `None` if it is not one.
    pub(super) fn of_region(self, border: &Bytes) -> Option<Bytes> {
        match self {
            Self::Txn if !border.is_empty() => decode(border),
            Self::Raw | Self::Txn => Some(border.clone()),
        }
    }
}

/// Groups of eight bytes, each followed by 255 less what it lacks of them.
fn encode(key: &[u8]) -> Bytes {
    let mut encoded = BytesMut::with_capacity((key.len() / GROUP + 1) * (GROUP + 1));
    for at in (0..=key.len()).step_by(GROUP) {
        let group = &key[at..key.len().min(at + GROUP)];
        let lacks = GROUP - group.len();
        encoded.put_slice(group);
        encoded.put_bytes(0, lacks);
        encoded.put_u8(u8::MAX - lacks as u8);
    }
    encoded.freeze()
}

fn decode(encoded: &[u8]) -> Option<Bytes> {
    let mut key = BytesMut::with_capacity(encoded.len());
    let mut groups = encoded.chunks(GROUP + 1);
    loop {
        let (marker, group) = groups.next()?.split_last()?;
        let lacks = usize::from(u8::MAX - marker);
        let (full, padding) = group.split_at(group.len().checked_sub(lacks)?);
        if group.len() != GROUP || padding.iter().any(|byte| *byte != 0) {
            return None;
        }
        key.put_slice(full);
        if lacks > 0 {
            return groups.next().is_none().then(|| key.freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_padded_to_groups_of_eight() {
        assert_eq!(&encode(b"")[..], [0, 0, 0, 0, 0, 0, 0, 0, 247]);
        assert_eq!(&encode(b"\x01\x02\x03")[..], [1, 2, 3, 0, 0, 0, 0, 0, 250]);
        assert_eq!(encode(&[7; 8]).len(), 18);
    }

    #[test]
    fn an_empty_border_is_the_end_of_all_keys_in_either_mode() {
        for keys in [Keys::Raw, Keys::Txn] {
            assert_eq!(keys.of_region(&Bytes::new()), Some(Bytes::new()));
        }
    }

    proptest! {
        #[test]
        fn encoded_keys_lead_back_and_keep_their_order(a in prop::collection::vec(any::<u8>(), 0..20), b in prop::collection::vec(any::<u8>(), 0..20)) {
            let (ea, eb) = (encode(&a), encode(&b));
            prop_assert_eq!(a.cmp(&b), ea.cmp(&eb));
            prop_assert_eq!(Keys::Txn.of_region(&ea), Some(Bytes::from(a)));
        }
        #[test]
        fn any_border_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _key = Keys::Txn.of_region(&Bytes::from(bytes));
        }
    }
}
