//! How lines are laid into values of the store: those of one durable step together, packed with Zstandard.
//!
//! One line alone stays as it is, as all of them were in ledgers of format 1. Hashes are written in hexadecimal
//! digits and most of the rest repeats from line to line: together, lines take a third of their length.

use zstd::bulk::{Compressor, Decompressor};

use crate::ledger::Serial;

/// Zstandard's quickest level that is not negative: the others gain little on hashes.
const LEVEL: i32 = 1;
/// Bytes of lines that go into one value: they come to less than [`PIECE_BYTES_MAX`] mostly.
const RAW_BYTES: usize = 16 << 10;
/// Most bytes of one value. sled 0.34 keeps a leaf of more than 128 KiB in a file of its own, and up to seventeen values
/// in a leaf; it never syncs such files.
const PIECE_BYTES_MAX: usize = 7 << 10;
/// Most bytes that a value unpacks to: a single line may be long, a damaged length must not take all memory.
const UNPACKED_BYTES_MAX: usize = 256 << 20;
/// What a packed value begins with (RFC 8878, section 3.1.1).
const ZSTANDARD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Lays lines into values.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> std::io::Result<Self> {
        Compressor::new(LEVEL).map(Self)
    }

    /// Returns the values of `lines`, each with its key and the pieces that it is cut into.
    pub(super) fn values(
        &mut self,
        lines: &[(Serial, Vec<u8>)],
    ) -> std::io::Result<Vec<(Serial, Vec<Vec<u8>>)>> {
        let (mut values, mut rest) = (Vec::new(), lines);
        while let Some((serial, _)) = rest.first() {
            let mut bytes = 0;
            let fits = |(_, line): &&(Serial, Vec<u8>)| {
                bytes += line.len();
                bytes <= RAW_BYTES
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (together, after) = rest.split_at(count);
            values.push((*serial, self.value(together)?));
            rest = after;
        }
        Ok(values)
    }

    fn value(&mut self, lines: &[(Serial, Vec<u8>)]) -> std::io::Result<Vec<Vec<u8>>> {
        if let [(_, line)] = lines
            && line.len() <= PIECE_BYTES_MAX
        {
            return Ok(vec![line.clone()]);
        }
        let raw: Vec<&[u8]> = lines.iter().map(|(_, line)| line.as_slice()).collect();
        let packed = self.0.compress(&raw.join(&b'\n'))?;
        Ok(packed.chunks(PIECE_BYTES_MAX).map(<[u8]>::to_vec).collect())
    }
}

/// Takes lines out of values.
#[derive(Default)]
pub(super) struct Unpacker(Option<Decompressor<'static>>);

impl Unpacker {
    /// Returns the lines of a value, its pieces put together.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with a value that cannot be unpacked.
    pub(super) fn lines(&mut self, value: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
        if !value.starts_with(&ZSTANDARD_MAGIC) {
            return Ok(vec![value]);
        }
        let told = |error: std::io::Error| format!("a group of records cannot be unpacked: {error}");
        let decompressor = match &mut self.0 {
            Some(decompressor) => decompressor,
            none => none.insert(Decompressor::new().map_err(told)?),
        };
        let bytes =
            Decompressor::<'_>::upper_bound(&value).unwrap_or(UNPACKED_BYTES_MAX).min(UNPACKED_BYTES_MAX);
        let raw = decompressor.decompress(&value, bytes).map_err(told)?;
        Ok(raw.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(lines: &[Vec<u8>]) -> Vec<(Serial, Vec<u8>)> {
        lines.iter().cloned().zip(5..).map(|(line, serial)| (Serial(serial), line)).collect()
    }

    fn intent(number: u32) -> Vec<u8> {
        let targets = hex::encode(
            (0..160).map(|byte: u32| (number * 7919 + byte * 104_729).to_le_bytes()[0]).collect::<Vec<_>>(),
        );
        format!("{{\"chain\":\"{number:032x}\",\"record\":\"intent\",\"targets\":\"{targets}\"}}")
            .into_bytes()
    }

    #[test]
    fn lines_come_back_in_order_however_many_and_however_long() {
        let incompressible = |bytes: usize| {
            let mut state = 1_u64;
            let mut byte = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                b' ' + (state >> 58) as u8
            };
            (0..bytes).map(|_| byte()).collect::<Vec<u8>>()
        };
        let one = vec![b"{}".to_vec()];
        let many: Vec<Vec<u8>> = (0..300).map(intent).collect();
        let long = vec![b"{}".to_vec(), incompressible(100_000), b"{}".to_vec()];
        for lines in [one, many, long, vec![incompressible(50_000)]] {
            let values = Packer::new().unwrap().values(&numbered(&lines)).unwrap();
            let mut read = Vec::new();
            for (serial, pieces) in values {
                assert_eq!(serial.0, 5 + read.len() as u64, "a value's key is its first line's");
                assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES_MAX));
                read.extend(Unpacker::default().lines(pieces.concat()).unwrap());
            }
            assert_eq!(read, lines);
        }
    }

    #[test]
    fn intents_take_less_than_half_of_their_length_together() {
        let lines: Vec<Vec<u8>> = (0..300).map(intent).collect();
        let values = Packer::new().unwrap().values(&numbered(&lines)).unwrap();
        let packed: usize = values.iter().flat_map(|(_, pieces)| pieces).map(Vec::len).sum();
        assert!(packed * 2 < lines.concat().len());
    }

    #[test]
    fn a_torn_value_is_told() {
        let lines: Vec<Vec<u8>> = (0..3).map(intent).collect();
        let value = Packer::new().unwrap().values(&numbered(&lines)).unwrap().remove(0).1.concat();
        assert!(Unpacker::default().lines(value[..value.len() - 9].to_vec()).is_err());
    }
}
