//! The official TypeScript SDK against the simulator: its judge of honesty.

use std::path::Path;
use std::process::Command;

use crate::support::Service;

#[test]
#[ignore = "needs node, and `npm ci` in tests/interop"]
fn the_official_sdk_finds_the_service_it_knows() {
    let service = Service::start(include_str!("../interop/scenario.yaml"));
    let status = Command::new("node")
        .arg("--test")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop"))
        .env("JULES_BASE_URL", service.url())
        .env("JULES_API_KEY", "interop-key")
        .status()
        .unwrap();
    assert!(status.success(), "node --test: {status}");
}
