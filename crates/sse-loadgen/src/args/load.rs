//! What every scenario wants to know.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use super::value::{Ramp, Span};
use crate::account::reconnect::Reconnect;
use crate::engine::Engine;
use crate::engine::request::{self, Request};
use crate::failure::Failure;
use crate::load::Load;
use crate::publisher::{Publish, PublishArgs};
use crate::report::gate::Condition;
use crate::scenario::Scenario;
use crate::watch::WatchTarget;
use crate::worker::orders::RequestPlan;

/// See the module.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Endpoints to read from; clients take turns
    ///
    /// {{topic}} and {{client}} in a path or a query are numbers from 0.
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,

    /// Streams to hold at once
    #[arg(short, long, help_heading = "Load", value_name = "N", default_value_t = 100)]
    pub clients: u32,

    /// Topics that clients and events are spread over: client n reads topic n modulo this
    #[arg(long, help_heading = "Load", value_name = "N", default_value_t = 1)]
    pub topics: u32,

    /// How fast clients come: 2000/s, or all within 10s
    ///
    /// Slow enough not to overflow a queue of 2,048 connections that are to be accepted, as many systems have it.
    #[arg(long, help_heading = "Load", value_name = "RATE|TIME", default_value = "2000/s")]
    pub ramp: Ramp,

    /// Attempts to connect under way at once, at most
    #[arg(long, help_heading = "Load", value_name = "N", default_value_t = 1024)]
    pub in_flight: u32,

    /// Time for a connection and the head of its answer to be there
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "10s")]
    pub connect_timeout: Span,

    /// Quiet time between the last client and the first event
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "1s")]
    pub settle: Span,

    /// Time in which events are published, but do not count: caches get warm, buffers grow
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "2s")]
    pub warmup: Span,

    /// Time that is measured
    #[arg(short, long, help_heading = "Load", value_name = "TIME", default_value = "30s")]
    pub duration: Span,

    /// How long, at most, to wait for what is on its way in the end; what is not there then is lost
    #[arg(long, help_heading = "Load", value_name = "TIME", default_value = "5s")]
    pub drain: Span,

    /// Processes that hold the clients [default: as many as cores and open files ask for]
    #[arg(long, help_heading = "Load", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub workers: Option<u32>,

    /// Address to connect from; repeat it for more clients than one has ports
    #[arg(long, help_heading = "Load", value_name = "IP")]
    pub source: Vec<IpAddr>,

    /// What opens and reads the streams [default: raw for http, reqwest for https]
    #[arg(long, help_heading = "Load")]
    pub engine: Option<Engine>,

    /// What random choices are made from [default: another one each time]
    #[arg(long, help_heading = "Load", value_name = "N")]
    pub seed: Option<u64>,

    /// Many clients against a public address are all right: whoever runs it has agreed
    #[arg(long, help_heading = "Load")]
    pub i_own_this_target: bool,

    /// How publishing is done.
    #[command(flatten)]
    pub publish: PublishArgs,

    /// Header of every request for a stream
    #[arg(short = 'H', long, help_heading = "Streams", value_name = "NAME: VALUE")]
    pub header: Vec<String>,

    /// Method of the request for a stream
    #[arg(short = 'X', long, help_heading = "Streams", value_name = "METHOD", default_value = "GET")]
    pub method: String,

    /// Body of the request for a stream; @FILE reads it from there
    #[arg(long, help_heading = "Streams", value_name = "TEXT|@FILE", default_value = "")]
    pub body: String,

    /// Accept any certificate
    #[arg(long, help_heading = "Streams")]
    pub insecure: bool,

    /// Do not come back when a stream ends
    #[arg(long, help_heading = "Streams")]
    pub no_reconnect: bool,

    /// Do not send Last-Event-ID when coming back
    #[arg(long, help_heading = "Streams")]
    pub no_resume: bool,

    /// Time before a reconnect, unless the server sends retry:
    #[arg(long, help_heading = "Streams", value_name = "TIME", default_value = "3s")]
    pub retry: Span,

    /// Up to so much more, at random, before a reconnect
    #[arg(long, help_heading = "Streams", value_name = "TIME", default_value = "0s")]
    pub jitter: Span,

    /// Largest event to take, in bytes; a stream with a larger one is given up
    #[arg(long, help_heading = "Streams", value_name = "BYTES", default_value_t = 1 << 20)]
    pub max_event: usize,

    /// Receive buffer of every socket, in bytes [default: the kernel's choice]
    #[arg(long, help_heading = "Streams", value_name = "BYTES")]
    pub receive_buffer: Option<usize>,

    /// Event by which a server says that some were missed: {"missed": 3}
    #[arg(long, help_heading = "Measure", value_name = "NAME", default_value = "sse.gap")]
    pub gap_event: String,

    /// A delivery that takes longer is counted as late
    #[arg(long, help_heading = "Measure", value_name = "TIME", default_value = "1s")]
    pub late: Span,

    /// Ask the kernel of one in so many clients when its data came; 0 asks for none
    #[arg(long, help_heading = "Measure", value_name = "N", default_value_t = 100)]
    pub stamped_every: u32,

    /// Watch what the server costs: a process id, or port:8080 for whoever listens there
    #[arg(long, help_heading = "Measure", value_name = "PID|port:PORT")]
    pub watch_pid: Vec<WatchTarget>,

    /// Fail, with exit code 3, if this holds: 'delivery.p99>50ms', 'lost>0'
    #[arg(long, help_heading = "Report", value_name = "CONDITION")]
    pub fail: Vec<Condition>,

    /// Write the whole report to this file
    #[arg(long, help_heading = "Report", value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a page for a browser to this file
    #[arg(long, help_heading = "Report", value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Write the distribution of delivery to this file, for the plotter of HdrHistogram
    #[arg(long, help_heading = "Report", value_name = "FILE")]
    pub hgrm: Option<PathBuf>,

    /// Say nothing but the report
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
}

