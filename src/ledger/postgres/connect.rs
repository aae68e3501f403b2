//! A connection to one of a database's hosts, encrypted as the address says.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Database, Tls};
use super::link::LinkError;
use super::whoever::Whoever;

/// How long a silent connection is believed to be there.
const SILENT: Duration = Duration::from_secs(20);

/// The host that is asked first: the one that has answered last, or the one behind that which did not.
pub(super) type Turn = Arc<AtomicUsize>;

/// Connects to the first host that can be written, each within this time. Where none can, the error is one that may pass, if
/// there is one.
pub(super) async fn connect(database: &Database, turn: &Turn, each: Duration) -> Result<Client, LinkError> {
    let tls = tls(database)?;
    let (count, first) = (database.hosts.len(), turn.load(Ordering::Relaxed));
    let mut failure = LinkError::Silent;
    for nth in 0..count {
        let at = (first + nth) % count;
        // Whoever waits less than this host takes asks the next one the next time.
        turn.store(at + 1, Ordering::Relaxed);
        let config = config(database, &database.hosts[at])?;
        let error = match tokio::time::timeout(each, connect_to(&config, tls.clone())).await {
            Ok(Ok(client)) => {
                turn.store(at, Ordering::Relaxed);
                return Ok(client);
            }
            Ok(Err(error)) => error.into(),
            Err(_) => LinkError::Silent,
        };
        if nth == 0 || error.is_of_connection() || !failure.is_of_connection() {
            failure = error;
        }
    }
    Err(failure)
}

async fn connect_to(
    config: &Config,
    tls: Option<MakeRustlsConnect>,
) -> Result<Client, tokio_postgres::Error> {
    let Some(tls) = tls else {
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        return Ok(client);
    };
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// How the connection is encrypted; not at all if none.
fn tls(database: &Database) -> Result<Option<MakeRustlsConnect>, LinkError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| LinkError::Certificates(error.to_string()))?;
    let tls = match database.tls {
        Tls::Disable => return Ok(None),
        Tls::Require => tls
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
            .with_no_client_auth(),
        Tls::VerifyFull => tls.with_root_certificates(roots(database)?).with_no_client_auth(),
    };
    Ok(Some(MakeRustlsConnect::new(tls)))
}

/// Of one host alone: its name is the one that its certificate has to have.
fn config(database: &Database, (host, port): &(String, u16)) -> Result<Config, LinkError> {
    let mut config = Config::new();
    config.host(host).port(*port);
    let user =
        database.user.clone().or_else(|| std::env::var("PGUSER").ok()).or_else(|| std::env::var("USER").ok());
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        config.user(user);
    }
    if let Some(name) = &database.name {
        config.dbname(name);
    }
    if let Some(password) = database.password(|name| std::env::var_os(name))? {
        config.password(password);
    }
    config.application_name(env!("CARGO_PKG_NAME")).tcp_user_timeout(SILENT);
    config.keepalives_idle(SILENT).keepalives_interval(SILENT / 4).keepalives_retries(3);
    if database.hosts.len() > 1 {
        // A fail-over may leave the old one there to be read.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.ssl_mode(if database.tls == Tls::Disable { SslMode::Disable } else { SslMode::Require });
    Ok(config)
}

/// Whom we believe: the file that is named, or else the system.
fn roots(database: &Database) -> Result<rustls::RootCertStore, LinkError> {
    let mut roots = rustls::RootCertStore::empty();
    let unreadable = |error: &dyn std::fmt::Display| LinkError::Certificates(error.to_string());
    match &database.root_cert {
        Some(path) => {
            let named = |error: &dyn std::fmt::Display| unreadable(&format!("{}: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| named(&error))? {
                let certificate = certificate.map_err(|error| named(&error))?;
                roots.add(certificate).map_err(|error| named(&error))?;
            }
        }
        None => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
    }
    if roots.is_empty() {
        return Err(unreadable(&"there are none; name a file with sslrootcert"));
    }
    Ok(roots)
}

/// Whether the server cannot be encrypted with, or is not the one that is meant, and will not be the next time: not that the
/// connection was lost on the way.
pub(super) fn is_lasting(error: &tokio_postgres::Error) -> bool {
    let Some(cause) = error.source() else { return false };
    match cause.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().and_then(|error| error.downcast_ref()).is_some_and(is_of_who_answers),
        // The driver has no other word for them.
        None => ["server does not support TLS", "no hostname provided for TLS handshake"]
            .contains(&cause.to_string().as_str()),
    }
}

