//! Writes small databases of the MaxMind format (version 2.0), for tests.

use std::net::IpAddr;

/// A value of a record.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Double(f64),
    Integer(u32),
    Map(Vec<(String, Value)>),
    List(Vec<Value>),
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn map<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Map(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                head(out, 2, text.len());
                out.extend_from_slice(text.as_bytes());
            }
            Self::Double(number) => {
                head(out, 3, 8);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Integer(number) => {
                head(out, 6, 4);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::List(items) => {
                out.extend_from_slice(&[u8::try_from(items.len()).unwrap(), 4]);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(members) => {
                head(out, 7, members.len());
                for (name, value) in members {
                    Self::text(name).write(out);
                    value.write(out);
                }
            }
        }
    }
}

/// The control byte of a value that is shorter than 29.
fn head(out: &mut Vec<u8>, kind: u8, len: usize) {
    out.push(kind << 5 | u8::try_from(len).ok().filter(|len| *len < 29).unwrap());
}

/// One side of a node.
#[derive(Clone, Copy)]
enum Leg {
    Nothing,
    Node(usize),
    /// Place in the data section.
    Data(usize),
}

/// A database of these networks, later ones within earlier ones.
pub(super) fn write(networks: &[(&str, u8, Value)]) -> Vec<u8> {
    let mut nodes = vec![[Leg::Nothing; 2]];
    let mut data = Vec::new();
    for (address, bits, value) in networks {
        let (address, bits) = match address.parse().unwrap() {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), bits + 96),
            IpAddr::V6(v6) => (u128::from(v6), *bits),
        };
        let start = data.len();
        value.write(&mut data);
        let mut node = 0;
        for depth in 0..bits {
            let side = (address >> (127 - depth)) as usize & 1;
            if depth + 1 == bits {
                nodes[node][side] = Leg::Data(start);
                break;
            }
            let next = match nodes[node][side] {
                Leg::Node(next) => next,
                inherited => {
                    nodes.push([inherited; 2]);
                    nodes[node][side] = Leg::Node(nodes.len() - 1);
                    nodes.len() - 1
                }
            };
            node = next;
        }
    }
    let mut out = Vec::new();
    for leg in nodes.iter().flatten() {
        let record = match leg {
            Leg::Nothing => nodes.len(),
            Leg::Node(node) => *node,
            Leg::Data(start) => nodes.len() + 16 + start,
        };
        out.extend_from_slice(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
    }
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    write_metadata(&mut out, nodes.len());
    out
}

fn write_metadata(out: &mut Vec<u8>, nodes: usize) {
    fn small(out: &mut Vec<u8>, name: &str, number: u16) {
        Value::text(name).write(out);
        head(out, 5, 2);
        out.extend_from_slice(&number.to_be_bytes());
    }
    head(out, 7, 9);
    small(out, "binary_format_major_version", 2);
    small(out, "binary_format_minor_version", 0);
    small(out, "ip_version", 6);
    small(out, "record_size", 24);
    Value::text("build_epoch").write(out);
    out.extend_from_slice(&[1, 2, 0]); // a 64-bit number of one byte
    Value::text("database_type").write(out);
    Value::text("Example").write(out);
    Value::text("description").write(out);
    Value::map([("en", Value::text("For tests"))]).write(out);
    Value::text("languages").write(out);
    Value::List(Vec::new()).write(out);
    Value::text("node_count").write(out);
    Value::Integer(u32::try_from(nodes).unwrap()).write(out);
}
