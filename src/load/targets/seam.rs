//! The place where two Parquet files were joined. It needs no reader of theirs.

/// Finds the end of one Parquet file with the beginning of another behind it, in bytes that pass by.
#[derive(Debug, Default)]
pub(super) struct Seam {
    /// The last bytes of what passed.
    before: Vec<u8>,
    is_found: bool,
}

impl Seam {
    const BYTES: &'static [u8; 8] = b"PAR1PAR1";

    pub(super) fn look(&mut self, bytes: &[u8]) {
        let keep = Self::BYTES.len() - 1;
        let mut edge = std::mem::take(&mut self.before);
        edge.extend_from_slice(&bytes[..bytes.len().min(keep)]);
        let found = |bytes| memchr::memmem::find(bytes, Self::BYTES).is_some();
        self.is_found = self.is_found || found(&edge) || found(bytes);
        // Short reads: the edge goes on growing until it is as long as it needs to be.
        let rest = if bytes.len() < keep { &edge[..] } else { bytes };
        self.before = rest[rest.len().saturating_sub(keep)..].to_vec();
    }

    pub(super) fn is_found(&self) -> bool {
        self.is_found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_seam_is_found_however_the_bytes_come(
            before in prop::collection::vec(any::<u8>(), 0..20),
            cuts in prop::collection::vec(1_usize..6, 1..40),
            is_there in any::<bool>(),
        ) {
            let seam: &[u8] = if is_there { b"PAR1PAR1" } else { b"PAR1 PAR1" };
            let bytes = [&before, seam, &before].concat();
            let (mut found, mut rest) = (Seam::default(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                found.look(now);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found.is_found(), is_there);
        }
    }
}
