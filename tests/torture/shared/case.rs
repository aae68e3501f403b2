//! What a seed is made of: a manifest, and a service.

use fastrand::Rng;

/// `reads_each`: what no listing shows is read by itself.
pub(super) fn manifest(rng: &mut Rng, reads_each: bool) -> String {
    let numbers: Vec<String> = (1..=rng.usize(6..=18)).map(|n| n.to_string()).collect();
    let strategy = ["auto", "list", "get"][rng.usize(..3)];
    format!(
        "version: 1\n\
         name: torture\n\
         strategy: {{ max-parallel: {} }}\n\
         limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000, capacity-wait: 9s }}\n\
         timeouts: {{ task: 10m, stall: 5m, settle: 200ms, request: 2s }}\n\
         create: {{ looks: 3, look-delay: 100ms }}\n\
         poll: {{ interval: {}ms, strategy: {} }}\n\
         retries: {{ count: 0 }}\n\
         jobs:\n\
         \x20 - {{ id: change, prompt: 'Change ${{{{ matrix.n }}}}.', sources: [my-org/web@main], matrix: {{ n: [{}] }} }}\n",
        rng.usize(2..=4),
        rng.u64(20..80),
        if reads_each { "get" } else { strategy },
        numbers.join(", ")
    )
}

/// A service that does as it is told.
pub(super) const CALM: &str = "defaults: { duration: 50ms..300ms, outcome: pull-request }";

/// Answers to creates take their time: machines are killed, and fall asleep, in between.
pub(super) fn scenario(rng: &mut Rng) -> String {
    format!(
        "seed: {}\n\
         faults:\n\
         \x20 - {{ kind: slow, delay: 50ms..400ms, on: sessions.create, probability: 0.6 }}\n\
         \x20 - {{ kind: reset-after, on: sessions.create, probability: {:.3} }}\n\
         \x20 - {{ kind: error-before, on: all, probability: {:.3} }}\n\
         defaults:\n\
         \x20 duration: 100ms..{}ms\n\
         \x20 outcome: pull-request\n\
         \x20 list-lag: 0ms..60ms\n",
        rng.u32(..),
        rng.f64() * 0.05,
        rng.f64() * 0.02,
        rng.u64(300..2_000),
    )
}
