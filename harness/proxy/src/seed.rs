//! One seed for a run, split into named generators: a new user of randomness changes nobody else's numbers.

/// The seed of the generator called `name`. `SplitMix64` over FNV-1a of the name: both are fixed for ever, so a
/// seed in an old report still means the same run.
pub fn split(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut mixed = seed.wrapping_add(hash).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn names_and_seeds_give_different_generators_that_stay_as_they_are() {
        assert_eq!(split(7, "plan"), split(7, "plan"));
        assert_ne!(split(7, "plan"), split(7, "cluster"));
        assert_ne!(split(7, "plan"), split(8, "plan"));
    }
}