impl LoadArgs {
    /// Whether events are to be published.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.publish.publish.iter().any(|url| url != "none")
    }

    /// What is to be done.
    ///
    /// # Errors
    ///
    /// It cannot be done, in a sentence.
    pub fn load(&self, scenario: Scenario, argv: Vec<String>) -> Result<Load, Failure> {
        let usage = |flag: &str, what: &dyn std::fmt::Display| Failure::Usage(format!("{flag}: {what}"));
        if self.clients == 0 {
            return Err(usage("--clients", &"there is nothing to measure without a client"));
        }
        if self.topics == 0 || (self.topics > self.clients && !scenario.is_request()) {
            return Err(usage("--topics", &"at least 1, and no more than there are clients"));
        }
        if self.duration.0.as_millis() < 100 {
            return Err(usage("--duration", &"at least 100ms"));
        }
        if self.in_flight == 0 {
            return Err(usage("--in-flight", &"at least 1"));
        }
        let publish = self.publish.check(self.insecure).map_err(|error| Failure::Usage(error.to_string()))?;
        if publish.as_ref().is_some_and(|publish| !publish.is_stamped()) {
            return Err(usage("--publish-body", &"without {{stamp}} no event can be told from another"));
        }
        let servers = publish.as_ref().map_or(1, Publish::targets);
        if servers > 1 && (servers != self.urls.len() || !(self.topics as usize).is_multiple_of(servers)) {
            let what = "several take as many URLs to read from, in the same order, and a multiple of topics, \
                        so that each topic is published where its readers are";
            return Err(usage("--publish", &what));
        }
        let requests = self.requests()?;
        let https = self.urls.iter().any(|url| url.starts_with("https:"));
        let engine = match self.engine {
            Some(Engine::Raw) if https => {
                return Err(usage("--engine", &"raw speaks plain http only; leave it out, or take reqwest"));
            }
            Some(engine) => engine,
            None if https => Engine::Reqwest,
            None => Engine::Raw,
        };
        let nanos = |span: Span| u64::try_from(span.0.as_nanos()).unwrap_or(u64::MAX);
        let ramp = if scenario.is_request() { self.publish.rate } else { self.ramp.per_second(self.clients) };
        Ok(Load {
            scenario,
            requests,
            clients: self.clients,
            topics: self.topics,
            workers: self.workers,
            sources: self.source.clone(),
            engine,
            ramp,
            in_flight: self.in_flight,
            connect_timeout: self.connect_timeout.0,
            settle: self.settle.0,
            warmup: self.warmup.0,
            duration: self.duration.0,
            drain: self.drain.0,
            publish: publish.map(|publish| (publish, self.publish.rate)),
            payload: self.publish.payload,
            reconnect: Reconnect {
                enabled: !self.no_reconnect,
                delay: nanos(self.retry),
                jitter: nanos(self.jitter),
                resume: !self.no_resume,
            },
            late: self.late.0,
            gap_event: self.gap_event.clone(),
            max_event: self.max_event,
            receive_buffer: self.receive_buffer,
            stamped_every: self.stamped_every,
            insecure: self.insecure,
            own_target: self.i_own_this_target,
            watch: self.watch_pid.clone(),
            conditions: self.fail.clone(),
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..)),
            argv,
        })
    }

    fn requests(&self) -> Result<Vec<RequestPlan>, Failure> {
        let body = match self.body.strip_prefix('@') {
            None => self.body.clone(),
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| Failure::Usage(format!("--body: {file} cannot be read: {error}")))?,
        };
        let headers: Vec<(String, String)> =
            self.header.iter().map(|line| header(line)).collect::<Result<_, _>>()?;
        let plan = |url: &String| {
            let url = if url.contains("://") { url.clone() } else { format!("http://{url}") };
            let plan = RequestPlan {
                url,
                method: self.method.clone(),
                headers: headers.clone(),
                body: body.clone(),
            };
            let scheme = request::parse(&plan.url).map_err(|error| Failure::Usage(error.to_string()))?;
            if !matches!(scheme.scheme(), "http" | "https") {
                return Err(Failure::Usage(format!("{}: only http:// and https:// are supported", plan.url)));
            }
            if !scheme.username().is_empty() || scheme.password().is_some() {
                let text = "no name and password in the URL, but --header 'Authorization: Basic …'";
                return Err(Failure::Usage(format!("{}: {text}", without_user(&scheme))));
            }
            Request::new(&plan).map_err(|error| Failure::Usage(format!("{}: {error}", plan.url)))?;
            Ok(plan)
        };
        self.urls.iter().map(plan).collect()
    }
}

fn without_user(url: &url::Url) -> String {
    format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// The name and the value of a header, as they are typed.
pub(crate) fn header(line: &str) -> Result<(String, String), Failure> {
    let (name, value) = line.split_once(':').ok_or_else(|| {
        Failure::Usage(format!("--header: {line:?} has no colon, as in 'Authorization: Bearer …'"))
    })?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte));
    if !is_token || value.bytes().any(|byte| byte < b' ' && byte != b'\t') {
        return Err(Failure::Usage(format!("--header: {line:?} is no header")));
    }
    Ok((name.to_owned(), value.to_owned()))
}
