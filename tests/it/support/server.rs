//! The PostgreSQL server of whoever starts the tests.

use std::io::Write as _;
use std::sync::Once;

const SERVER: &str = "JULES_BATCH_TEST_POSTGRES";

/// The address of the server that tests may use. Those that want one are skipped without it, which is said once.
pub(crate) fn server() -> Option<String> {
    static SAID: Once = Once::new();
    let named = std::env::var(SERVER).ok();
    if named.is_none() {
        // Not through `eprintln`, which is kept from those who look on.
        SAID.call_once(|| {
            _ = writeln!(
                std::io::stderr(),
                "skipped: tests of runs in PostgreSQL, as {SERVER} names no server"
            );
        });
    }
    named
}
