//! The address of a database, read by ourselves: the driver's own default would fall back to plain text.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use url::form_urlencoded;

/// The port of PostgreSQL.
const PORT: u16 = 5432;
/// The schema of a ledger.
const SCHEMA: &str = "jules_batch";
/// The account of who names none.
pub(super) const ACCOUNT: &str = "default";
/// How long a run goes on without it, where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(600);
/// What an address may say behind its `?`.
const PARAMETERS: [&str; 4] = ["host", "schema", "sslmode", "sslrootcert"];

/// Words of an address as libpq also takes it, which is not read here.
const KEYWORDS: [&str; 5] = ["host=", "hostaddr=", "dbname=", "user=", "password="];

/// A PostgreSQL database that holds a ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct Database {
    pub(super) hosts: Vec<(String, u16)>,
    pub(super) user: Option<String>,
    pub(super) name: Option<String>,
    pub(super) schema: String,
    pub(super) tls: Tls,
    pub(super) root_cert: Option<PathBuf>,
    pub(super) password: Option<String>,
    /// Whose runs are meant; none for all.
    pub(super) project: Option<String>,
    /// The service's account, of which runs keep one count; none where nobody has named one.
    pub(super) account: Option<String>,
    /// How long a run goes on while it does not answer.
    pub(super) patience: Duration,
}

/// How a connection is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Encrypted, and with the server that was meant.
    VerifyFull,
    /// Encrypted, with whoever answers.
    Require,
    /// Not at all.
    Disable,
}

/// Why an address cannot be used: complete, with the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(String);

