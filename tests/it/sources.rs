//! `jules-batch sources`.

use serde_json::Value;

use crate::session::at_service;
use crate::support::World;

const MANY: &str =
    "{ sources: [{ repo: my-org/web, branches: [main, dev], default-branch: dev, private: true },
    { repo: \"my-org/svc-{n}\", count: 120 }] }";

#[test]
fn all_pages_are_listed_and_searched() {
    let world = World::new(MANY);
    let listed = |line: &str| at_service(&world, world.command("sources").args(line)).exits(0).stdout;
    assert_eq!(listed("").lines().count(), 121);
    assert_eq!(listed("web"), "my-org/web\tdev\tprivate\tmain,dev\n");
    assert_eq!(listed("MY-ORG/SVC-1?").lines().count(), 10);
    assert_eq!(listed("nothing"), "");
    let json: Value = serde_json::from_str(&listed("my-org/w* --format json")).unwrap();
    assert_eq!(json[0]["githubRepo"]["defaultBranch"]["displayName"], "dev");
}

#[test]
fn a_refused_key_is_6() {
    let world = World::new("{ keys: [another-key] }");
    at_service(&world, world.command("sources")).exits(6);
}
