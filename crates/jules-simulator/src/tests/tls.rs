//! The simulator behind TLS, and connections that fall silent.

use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, ClientBuilder, Version};

use super::{Scenario, Simulator};

async fn start(yaml: &str) -> Simulator {
    Simulator::start_tls(Scenario::from_yaml(yaml, "test").unwrap()).await.unwrap()
}

/// A client that trusts the simulator and gives up after half a second.
fn client(simulator: &Simulator, configure: fn(ClientBuilder) -> ClientBuilder) -> Client {
    let certificate = Certificate::from_pem(simulator.certificate().unwrap().as_bytes()).unwrap();
    let builder = Client::builder().no_proxy().tls_certs_only([certificate]);
    configure(builder.timeout(Duration::from_millis(500))).build().unwrap()
}

async fn list(simulator: &Simulator, client: &Client) -> Result<Version, reqwest::Error> {
    let request = client.get(format!("{}/sessions", simulator.url())).header("X-Goog-Api-Key", "k");
    let response = request.send().await?.error_for_status()?;
    let version = response.version();
    response.text().await?;
    Ok(version)
}

#[tokio::test]
async fn clients_that_can_speak_http_2() {
    let simulator = start("").await;
    assert!(simulator.url().starts_with("https://127.0.0.1:"));
    assert_eq!(list(&simulator, &client(&simulator, |it| it)).await.unwrap(), Version::HTTP_2);
    let old = client(&simulator, ClientBuilder::http1_only);
    assert_eq!(list(&simulator, &old).await.unwrap(), Version::HTTP_11);
    let stranger = Client::builder().no_proxy().build().unwrap();
    assert!(list(&simulator, &stranger).await.unwrap_err().is_connect(), "nobody trusts it unasked");
    assert_eq!(simulator.statistics().requests["sessions.list"], 2);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let simulator = start("faults: [{ kind: reset-before, nth: 1 }]").await;
    let client = client(&simulator, |it| it.retry(reqwest::retry::never()));
    let error = list(&simulator, &client).await.unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    list(&simulator, &client).await.unwrap();
}

#[tokio::test]
async fn one_connection_falls_silent_and_new_ones_work() {
    let simulator = start("faults: [{ kind: silence, nth: 2 }]").await;
    let (first, second) = (client(&simulator, |it| it), client(&simulator, |it| it));
    list(&simulator, &first).await.unwrap();
    for _ in 0..3 {
        assert!(list(&simulator, &first).await.unwrap_err().is_timeout(), "HTTP/2 keeps to its connection");
    }
    assert_eq!(list(&simulator, &second).await.unwrap(), Version::HTTP_2);
    let statistics = simulator.statistics();
    assert_eq!((statistics.requests["sessions.list"], statistics.faults["silence"]), (3, 1));
    simulator.shutdown().await;
}

#[tokio::test]
async fn pings_find_out_about_silence() {
    let simulator = start("faults: [{ kind: silence, nth: 2 }]").await;
    let client = client(&simulator, |it| {
        let ping = Duration::from_millis(50);
        it.timeout(Duration::from_secs(30)).http2_keep_alive_interval(ping).http2_keep_alive_timeout(ping)
    });
    list(&simulator, &client).await.unwrap();
    let begun = Instant::now();
    let _ = list(&simulator, &client).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    list(&simulator, &client).await.unwrap();
}
