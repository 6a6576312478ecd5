//! The program: what was typed, done; the report, written; and an exit code that says how it went.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use clap::error::ErrorKind;
use sse_loadgen::args::{Cli, Command, LoadArgs, ReportArgs};
use sse_loadgen::coordinator::{Progress, Silent, conduct};
use sse_loadgen::failure::Failure;
use sse_loadgen::flood::FloodArgs;
use sse_loadgen::load::Load;
use sse_loadgen::report::outcome::Outcome;
use sse_loadgen::report::table::{Style, table};
use sse_loadgen::report::{Summary, hgrm, html, metrics};
use sse_loadgen::scenario::Scenario;
use sse_loadgen::terminal::Terminal;
use sse_loadgen::{doctor, engine, flood, serve};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Standard output may be closed; there is nobody else to tell.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(u8::from(!asked));
        }
    };
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "sse-loadgen: {error:#}");
            ExitCode::from(error.downcast_ref::<Failure>().map_or(1, Failure::code))
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<u8> {
    let argv = || std::env::args().collect::<Vec<_>>();
    let (args, load) = match &cli.command {
        None => (&cli.run, cli.run.load(Scenario::Run, argv())?),
        Some(Command::Run(args)) => (args, args.load(Scenario::Run, argv())?),
        Some(Command::Storm(args)) => (args, args.load(Scenario::Storm, argv())?),
        Some(Command::Churn(args)) => (&args.load, args.load(argv())?),
        Some(Command::Slow(args)) => (&args.load, args.load(argv())?),
        Some(Command::Resume(args)) => (&args.load, args.load(argv())?),
        Some(Command::Request(args)) => (&args.load, args.load(argv())?),
        Some(Command::Doctor(args)) => {
            let answer = doctor::run(args)?;
            write!(io::stdout(), "{}", answer.text)?;
            return Ok(u8::from(!answer.possible));
        }
        Some(Command::Flood(args)) => return flood(args),
        Some(Command::Calibrate(args)) => {
            let text = sse_loadgen::calibrate::run(args.clients, args.duration.0)?;
            write!(io::stdout(), "{text}")?;
            return Ok(0);
        }
        Some(Command::Serve(args)) => return serve::run(args).map(|()| 0),
        Some(Command::Report(args)) => return report(args),
        Some(Command::Metrics) => {
            for name in metrics::NAMES.iter() {
                writeln!(io::stdout(), "{:<34} {}", name.name, name.text)?;
            }
            return Ok(0);
        }
        Some(Command::Worker) => return engine::work().map(|()| 0).context("worker"),
    };
    measure(args, &load)
}

fn measure(args: &LoadArgs, load: &Load) -> anyhow::Result<u8> {
    let files = Files::open(args)?;
    let mut terminal;
    let mut silent = Silent;
    let progress: &mut dyn Progress = if args.quiet {
        &mut silent
    } else {
        terminal = Terminal::new(load.clients);
        &mut terminal
    };
    let summary = conduct(load, progress)?;
    // Each on its own: what can be written is.
    let mut code = Outcome::of(&summary).code();
    for problem in files.write(&summary) {
        let _ = writeln!(io::stderr(), "sse-loadgen: {problem:#}");
        code = code.max(1);
    }
    match show(&summary) {
        // Nobody wants to see it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        shown => shown.context("the report cannot be printed")?,
    }
    Ok(code)
}

/// Where the report goes, beside the terminal. Opened before anything is measured, so that nothing is measured in vain.
struct Files {
    json: Option<Output>,
    html: Option<Output>,
    hgrm: Option<Output>,
}

struct Output {
    path: PathBuf,
    file: fs::File,
    /// It was not there before: if there is nothing to write, it goes again.
    is_new: bool,
}

impl Files {
    fn open(args: &LoadArgs) -> anyhow::Result<Self> {
        let open = |path: &Option<PathBuf>| path.as_ref().map(|path| Output::open(path)).transpose();
        let files = (open(&args.json), open(&args.html), open(&args.hgrm));
        Ok(Self { json: files.0?, html: files.1?, hgrm: files.2? })
    }

    /// What went wrong.
    fn write(self, summary: &Summary) -> Vec<anyhow::Error> {
        let first = |names: [&str; 3]| names.into_iter().find_map(|name| summary.latency.get(name));
        let json = || Ok(serde_json::to_string_pretty(summary)? + "\n");
        let hgrm = || {
            let latency = first(["delivery", "stream", "headers"]).context("nothing was measured")?;
            Ok(hgrm::hgrm(&latency.hdr))
        };
        let written = [
            self.json.map(|output| output.write(json)),
            self.html.map(|output| output.write(|| page(summary))),
            self.hgrm.map(|output| output.write(hgrm)),
        ];
        written.into_iter().flatten().filter_map(Result::err).collect()
    }
}

impl Output {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let is_new = !path.exists();
        // What an earlier run has left stays, until there is something better.
        let file = fs::OpenOptions::new().create(true).write(true).truncate(false).open(path);
        let file = file.with_context(|| Failure::Usage(format!("{} cannot be written", path.display())))?;
        Ok(Self { path: path.to_owned(), file, is_new })
    }

    fn write(mut self, text: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<()> {
        let text = text()?;
        self.is_new = false;
        let written = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
        written.with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.is_new {
            // An empty file in its place is a nuisance, and no more.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn flood(args: &FloodArgs) -> anyhow::Result<u8> {
    let json = args.json.as_deref().map(Output::open).transpose()?;
    let report = flood::run(args)?;
    if let Some(json) = json {
        json.write(|| Ok(serde_json::to_string_pretty(&report)? + "\n"))?;
    }
    write!(io::stdout(), "{}", report.text())?;
    Ok(report.code())
}

fn report(args: &ReportArgs) -> anyhow::Result<u8> {
    let text =
        fs::read_to_string(&args.json).with_context(|| format!("{} cannot be read", args.json.display()))?;
    let summary: Summary = serde_json::from_str(&text)
        .with_context(|| format!("{} is no report of this program", args.json.display()))?;
    match args.html.as_deref() {
        None => show(&summary)?,
        Some(path) => {
            fs::write(path, page(&summary)?)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok(0)
}

fn show(summary: &Summary) -> io::Result<()> {
    let coloured =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let style = if coloured { Style::Coloured } else { Style::Plain };
    io::stdout().write_all(table(summary, style).as_bytes())
}

fn page(summary: &Summary) -> anyhow::Result<String> {
    html::page(summary).context("the page cannot be made")
}
