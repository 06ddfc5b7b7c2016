//! The lines of one durable step as its column has them: each after its length in four bytes, all packed with Zstandard.

use std::io::{self, Read};

use crate::ledger::Serial;

const LEVEL: i32 = 1;
/// Most bytes that a step unpacks to: a damaged length must not take all memory.
const PLAIN_BYTES_MAX: u64 = 256 << 20;

/// Packs lines.
///
/// # Errors
///
/// Returns the packer's error.
pub(super) fn packed<'lines>(lines: impl Iterator<Item = &'lines [u8]>) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    for line in lines {
        let length = u32::try_from(line.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(line);
    }
    zstd::bulk::compress(&plain, LEVEL)
}

/// Returns the lines of a step, each when it is its turn.
///
/// # Errors
///
/// Returns an error for what was not packed by [`packed`]; so do the lines, from where they are not.
pub(super) fn unpacked(body: &[u8]) -> io::Result<UnpackedLines> {
    let mut plain = Vec::new();
    zstd::stream::read::Decoder::new(body)?.take(PLAIN_BYTES_MAX + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > PLAIN_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(UnpackedLines { plain, at: 0 })
}

/// Lines that were laid together.
#[derive(Debug)]
pub(super) struct UnpackedLines {
    plain: Vec<u8>,
    at: usize,
}

impl Iterator for UnpackedLines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let rest = self.plain.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = || {
            let (length, behind) = rest.split_first_chunk()?;
            behind.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
        };
        let Some(line) = line() else {
            self.at = self.plain.len();
            return Some(Err(io::ErrorKind::UnexpectedEof.into()));
        };
        self.at += size_of::<u32>() + line.len();
        Some(Ok(line.to_vec()))
    }
}

/// Returns the lines of a step without their serials.
pub(super) fn bare(lines: &[(Serial, Vec<u8>)]) -> impl Iterator<Item = &[u8]> {
    lines.iter().map(|(_, line)| line.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_and_half_a_step_is_none() {
        let lines: [&[u8]; 3] = [b"one", b"", &[0; 300]];
        let body = packed(lines.into_iter()).unwrap();
        let all = |body: &[u8]| unpacked(body)?.collect::<io::Result<Vec<_>>>();
        assert_eq!(all(&body).unwrap(), lines);
        let short = zstd::bulk::compress(&[0, 0, 0, 9, 1], 1).unwrap();
        assert!(all(&short).is_err() && all(&body[..body.len() - 2]).is_err());
        let bomb = zstd::bulk::compress(&vec![0; 1 + usize::try_from(PLAIN_BYTES_MAX).unwrap()], 1).unwrap();
        assert!(bomb.len() < 1 << 20 && all(&bomb).is_err());
    }
}
