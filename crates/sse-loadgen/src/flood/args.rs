//! What was typed for a flood, and what it means.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::args::{Ramp, Span, header};
use crate::engine::request::{self, Request};
use crate::failure::Failure;
use crate::pacer::Pacer;
use crate::stamp;
use crate::watch::WatchTarget;
use crate::worker::orders::RequestPlan;

/// Flood the readers of one topic with events
///
/// All streams must be of the same topic. The first that brings an event has it decoded; of all others only its bytes are
/// compared, which costs a hundredth of a microsecond, so that one core reads millions of events a second. What differs is
/// decoded as well, and each client's account is as exact as that of `run`. Streams that end are not opened again.
/// Speaks http:// only.
#[derive(Clone, Debug, Args)]
pub struct FloodArgs {
    /// Endpoint to read from
    #[arg(value_name = "URL")]
    pub url: String,

    /// Streams to hold
    #[arg(short, long, help_heading = "Load", value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub clients: u32,

    /// How fast clients come: 2000/s, or all within 10s
    #[arg(long, help_heading = "Load", value_name = "RATE|TIME", default_value = "2000/s")]
    pub ramp: Ramp,

    /// Time for a connection and the head of its answer to be there
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "10s")]
    pub connect_timeout: Span,

    /// Quiet time between the last client and the first event
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "500ms")]
    pub settle: Span,

    /// What is published before anything is timed: a number of events, or a time
    ///
    /// Caches get warm, buffers grow. Every client is to have all of it before the measured part begins. Losses in it
    /// count as any other.
    #[arg(long, help_heading = "Load", value_name = "N|TIME", default_value = "1s")]
    pub warmup: Warmup,

    /// How long, at most, to wait for what is on its way in the end; what is not there then is lost
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "10s")]
    pub drain: Span,

    /// Address to connect from; repeat it for more clients than one has ports
    #[arg(long, help_heading = "Load", value_name = "IP")]
    pub source: Vec<IpAddr>,

    /// Header of every request
    #[arg(short = 'H', long, help_heading = "Load", value_name = "NAME: VALUE")]
    pub header: Vec<String>,

    /// Where to publish [default: the URL that is read from]
    #[arg(long, help_heading = "Publish", value_name = "URL")]
    pub publish: Option<String>,

    /// Publish so many events, each as soon as there is room for it [default: 10000]
    ///
    /// Latency then counts from when an event was sent.
    #[arg(long, help_heading = "Publish", value_name = "N", conflicts_with = "rate")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub events: Option<u64>,

    /// Publish so many events per second, each at its planned time, which latency counts from
    #[arg(short, long, help_heading = "Publish", value_name = "EVENTS/S")]
    pub rate: Option<f64>,

    /// How long to publish at that rate
    #[arg(short, long, help_heading = "Publish", value_name = "TIME", default_value = "10s")]
    pub duration: Span,

    /// Events that may be sent and not yet answered
    ///
    /// Enough to keep a server busy while its answers are on their way, and few enough to wait hardly anywhere.
    #[arg(long, help_heading = "Publish", value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub in_flight: u32,

    /// Length of an event's data in bytes, padded; never shorter than its stamp, about 60
    #[arg(long, help_heading = "Publish", value_name = "BYTES", default_value_t = 100)]
    pub payload: usize,

    /// Event by which a server says that some were missed: {"missed": 3}
    #[arg(long, help_heading = "Measure", value_name = "NAME", default_value = "sse.gap")]
    pub gap_event: String,

    /// Watch what the server costs: a process id, or port:8080 for whoever listens there
    #[arg(long, help_heading = "Measure", value_name = "PID|port:PORT")]
    pub watch_pid: Vec<WatchTarget>,

    /// Write the report to this file
    #[arg(long, help_heading = "Report", value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What comes before the measured part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warmup {
    /// So many events.
    Events(u64),
    /// As many as there are in this time.
    Time(Span),
}

impl FromStr for Warmup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Events).or_else(|_| text.parse().map(Self::Time))
    }
}

impl FloodArgs {
    /// The rate, if there is one.
    pub(super) fn pacer(&self) -> Result<Option<Pacer>, Failure> {
        let pacer = self.rate.map(Pacer::new).transpose();
        pacer.map_err(|error| Failure::Usage(format!("--rate: {error}")))
    }

    /// The request for a stream.
    pub(super) fn stream(&self) -> Result<(RequestPlan, Request), Failure> {
        let url = plain(&self.url)?;
        let headers = self.headers()?;
        let plan =
            RequestPlan { url: url.to_string(), method: "GET".to_owned(), headers, body: String::new() };
        let request = Request::new(&plan).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok((plan, request))
    }

    /// Where to publish, and the request up to the length of its body.
    pub(super) fn publish(&self) -> Result<(RequestPlan, Vec<u8>), Failure> {
        if self.payload > stamp::MAX_LEN {
            return Err(Failure::Usage(format!("--payload: at most {} bytes", stamp::MAX_LEN)));
        }
        let url = plain(self.publish.as_ref().unwrap_or(&self.url))?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut head = format!("POST {}{query} HTTP/1.1\r\n", url.path());
        let headers = self.headers()?;
        let given = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let agent = concat!("sse-loadgen/", env!("CARGO_PKG_VERSION")).to_owned();
        for (name, value) in [
            ("host", format!("{host}{port}")),
            ("content-type", "text/plain".to_owned()),
            ("user-agent", agent),
        ] {
            if !given(name) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in &headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("content-length: ");
        let plan =
            RequestPlan { url: url.to_string(), method: "POST".to_owned(), headers, body: String::new() };
        Ok((plan, head.into_bytes()))
    }

    fn headers(&self) -> Result<Vec<(String, String)>, Failure> {
        self.header.iter().map(|line| header(line)).collect()
    }
}

fn plain(url: &str) -> Result<url::Url, Failure> {
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let url = request::parse(&url).map_err(|error| Failure::Usage(error.to_string()))?;
    if url.scheme() != "http" {
        return Err(Failure::Usage(format!("{url}: a flood is plain http:// only")));
    }
    Ok(url)
}