impl Database {
    /// Whether a text is meant as the address of a database, not as the name of a folder: one that was mistyped may hold a
    /// password, which a message about a folder, or its name, would show.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let is_plainly_a_path = ["./", "../", ".\\", "..\\"].iter().any(|start| text.starts_with(start))
            || (Path::new(&text).is_absolute() && !text.starts_with("//"));
        let looks_like_one = || {
            text.contains([':', '@'])
                || text.starts_with("//")
                || ["postgres/", "postgresql/"].iter().any(|start| text.starts_with(start))
                || KEYWORDS.iter().any(|word| text.contains(word))
        };
        text.contains("://") || (!is_plainly_a_path && looks_like_one())
    }

    /// Reads `postgres://user@host[:port][,host2]/db?schema=…&sslmode=…&sslrootcert=PATH`.
    ///
    /// # Errors
    ///
    /// When a part of it is not understood, or would let others read along.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let schemes = ["postgres", "postgresql"];
        let Some((_, rest)) = text.split_once("://").filter(|(scheme, _)| schemes.contains(scheme)) else {
            return Err(AddressError(
                "a database's address begins with postgres://; for a folder of such a name write ./NAME"
                    .to_owned(),
            ));
        };
        // Nothing of it is shown: it would be a piece of the password.
        if rest.find('@').is_some_and(|at| rest[..at].contains(['/', '?'])) {
            return Err(AddressError(
                "the database's address has a `/` or a `?` before its `@`; in a name or a password write %2F and %3F"
                    .to_owned(),
            ));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
        let (user, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            Some((user, password)) => (text_of(user), text_of(password)),
            None => (None, None),
        };
        let mut database = Self {
            hosts: Vec::new(),
            user,
            name: text_of(name),
            schema: SCHEMA.to_owned(),
            tls: Tls::VerifyFull,
            root_cert: None,
            password,
            project: None,
            account: None,
            patience: PATIENCE,
        };
        let mut mode = None;
        let mut hosts = hosts.to_owned();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "host" => hosts = value.into_owned(),
                "schema" => database.schema = value.parse::<SchemaName>()?.0,
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => database.root_cert = Some(value.into_owned().into()),
                other => return Err(unknown(other)),
            }
        }
        database.hosts = hosts.split(',').map(host).collect::<Result<_, _>>()?;
        let is_near = database.hosts.iter().all(|(host, _)| is_near(host));
        let trusts = database.root_cert.is_some();
        database.tls = match mode.as_deref() {
            Some(mode @ ("require" | "disable")) if trusts => {
                return Err(AddressError(format!(
                    "the database's address says sslrootcert and sslmode={mode}, which looks at no certificate; \
                     leave the mode out, or say sslmode=verify-full"
                )));
            }
            None if is_near && !trusts => Tls::Disable,
            None | Some("verify-full") => Tls::VerifyFull,
            Some("require") => Tls::Require,
            Some("disable") => Tls::Disable,
            Some(mode @ ("prefer" | "allow")) => {
                return Err(AddressError(format!(
                    "the database's address says sslmode={mode}, which falls back to plain text; \
                     leave it out, or say sslmode=verify-full"
                )));
            }
            Some(mode) => {
                return Err(AddressError(format!(
                    "the database's address says sslmode={}, which is not known here; \
                     it is verify-full, require or disable",
                    mode.escape_debug()
                )));
            }
        };
        Ok(database)
    }

    /// Whether the address says a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Of this project alone.
    #[must_use]
    pub fn of_project(self, project: Option<String>) -> Self {
        Self { project, ..self }
    }

    /// With this account, unless one is named already.
    #[must_use]
    pub fn or_account(mut self, account: Option<&str>) -> Self {
        self.account = self.account.or_else(|| account.map(str::to_owned));
        self
    }

    /// The service's account that is named.
    #[must_use]
    pub fn named_account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// A run goes on for so long while it does not answer; ten minutes by default.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How long a run goes on while it does not answer.
    pub(in crate::ledger) fn patience(&self) -> Duration {
        self.patience
    }

    /// Whose runs are meant.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// What a user should know of the connection; nothing where it is as it should be.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        let is_near = self.hosts.iter().all(|(host, _)| is_near(host));
        match self.tls {
            Tls::VerifyFull => None,
            Tls::Require => Some(
                "sslmode=require takes whoever answers for the database's server; verify-full makes sure that it is",
            ),
            Tls::Disable if is_near => None,
            Tls::Disable => Some(
                "sslmode=disable lets everybody between here and the database's server read prompts and answers",
            ),
        }
    }

    /// The password: of the address, or else of `PGPASSWORD`, of the file that `JULES_BATCH_STATE_PASSWORD_FILE` names, or of
    /// `PGPASSFILE`.
    ///
    /// # Errors
    ///
    /// When a file that is named cannot be read, or others can read it.
    pub(super) fn password(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<String>, AddressError> {
        let said = |name| variable(name).filter(|value| !value.is_empty());
        if self.password.is_some() {
            return Ok(self.password.clone());
        }
        if let Some(password) = said("PGPASSWORD") {
            return Ok(password.into_string().ok());
        }
        if let Some(path) = said("JULES_BATCH_STATE_PASSWORD_FILE") {
            let text = private(Path::new(&path), "JULES_BATCH_STATE_PASSWORD_FILE", false)?;
            return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
        }
        let Some(path) = said("PGPASSFILE") else { return Ok(None) };
        let text = private(Path::new(&path), "PGPASSFILE", true)?;
        Ok(text.lines().find_map(|line| self.password_in(line)))
    }

    /// The password of a line `host:port:database:user:password`, if that line is about this database.
    fn password_in(&self, line: &str) -> Option<String> {
        let mut fields = fields(line);
        let password = fields.pop()?;
        let [host, port, name, user]: [String; 4] = fields.try_into().ok()?;
        let fits = |field: &str, value: &str| field == "*" || field == value;
        let (known_host, known_port) = self.hosts.first()?;
        let is_socket = known_host.starts_with('/') && host == "localhost";
        let known_user = self.user.as_deref().unwrap_or_default();
        let known_name = self.name.as_deref().unwrap_or(known_user);
        let is_ours = (fits(&host, known_host) || is_socket)
            && fits(&port, &known_port.to_string())
            && fits(&name, known_name)
            && fits(&user, known_user);
        is_ours.then_some(password)
    }
}

/// The fields of a line of `PGPASSFILE`, which is no comment; `\` stands before a `:` or a `\` of a value.
fn fields(line: &str) -> Vec<String> {
    if line.starts_with('#') {
        return Vec::new();
    }
    let mut fields = vec![String::new()];
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        match next {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(rest.next())),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields
}

