//! What some tests need beside Rust, where `tests/run` puts it. Nothing is installed here.
//!
//! A test that needs something is marked `#[ignore = "needs …"]`, so that `cargo test` names it and counts it; `tests/run` sets
//! everything up and runs the ignored ones too, which fail when what they need is not there.

use std::path::Path;
use std::path::PathBuf;

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_ssmtrail"));
    program.ancestors().nth(2).expect("target/debug/ssmtrail").to_owned()
}

/// Where `tests/run` put what is needed.
fn needs() -> PathBuf {
    std::env::var_os("SSMTRAIL_NEEDS").map_or_else(|| target().join("needs"), PathBuf::from)
}

fn found(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is not there: `tests/run` sets it up", path.display());
    path
}

/// A program of the Python environment: `python` itself, or one of a package.
pub(crate) fn python(program: &str) -> PathBuf {
    found(needs().join("python/bin").join(program))
}

/// The folder of the npm packages.
pub(crate) fn node_modules() -> PathBuf {
    found(needs().join("npm/node_modules"))
}

/// Chromium, or Chrome.
pub(crate) fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut all = names.iter().flat_map(|name| folders.iter().map(move |it| it.join(name)));
    all.find(|it| it.exists()).expect("a browser on the PATH: `tests/run` sets it up")
}

/// The library that gives a program another clock.
pub(crate) fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("libraries").filter_map(Result::ok);
    let mut all = folders.map(|it| it.path().join("faketime/libfaketime.so.1"));
    all.find(|it| it.exists()).expect("libfaketime: `tests/run` sets it up")
}
