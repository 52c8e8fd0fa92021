//! A Kubernetes secret volume, as the kubelet writes and rotates it.

use super::{OTHER, SECRET, THIRD};
use std::os::unix::fs::symlink;
use std::path::Path;

/// The keys of a volume with the value that each generation marks with its number.
pub const KEYS: [(&str, &str); 3] = [
    ("jwt-secret", SECRET),
    ("nexis-api-hmac-secret", OTHER),
    ("nexis-webhook-signing-key", THIRD),
];

/// The value of generation `number`: its number stands at the end.
pub fn marked(value: &str, number: usize) -> String {
    format!("{}{number:06}", &value[6..])
}

/// Makes generation `number` of a volume, with one value a key, and swaps `..data` to it as the
/// kubelet does: a new link renamed over the old one, then the old generation removed.
pub fn publish(volume: &Path, number: usize) {
    let own = format!("..gen_{number}");
    let generation = volume.join(&own);
    std::fs::create_dir(&generation).unwrap();
    for (key, value) in KEYS {
        std::fs::write(generation.join(key), marked(value, number)).unwrap();
    }
    symlink(&own, volume.join("..data_tmp")).unwrap();
    std::fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    if number > 0 {
        std::fs::remove_dir_all(volume.join(format!("..gen_{}", number - 1))).unwrap();
    }
}
