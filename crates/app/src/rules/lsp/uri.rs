//! `file:` URIs and paths.

use lsp_types::Uri;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The file that a URI names; `None` for texts that are in no file.
pub(super) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    // Behind the slashes there may be a host, which can only be this one.
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = String::from_utf8(decoded(path.as_bytes())).ok()?;
    // `/c:/x` is `c:/x`.
    let is_drive = path.as_bytes().get(2) == Some(&b':') && path.starts_with('/');
    Some(PathBuf::from(if is_drive { &path[1..] } else { &path }))
}

/// The URI of a file.
pub(super) fn uri_of(path: &Path) -> Option<Uri> {
    let path = path.to_str()?.replace('\\', "/");
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "file:///" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.parse().ok()
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, path: &str) {
        let parsed: Uri = uri.parse().unwrap();
        assert_eq!(path_of(&parsed).unwrap(), Path::new(path));
        assert_eq!(path_of(&uri_of(Path::new(path)).unwrap()).unwrap(), Path::new(path));
    }

    #[test]
    fn paths_go_there_and_back() {
        check("file:///a/b.yml", "/a/b.yml");
        check("file:///a%20b/%C3%A9%25.yml", "/a b/é%.yml");
        check("file://localhost/a", "/a");
        check("file:///c%3A/x.yml", "c:/x.yml");
        assert_eq!(path_of(&"untitled:Untitled-1".parse().unwrap()), None);
    }
}
