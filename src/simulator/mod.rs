//! The service, played by a local HTTP server.
