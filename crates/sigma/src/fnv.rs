//! 64-bit FNV-1a (draft-eastlake-fnv): versions of rules. Chosen for being defined outside of any library: versions must not change
//! with a dependency.

/// A hash in the making.
#[derive(Debug)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// A text with its length, so that two texts in a row are not taken for two others.
    pub(crate) fn write_text(&mut self, text: &str) {
        self.write(&(text.len() as u64).to_le_bytes());
        self.write(text.as_bytes());
    }

    /// The hash of what was written.
    pub(crate) fn finish(&self) -> u64 {
        self.0
    }

    /// The hash as 16 hexadecimal digits.
    pub(crate) fn digits(&self) -> String {
        format!("{:016x}", self.0)
    }
}

impl std::fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Fnv;

    #[test]
    fn fnv_agrees_with_its_published_vectors() {
        for (text, expected) in [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")] {
            let mut hash = Fnv::new();
            hash.write(text.as_bytes());
            assert_eq!(hash.digits(), expected, "{text}");
        }
    }
}
