//! The lines of one durable step as its column has them: each after its length in four bytes, all packed with Zstandard.

use std::io::{self, Read};

use crate::ledger::Serial;

const LEVEL: i32 = 1;

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

/// Returns the lines of a step.
///
/// # Errors
///
/// Returns an error for what was not packed by [`packed`].
pub(super) fn unpacked(body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut plain = Vec::new();
    zstd::stream::read::Decoder::new(body)?.read_to_end(&mut plain)?;
    let (mut rest, mut lines) = (plain.as_slice(), Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (line, behind) = behind.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        lines.push(line.to_vec());
        rest = behind;
    }
    if rest.is_empty() { Ok(lines) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
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
        assert_eq!(unpacked(&body).unwrap(), lines);
        let short = zstd::bulk::compress(&[0, 0, 0, 9, 1], 1).unwrap();
        assert!(unpacked(&short).is_err() && unpacked(&body[..body.len() - 2]).is_err());
    }
}
