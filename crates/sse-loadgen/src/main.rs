//! The program: what was typed, done; the report, written; and an exit code that says how it went.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use clap::error::ErrorKind;
use sse_loadgen::args::{Cli, Command, LoadArgs, ReportArgs};
use sse_loadgen::coordinator::{Progress, Silent, conduct};
use sse_loadgen::failure::Failure;
use sse_loadgen::load::Load;
use sse_loadgen::report::outcome::Outcome;
use sse_loadgen::report::table::{Style, table};
use sse_loadgen::report::{Summary, hgrm, html, metrics};
use sse_loadgen::scenario::Scenario;
use sse_loadgen::terminal::Terminal;
use sse_loadgen::{doctor, serve, worker};

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
        Some(Command::Worker) => return worker::run().map(|()| 0).context("worker"),
    };
    measure(args, &load)
}

fn measure(args: &LoadArgs, load: &Load) -> anyhow::Result<u8> {
    let mut terminal;
    let mut silent = Silent;
    let progress: &mut dyn Progress = if args.quiet {
        &mut silent
    } else {
        terminal = Terminal::new(load.clients);
        &mut terminal
    };
    let summary = conduct(load, progress)?;
    // The table first: it is there even if a file cannot be written.
    show(&summary)?;
    let delivery = || {
        summary
            .latency
            .get("delivery")
            .map(|delivery| hgrm::hgrm(&delivery.hdr))
            .context("nothing was delivered")
    };
    write(args.json.as_deref(), || Ok(serde_json::to_string_pretty(&summary)? + "\n"))?;
    write(args.html.as_deref(), || page(&summary))?;
    write(args.hgrm.as_deref(), delivery)?;
    Ok(Outcome::of(&summary).code())
}

fn report(args: &ReportArgs) -> anyhow::Result<u8> {
    let text =
        fs::read_to_string(&args.json).with_context(|| format!("{} cannot be read", args.json.display()))?;
    let summary: Summary = serde_json::from_str(&text)
        .with_context(|| format!("{} is no report of this program", args.json.display()))?;
    match args.html.as_deref() {
        None => show(&summary)?,
        path => write(path, || page(&summary))?,
    }
    Ok(0)
}

fn show(summary: &Summary) -> anyhow::Result<()> {
    let coloured =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let style = if coloured { Style::Coloured } else { Style::Plain };
    write!(io::stdout(), "{}", table(summary, style)).context("the report cannot be printed")
}

fn page(summary: &Summary) -> anyhow::Result<String> {
    html::page(summary).context("the page cannot be made")
}

fn write(path: Option<&Path>, text: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    fs::write(path, text()?).with_context(|| format!("{} cannot be written", path.display()))
}
