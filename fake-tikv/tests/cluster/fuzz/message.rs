//! Messages of any method, made from our .proto files: well formed, often meaningful, with values from the edges.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use rand::seq::IndexedRandom as _;
use rand::{Rng, RngExt as _};

/// What the methods' services take, and all messages, by full name with a leading dot.
struct Protos {
    /// `/tikvpb.Tikv/RawGet` to `.kvrpcpb.RawGetRequest`.
    takes: BTreeMap<String, String>,
    messages: BTreeMap<String, DescriptorProto>,
}

static PROTOS: LazyLock<Protos> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let set = protox::compile(files, [&folder]).unwrap();
    let mut protos = Protos { takes: BTreeMap::new(), messages: BTreeMap::new() };
    for file in set.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                protos.takes.insert(path, method.input_type().to_owned());
            }
        }
        let scope = format!(".{}", file.package());
        file.message_type.into_iter().for_each(|message| protos.add(&scope, message));
    }
    protos
});

impl Protos {
    fn add(&mut self, scope: &str, message: DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.add(&name, nested.clone()));
        self.messages.insert(name, message);
    }
}

/// What there is in the cluster: values that a service looks at for longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Encoded messages by their type: contexts, headers, peers, epochs.
    pub(super) messages: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// Ids of regions, stores and peers, timestamps.
    pub(super) numbers: Vec<u64>,
    pub(super) keys: Vec<Vec<u8>>,
}

/// Nested so deep a message is empty.
const DEPTH: usize = 5;

/// A message that this path takes; nothing where our .proto files have none.
pub(super) fn of(path: &str, known: &Known, rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(name) = PROTOS.takes.get(path) {
        message(name, known, rng, 0, &mut bytes);
    }
    bytes
}

fn message(name: &str, known: &Known, rng: &mut impl Rng, depth: usize, to: &mut Vec<u8>) {
    if let Some(real) = known.messages.get(name).and_then(|all| all.choose(rng))
        && rng.random_ratio(7, 8)
    {
        to.extend(real);
        return;
    }
    if depth == DEPTH {
        return;
    }
    for field in &PROTOS.messages[name].field {
        let repeated = field.label() == Label::Repeated;
        // few of many: a command of a batch
        let times = match (repeated, field.oneof_index) {
            (true, _) => rng.random_range(0..4),
            (false, Some(_)) => u32::from(rng.random_ratio(1, 8)),
            (false, None) => u32::from(rng.random_ratio(3, 4)),
        };
        for _ in 0..times {
            value(field, known, rng, depth, to);
        }
    }
}

fn value(field: &FieldDescriptorProto, known: &Known, rng: &mut impl Rng, depth: usize, to: &mut Vec<u8>) {
    let tag = field.number().cast_unsigned();
    match field.r#type() {
        Type::Message | Type::Group => {
            let mut inner = Vec::new();
            message(field.type_name(), known, rng, depth + 1, &mut inner);
            delimited(tag, &inner, to);
        }
        Type::String => {
            let words = ["", "default", "write", "lock", "1", "/", "http://127.0.0.1:1", "\u{1f40d}"];
            delimited(tag, words.choose(rng).unwrap().as_bytes(), to);
        }
        Type::Bytes => delimited(tag, &key(known, rng), to),
        Type::Double | Type::Fixed64 | Type::Sfixed64 => {
            encode_key(tag, WireType::SixtyFourBit, to);
            to.extend(number(known, rng).to_le_bytes());
        }
        Type::Float | Type::Fixed32 | Type::Sfixed32 => {
            encode_key(tag, WireType::ThirtyTwoBit, to);
            to.extend((number(known, rng) as u32).to_le_bytes());
        }
        Type::Bool => varint(tag, rng.random_range(0..2), to),
        Type::Enum => varint(tag, rng.random_range(0..6), to),
        _ => varint(tag, number(known, rng), to),
    }
}

fn varint(tag: u32, value: u64, to: &mut Vec<u8>) {
    encode_key(tag, WireType::Varint, to);
    encode_varint(value, to);
}

fn delimited(tag: u32, bytes: &[u8], to: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, to);
    encode_varint(bytes.len() as u64, to);
    to.extend(bytes);
}

/// Small ones most of all, so that calls meet: versions, counts, limits.
fn number(known: &Known, rng: &mut impl Rng) -> u64 {
    match rng.random_range(0..8) {
        0..4 => rng.random_range(0..8),
        4 | 5 => known.numbers.choose(rng).copied().unwrap_or_default(),
        6 => *[u64::MAX, u64::MAX - 1, i64::MAX as u64, 1 << 63, u64::from(u32::MAX), 1 << 31, 1 << 40]
            .choose(rng)
            .unwrap(),
        _ => rng.random(),
    }
}

fn key(known: &Known, rng: &mut impl Rng) -> Vec<u8> {
    match rng.random_range(0..4) {
        0 => (0..rng.random_range(0..12)).map(|_| rng.random()).collect(),
        1 => vec![rng.random_range(b'a'..b'd')],
        _ => known.keys.choose(rng).cloned().unwrap_or_default(),
    }
}