/// Reads a file that a variable names.
fn private(path: &Path, variable: &str, for_owner: bool) -> Result<String, AddressError> {
    let shown = path.display();
    let failed = |error| AddressError(format!("cannot read `{shown}`, which {variable} names: {error}"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if for_owner && mode & 0o077 != 0 {
            let why = format!("`{shown}`, which {variable} names, can be read by others; chmod 600 it");
            return Err(AddressError(why));
        }
    }
    #[cfg(not(unix))]
    let _ = for_owner;
    std::fs::read_to_string(path).map_err(failed)
}

fn text_of(encoded: &str) -> Option<String> {
    // The parser is one of forms, where `+` and `&` mean something.
    let plain = format!("x={}", encoded.replace('+', "%2B").replace('&', "%26"));
    let value = form_urlencoded::parse(plain.as_bytes()).next()?.1.into_owned();
    (!value.is_empty()).then_some(value)
}

/// A schema's name.
#[derive(Clone, Debug)]
pub(crate) struct SchemaName(String);

impl SchemaName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SchemaName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty() || text.len() > 40 || !text.chars().all(is_plain) {
            return Err(AddressError(format!(
                "`{}` is no schema's name here: that has lower-case letters, digits and `_`, 40 at most",
                text.escape_debug()
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// `host`, `host:port`, `[::1]:port`, or the folder of a socket.
fn host(text: &str) -> Result<(String, u16), AddressError> {
    let decoded = text_of(text).unwrap_or_default();
    let is_socket = decoded.starts_with('/');
    let (host, port) = match decoded.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        // A folder's name may have one, too.
        None if is_socket => match decoded.rsplit_once(':') {
            Some((folder, port)) if port.parse::<u16>().is_ok() => (folder, Some(port)),
            _ => (&*decoded, None),
        },
        None => decoded.split_once(':').map_or((&*decoded, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(PORT), |port| {
        // It may be the end of a password.
        port.parse().map_err(|_| {
            AddressError("the port in the database's address is no number up to 65535".to_owned())
        })
    })?;
    if host.is_empty() {
        return Err(AddressError(
            "the database's address names no host; for a socket say postgres:///DATABASE?host=/FOLDER"
                .to_owned(),
        ));
    }
    Ok((host.to_owned(), port))
}

/// Whether nobody else is between here and there.
fn is_near(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn unknown(key: &str) -> AddressError {
    AddressError(format!(
        "the database's address says `{}`, which is not known here; it may say {}",
        key.escape_debug(),
        PARAMETERS.join(", ")
    ))
}

/// Without the password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        for (at, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match (host.contains(':'), *port) {
                (true, port) => write!(f, "{comma}[{host}]:{port}")?,
                (false, PORT) => write!(f, "{comma}{host}")?,
                (false, port) => write!(f, "{comma}{host}:{port}")?,
            }
        }
        write!(f, "/{}", self.name.as_deref().unwrap_or_default())?;
        if self.schema == SCHEMA { Ok(()) } else { write!(f, "?schema={}", self.schema) }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Database {
        Database::parse(text).unwrap()
    }

    #[test]
    fn far_servers_are_verified_and_near_ones_need_no_encryption() {
        let tls = |text: &str| read(text).tls;
        assert_eq!(tls("postgres://u@db.example.com/x"), Tls::VerifyFull);
        assert_eq!(tls("postgres://u@db.example.com,localhost/x"), Tls::VerifyFull);
        for near in ["localhost", "127.0.0.1:6000", "[::1]:6000", "%2Frun%2Fpostgresql"] {
            assert_eq!(tls(&format!("postgres://u@{near}/x")), Tls::Disable, "{near}");
        }
        assert_eq!(tls("postgres:///x?host=/run/postgresql"), Tls::Disable);
        assert_eq!(tls("postgres://u@localhost/x?sslmode=verify-full"), Tls::VerifyFull);
        assert!(read("postgres://u@far/x?sslmode=require").warning().unwrap().contains("whoever answers"));
        assert!(read("postgres://u@far/x?sslmode=disable").warning().unwrap().contains("read prompts"));
        assert_eq!(read("postgres://u@localhost/x?sslmode=disable").warning(), None);
        assert_eq!(read("postgres://u@far/x").warning(), None);
    }

    #[test]
    fn what_would_fall_back_to_plain_text_or_is_not_known_is_refused() {
        let refused = |text: &str| Database::parse(text).unwrap_err().to_string();
        for mode in ["prefer", "allow"] {
            assert!(
                refused(&format!("postgres://u@h/x?sslmode={mode}")).contains("falls back to plain text")
            );
        }
        assert!(refused("postgres://u@h/x?sslmode=verify-ca").contains("verify-full, require or disable"));
        assert!(refused("postgres://u@h/x?options=-c").contains("it may say host, schema"));
        assert!(refused("postgres://u@h/x?schema=a;b").contains("lower-case letters"));
        assert!(refused("postgres://u@h:port/x").contains("no number"));
        assert!(refused("postgres://u@h/x?sslmode=require&sslrootcert=/ca.pem").contains("no certificate"));
        assert!(refused("postgres:///x").contains("names no host"));
    }

    #[test]
    fn of_an_address_that_is_not_understood_nothing_is_shown() {
        for text in [
            "postgres://admin:hunter2/tail@127.0.0.1:5432/jules",
            "postgres://admin:hunter2?tail@127.0.0.1:5432/jules",
            "postgres:admin:hunter2@127.0.0.1/jules",
            "Postgres://admin:hunter2@127.0.0.1/jules",
            "postgress://admin:hunter2@127.0.0.1/jules",
            "postgres://admin:hunter2",
            "postgres//admin:hunter2@127.0.0.1/jules",
            "//admin:hunter2@127.0.0.1/jules",
            "admin:hunter2@127.0.0.1:5931/jules",
            "HOST=127.0.0.1 port=5931 user=admin password=hunter2 dbname=jules",
            "password=hunter2",
            "127.0.0.1:5931/jules",
        ] {
            assert!(Database::is_address(text), "{text}");
            let refused = Database::parse(text).unwrap_err().to_string();
            assert!(!refused.contains("hunter2") && !refused.contains("tail"), "{refused}");
        }
        for folder in
            ["/var/lib/jules:1", "postgres", ".jules-batch", "./me@home", "../me@home", "/srv/me@home"]
        {
            assert!(!Database::is_address(folder), "{folder}");
        }
    }

    #[test]
    fn a_certificate_is_looked_at_wherever_the_server_is() {
        assert_eq!(read("postgres://u@localhost/x?sslrootcert=/ca.pem").tls, Tls::VerifyFull);
    }

    #[test]
    fn a_socket_may_have_another_port() {
        let hosts = |text: &str| read(text).hosts;
        assert_eq!(hosts("postgres:///x?host=/run/pg"), [("/run/pg".to_owned(), 5432)]);
        assert_eq!(hosts("postgres:///x?host=/run/pg:6000"), [("/run/pg".to_owned(), 6000)]);
        assert_eq!(read("postgres:///x?host=/run/pg:6000").to_string(), "postgres:///run/pg:6000/x");
    }

    #[test]
    fn several_hosts_and_encoded_parts_are_read_and_the_password_is_never_shown() {
        let database = read("postgresql://us%40er:p%2Fw+1@one,two:6000/my%20db?schema=team_a");
        assert_eq!(database.hosts, [("one".to_owned(), 5432), ("two".to_owned(), 6000)]);
        assert_eq!((database.user.as_deref(), database.name.as_deref()), (Some("us@er"), Some("my db")));
        assert_eq!(database.password.as_deref(), Some("p/w+1"));
        let shown = format!("{database} {database:?}");
        assert!(
            shown.contains("one,two:6000") && shown.contains("team_a") && !shown.contains("p/w"),
            "{shown}"
        );
    }

    #[test]
    fn the_password_comes_from_where_users_of_postgresql_expect_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            path
        };
        let alone = file("password", "in a file\n");
        let many = file("pgpass", "# mine\nother:*:*:*:no\nh:5432:x:u:a\\:b\\\\c\n*:*:*:*:any\n");
        let found = |address: &str, known: &[(&str, &Path)]| {
            let known: Vec<_> =
                known.iter().map(|(name, path)| (*name, path.as_os_str().to_owned())).collect();
            let variable =
                |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            read(address).password(variable).unwrap()
        };
        let all = [
            ("PGPASSWORD", Path::new("direct")),
            ("JULES_BATCH_STATE_PASSWORD_FILE", &alone),
            ("PGPASSFILE", &many),
        ];
        let at = "postgres://u@h/x";
        assert_eq!(found("postgres://u:own@h/x", &all).as_deref(), Some("own"));
        assert_eq!(found(at, &all).as_deref(), Some("direct"));
        assert_eq!(found(at, &all[1..]).as_deref(), Some("in a file"));
        assert_eq!(found(at, &all[2..]).as_deref(), Some("a:b\\c"));
        assert_eq!(found("postgres://v@h/x", &all[2..]).as_deref(), Some("any"));
        assert_eq!(found(at, &[]), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_passwords_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        std::fs::write(&path, "*:*:*:*:x").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let variable = |name: &str| (name == "PGPASSFILE").then(|| path.clone().into_os_string());
        assert!(read("postgres://u@h/x").password(variable).unwrap_err().to_string().contains("chmod 600"));
    }
}
