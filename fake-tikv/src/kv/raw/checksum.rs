//! `RawChecksum`: the CRC-64 of each key followed by its value, all of them xored.

use crc::{CRC_64_XZ, Crc};

use super::refusal::{Check, Cmd, Refusal};
use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{ChecksumAlgorithm, RawChecksumRequest, RawChecksumResponse};
use crate::spec::Mode;

/// ECMA's polynomial, reflected, as xz has it.
const CRC: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);

command! {
    RawChecksumRequest as "RawChecksum" -> RawChecksumResponse;
    |sum, see| sum.ranges.iter().map(|range| &range.start_key).for_each(see); run;
    const PEERS: Peers = Peers::AsAsked;
    const TO_THE_END: bool = true;
    fn check(&self, mode: Mode) -> Result<(), RawChecksumResponse> {
        if ChecksumAlgorithm::try_from(self.algorithm).is_err() {
            return Err(Refusal::Other("unknown checksum algorithm").into());
        }
        Check::api(Cmd::raw_checksum, mode, self.context.as_ref())?.ranges(&self.ranges)?;
        Ok(())
    }
}

fn run(request: &RawChecksumRequest, on: &mut On<'_>) -> Step<RawChecksumResponse> {
    let mut sum = RawChecksumResponse::default();
    for range in &request.ranges {
        on.pairs_within("", &range.start_key, &range.end_key, |pairs| {
            for (key, value) in pairs {
                let mut digest = CRC.digest();
                digest.update(key);
                digest.update(value);
                sum.checksum ^= digest.finalize();
                sum.total_kvs += 1;
                sum.total_bytes += (key.len() + value.len()) as u64;
            }
        });
    }
    Step::Done(sum)
}