fn is_of_who_answers(error: &rustls::Error) -> bool {
    use rustls::Error::{InvalidCertificate, NoCertificatesPresented, PeerIncompatible};
    matches!(error, InvalidCertificate(_) | NoCertificatesPresented | PeerIncompatible(_))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;
    use crate::ledger::tests::SERVER;

    fn connected(database: &Database, turn: &Turn, each: Duration) -> Result<Client, LinkError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(connect(database, turn, each))
    }

    /// A server that gives this answer to the wish for encryption, and closes.
    fn answers(answer: &'static [u8]) -> (Database, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(answer).unwrap();
        });
        (Database::parse(&format!("postgres://u@127.0.0.1:{port}/x?sslmode=require")).unwrap(), server)
    }

    #[test]
    fn a_host_that_accepts_and_says_nothing_does_not_keep_the_next_from_its_turn() {
        let Ok(server) = std::env::var(SERVER) else { return };
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut database = Database::parse(&server).unwrap();
        database.hosts.insert(0, ("127.0.0.1".to_owned(), silent.local_addr().unwrap().port()));
        // The silent one fails by its own bound, the other has enough time on a busy machine.
        let (turn, each) = (Turn::default(), Duration::from_secs(2));
        connected(&database, &turn, each).unwrap();
        assert_eq!(turn.load(Ordering::Relaxed), 1, "the one that has answered is asked first from now on");
    }

    #[test]
    fn whoever_waits_less_than_a_silent_host_takes_asks_another_the_next_time() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        let database = Database::parse(&format!("postgres://u@127.0.0.1:{port},127.0.0.1:1/x")).unwrap();
        let turn = Turn::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let given_up = runtime.block_on(async {
            tokio::time::timeout(Duration::ZERO, connect(&database, &turn, Duration::from_secs(60))).await
        });
        assert!(given_up.is_err());
        assert_eq!(turn.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_server_without_encryption_will_have_none_and_one_that_goes_may_come_back() {
        let each = Duration::from_secs(60);
        let (without, server) = answers(b"N");
        let error = connected(&without, &Turn::default(), each).unwrap_err();
        assert!(!error.is_of_connection() && error.to_string().contains("does not support TLS"), "{error}");
        server.join().unwrap();
        let (goes, server) = answers(b"S");
        let error = connected(&goes, &Turn::default(), each).unwrap_err();
        assert!(error.is_of_connection(), "{error}");
        server.join().unwrap();
    }

    #[test]
    fn a_certificate_that_is_not_believed_will_not_be_the_next_time() {
        let stranger = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(is_of_who_answers(&stranger));
        assert!(!is_of_who_answers(&rustls::Error::AlertReceived(rustls::AlertDescription::InternalError)));
    }

    #[test]
    fn each_host_is_a_connection_of_its_own() {
        let database = Database::parse("postgres://u@one,two:6000/x").unwrap();
        let of = |at: usize| {
            let config = config(&database, &database.hosts[at]).unwrap();
            (config.get_hosts().to_vec(), config.get_ports().to_vec())
        };
        let tcp = |name: &str| vec![tokio_postgres::config::Host::Tcp(name.to_owned())];
        assert_eq!(of(0), (tcp("one"), vec![5432]));
        assert_eq!(of(1), (tcp("two"), vec![6000]));
    }
}
