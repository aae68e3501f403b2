//! Runs a manifest from Rust: the same as `jules-batch run jobs.yaml`, for programs that go on with the outcomes.
//!
//! ```text
//! JULES_API_KEY=… cargo run --example manifest -- jobs.yaml
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::path::Path;

use jules_batch::manifest::{self, LoadOptions};
use jules_batch::runner::Runner;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "jobs.yaml".to_owned());
    let manifest = manifest::load(Path::new(&path), &LoadOptions::default())?;
    let finished = Box::pin(Runner::new(manifest).run()).await?;
    for (id, task) in &finished.record.tasks {
        println!("{}\t{id}", task.outcome.map_or("open", |outcome| outcome.as_str()));
    }
    Ok(())
}
