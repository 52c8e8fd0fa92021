//! An index of names that finds repetitions in linear time.
//!
//! A standard hash map would ask the kernel for random numbers first. The names come from whoever
//! starts the launcher, who gains nothing from slowing the own start down, so a fixed hash will do.

/// The bucket is free.
const FREE: (u32, u32) = (0, u32::MAX);

/// Names seen so far, with the position of each.
pub struct NamesIndex<'a> {
    names: Vec<(&'a [u8], u32)>,
    /// The upper half of a name's hash and its place among the names. Open addressing with linear
    /// probing, at most half full; the length is a power of two.
    buckets: Vec<(u32, u32)>,
    /// Comparisons of hashes so far, which a test holds to be linear.
    #[cfg(test)]
    pub probes: usize,
}

impl<'a> NamesIndex<'a> {
    /// An index for up to `expected` names; more are taken, at a growing price.
    pub fn new(expected: usize) -> Self {
        NamesIndex {
            names: Vec::with_capacity(expected),
            buckets: vec![FREE; (expected * 2).next_power_of_two()],
            #[cfg(test)]
            probes: 0,
        }
    }

    /// Notes that `name` stands at `position`. Where the name was noted before, nothing changes
    /// and its position of then is returned.
    pub fn insert(&mut self, name: &'a [u8], position: u32) -> Option<u32> {
        if self.names.len() * 2 >= self.buckets.len() {
            self.grow();
        }
        let hash = hash(name);
        let mut at = hash as usize;
        loop {
            #[cfg(test)]
            {
                self.probes += 1;
            }
            at &= self.buckets.len() - 1;
            let bucket = self.buckets.get_mut(at)?;
            if *bucket == FREE {
                *bucket = ((hash >> 32) as u32, u32::try_from(self.names.len()).ok()?);
                self.names.push((name, position));
                return None;
            }
            if bucket.0 == (hash >> 32) as u32
                && let Some(&(seen, earlier)) = self.names.get(bucket.1 as usize)
                && seen == name
            {
                return Some(earlier);
            }
            at += 1;
        }
    }

    /// Whether the name was noted.
    pub fn contains(&self, name: &[u8]) -> bool {
        let hash = hash(name);
        let mut at = hash as usize;
        loop {
            at &= self.buckets.len() - 1;
            let Some(&(upper, place)) = self.buckets.get(at) else { return false };
            let seen = self.names.get(place as usize);
            match (upper, place) {
                FREE => return false,
                _ if upper == (hash >> 32) as u32 && seen.is_some_and(|(it, _)| *it == name) => {
                    return true;
                }
                _ => at += 1,
            }
        }
    }

    fn grow(&mut self) {
        let size = self.buckets.len() * 2;
        self.buckets.clear();
        self.buckets.resize(size, FREE);
        for (number, (name, _)) in (0u32..).zip(&self.names) {
            let hash = hash(name);
            let mut at = hash as usize & (size - 1);
            while let Some(bucket) = self.buckets.get_mut(at) {
                if *bucket == FREE {
                    *bucket = ((hash >> 32) as u32, number);
                    break;
                }
                at = (at + 1) & (size - 1);
            }
        }
    }
}

/// Words of eight bytes instead of single ones, each multiplied and both halves of the product
/// folded into one, so that every bit of a name reaches the low ones, which choose the bucket.
fn hash(name: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        product as u64 ^ (product >> 64) as u64
    };
    let start = 0xcbf2_9ce4_8422_2325 ^ name.len() as u64;
    let (words, rest) = name.as_chunks::<8>();
    let hash = words.iter().fold(start, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    // The last eight bytes, some of which were looked at before, cost less than up to seven alone.
    let last = match name.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => rest.iter().fold(1, |word, &byte| word << 8 | u64::from(byte)),
    };
    mix(hash, last)
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
            let seen = [&b"A"[..], b"B", b"", b"C", b"AA"].map(|name| index.contains(name));
            assert_eq!(seen, [true, true, true, false, false]);
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
