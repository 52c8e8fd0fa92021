//! An index of names that finds repetitions in linear time.
//!
//! A standard hash map would ask the kernel for random numbers first. The names come from whoever
//! starts the launcher, who gains nothing from slowing the own start down, so a fixed hash will do.

/// Below this many names comparing each with each is cheaper than any table.
const FEW: usize = 32;

/// The bucket is free.
const FREE: u32 = u32::MAX;

/// Names seen so far, with the position of each.
pub struct NamesIndex<'a> {
    names: Vec<(&'a [u8], u32)>,
    /// Open addressing with linear probing, at most half full; empty where few names are expected.
    buckets: Vec<u32>,
    /// Comparisons of names so far, which a test holds to be linear.
    #[cfg(test)]
    pub probes: usize,
}

impl<'a> NamesIndex<'a> {
    /// An index for up to `expected` names; more are taken, at a growing price.
    pub fn new(expected: usize) -> Self {
        let size = if expected > FEW { (expected * 2).next_power_of_two() } else { 0 };
        NamesIndex {
            names: Vec::with_capacity(expected),
            buckets: vec![FREE; size],
            #[cfg(test)]
            probes: 0,
        }
    }

    /// Notes that `name` stands at `position`. Where the name was noted before, nothing changes
    /// and its position of then is returned.
    pub fn insert(&mut self, name: &'a [u8], position: u32) -> Option<u32> {
        if self.buckets.is_empty() {
            if let Some(&(_, earlier)) = self.names.iter().find(|(seen, _)| *seen == name) {
                return Some(earlier);
            }
            self.names.push((name, position));
            return None;
        }
        if self.names.len() * 2 >= self.buckets.len() {
            self.grow();
        }
        let mask = self.buckets.len() - 1;
        let mut at = hash(name) & mask;
        loop {
            #[cfg(test)]
            {
                self.probes += 1;
            }
            let bucket = self.buckets.get_mut(at)?;
            if *bucket == FREE {
                *bucket = u32::try_from(self.names.len()).unwrap_or(FREE);
                self.names.push((name, position));
                return None;
            }
            if let Some(&(seen, earlier)) = self.names.get(*bucket as usize)
                && seen == name
            {
                return Some(earlier);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = self.buckets.len() * 2;
        self.buckets.clear();
        self.buckets.resize(size, FREE);
        for (number, (name, _)) in (0u32..).zip(&self.names) {
            let mut at = hash(name) & (size - 1);
            while let Some(bucket) = self.buckets.get_mut(at) {
                if *bucket == FREE {
                    *bucket = number;
                    break;
                }
                at = (at + 1) & (size - 1);
            }
        }
    }
}

/// FNV-1a over words of eight bytes instead of single ones, since the multiplication is what
/// takes the time; each is folded, as the low bits alone choose the bucket.
fn hash(name: &[u8]) -> usize {
    let mix = |hash: u64, word: u64| {
        let hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^ (hash >> 32)
    };
    let (words, rest) = name.as_chunks::<8>();
    let hash =
        words.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(1, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, rest) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_found_with_its_first_position() {
        for expected in [0, 3, 40] {
            let mut index = NamesIndex::new(expected);
            assert_eq!(index.insert(b"A", 0), None);
            assert_eq!(index.insert(b"B", 1), None);
            assert_eq!(index.insert(b"A", 2), Some(0));
            assert_eq!(index.insert(b"A", 3), Some(0));
            assert_eq!(index.insert(b"", 4), None);
        }
    }

    #[test]
    fn ten_thousand_names_cost_a_few_probes_each() {
        let names: Vec<String> = (0..10_000).map(|n| format!("VARIABLE_{n}")).collect();
        for expected in [10_000, 33] {
            let mut index = NamesIndex::new(expected);
            for (position, name) in (0u32..).zip(&names) {
                assert_eq!(index.insert(name.as_bytes(), position), None);
            }
            for (position, name) in (0u32..).zip(&names) {
                assert_eq!(index.insert(name.as_bytes(), 99_999), Some(position));
            }
            assert!(index.probes < 80_000, "{}", index.probes);
        }
    }
}
