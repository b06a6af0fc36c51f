//! What can be wrong with a toxic's parameters.

/// Why a toxic is not put in force. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// A number that is none of those that make sense.
    #[error("`{field}` is {is}, but has to be {must}")]
    OutOfRange {
        /// Which, by its name in the toxic's parameters.
        field: &'static str,
        /// What it is.
        is: String,
        /// What it has to be.
        must: &'static str,
    },
    /// A limit in bytes where there are none.
    #[error("`{kind}` acts on new connections, before their first byte: take `after_bytes` out")]
    NoBytesYet {
        /// Of which toxic.
        kind: &'static str,
    },
    /// An update that would make another toxic of it.
    #[error("a `{was}` cannot become a `{wanted}`: take it out and add another one")]
    OtherKind {
        /// What it is.
        was: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// An update that would move it to the other direction.
    #[error("a `{kind}` cannot change its direction: take it out and add another one")]
    OtherStream {
        /// Of which toxic.
        kind: &'static str,
    },
}

/// A share of a whole.
pub(crate) fn share(field: &'static str, share: f64) -> Result<(), Invalid> {
    // a NaN is in no range
    let fits = (0.0..=1.0).contains(&share);
    fits.then_some(()).ok_or_else(|| Invalid::OutOfRange {
        field,
        is: share.to_string(),
        must: "from 0 to 1",
    })
}

#[cfg(test)]
mod tests {
    use crate::toxic::{Corrupt, Kind, Loss, Only, Slicer, Toxic};

    #[test]
    fn each_error_says_what_is_wrong_and_what_would_not_be() {
        let cases = [
            (
                Toxic { toxicity: f64::NAN, ..Toxic::new(Kind::Noop) },
                "`toxicity` is NaN, but has to be from 0 to 1",
            ),
            (
                Toxic { toxicity: -0.1, ..Toxic::new(Kind::Noop) },
                "`toxicity` is -0.1, but has to be from 0 to 1",
            ),
            (
                Toxic::new(Kind::Loss(Loss { rate: 1.5, ..Loss::default() })),
                "`rate` is 1.5, but has to be from 0 to 1",
            ),
            (Toxic::new(Kind::Corrupt(Corrupt { rate: 2.0 })), "`rate` is 2, but has to be from 0 to 1"),
            (
                Toxic::new(Kind::Slicer(Slicer { average_size: 0, ..Slicer::default() })),
                "`average_size` is 0, but has to be at least 1",
            ),
            (
                Toxic { only: Only { after_bytes: 1, ..Only::default() }, ..Toxic::new(Kind::Refuse) },
                "`refuse` acts on new connections, before their first byte: take `after_bytes` out",
            ),
        ];
        for (toxic, says) in cases {
            assert_eq!(toxic.check().unwrap_err().to_string(), says);
        }
        assert_eq!(Toxic::new(Kind::Noop).check(), Ok(()));
    }
}
