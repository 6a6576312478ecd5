//! One test per flag, through the parser that the binary uses.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use super::*;

fn parse(flags: &[&str]) -> Args {
    Args::try_parse_from([&["sse-server"], flags].concat()).unwrap_or_else(|error| panic!("{error}"))
}

fn config(flags: &[&str]) -> Config {
    parse(flags).config().unwrap_or_else(|error| panic!("{error}"))
}

fn error(flags: &[&str]) -> clap::Error {
    Args::try_parse_from([&["sse-server"], flags].concat()).unwrap_err()
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn the_command_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn nothing_typed_is_the_default() {
    assert_eq!(format!("{:?}", config(&[])), format!("{:?}", Config::default()));
    assert_eq!(config(&[]).check(), Ok(()));
}

#[test]
fn listen() {
    let both = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:9000".parse().unwrap()];
    assert_eq!(config(&["--listen", "127.0.0.1:0", "--listen", "[::1]:9000"]).listen, both);
    assert_eq!(config(&["--listen=127.0.0.1:0,[::1]:9000"]).listen, both);
    for text in ["8080", ":8080", "localhost:8080", "127.0.0.1", "::1", ""] {
        let error = error(&["--listen", text]);
        assert_eq!(error.kind(), ErrorKind::ValueValidation);
        assert!(error.to_string().contains("address and a port, such as 127.0.0.1:8080"), "{error}");
    }
}

#[test]
fn allow_anonymous_remote() {
    assert!(!config(&[]).allow_anonymous_remote);
    assert!(config(&["--allow-anonymous-remote"]).allow_anonymous_remote);
}

/// The flag, made to take a value, which is parsed as that of its variable is.
fn as_a_variable(id: &'static str, text: &str) -> Result<Args, clap::Error> {
    let with_value = |arg: clap::Arg| arg.action(clap::ArgAction::Set).num_args(1);
    let flag = format!("--{}", id.replace('_', "-"));
    let command = Args::command().mut_arg(id, with_value);
    let matches = command.try_get_matches_from(["sse-server", &flag, text])?;
    Args::from_arg_matches(&matches)
}

#[test]
fn what_opens_the_server_takes_no_slip_of_the_pen_for_a_yes() {
    type Flag = (&'static str, fn(&Args) -> bool);
    let flags: [Flag; 2] = [
        ("allow_anonymous_remote", |args| args.allow_anonymous_remote),
        ("allow_remote_operations", |args| args.allow_remote_operations),
    ];
    for (id, value) in flags {
        for yes in ["1", "true", "TRUE", "yes", "on"] {
            assert!(value(&as_a_variable(id, yes).unwrap()), "{id} {yes}");
        }
        for no in ["0", "false", "no", "off"] {
            assert!(!value(&as_a_variable(id, no).unwrap()), "{id} {no}");
        }
        for slip in ["flase", "2", ""] {
            let error = as_a_variable(id, slip).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{id} {slip}");
        }
    }
}

#[test]
fn operations() {
    assert_eq!(config(&[]).operations, None);
    let address = "127.0.0.1:9090".parse().unwrap();
    assert_eq!(config(&["--operations", "127.0.0.1:9090"]).operations, Some(address));
    assert_eq!(error(&["--operations", "9090"]).kind(), ErrorKind::ValueValidation);
}

#[test]
fn allow_remote_operations() {
    assert!(!config(&[]).allow_remote_operations);
    assert!(config(&["--allow-remote-operations"]).allow_remote_operations);
}

#[test]
fn tls_cert_and_tls_key() {
    let (certificate, key) = ("a.pem".into(), "b.pem".into());
    let both = config(&["--tls-cert", "a.pem", "--tls-key", "b.pem"]);
    assert_eq!(both.tls, Some(TlsConfig { certificate, key }));
    for one in ["--tls-cert", "--tls-key"] {
        assert_eq!(error(&[one, "a.pem"]).kind(), ErrorKind::MissingRequiredArgument, "{one}");
    }
}

#[test]
fn workers() {
    assert_eq!(config(&["--workers", "3"]).workers, 3);
    assert_eq!(error(&["--workers", "-1"]).kind(), ErrorKind::UnknownArgument);
}

#[test]
fn max_connections() {
    assert_eq!(config(&[]).max_connections, None);
    assert_eq!(config(&["--max-connections", "100"]).max_connections, Some(100));
}

#[test]
fn what_has_no_zero_says_so() {
    for flag in ["--max-lag", "--max-streams-per-address", "--max-connections-per-address"] {
        parse(&[flag, "1"]);
        let message = error(&[flag, "0"]).to_string();
        assert!(message.contains("write a number of at least 1"), "{message}");
    }
}

#[test]
fn backlog() {
    assert_eq!(config(&["--backlog", "128"]).backlog, 128);
}

#[test]
fn request_head_timeout() {
    assert_eq!(
        config(&["--request-head-timeout", "2500ms"]).request_head_timeout,
        Duration::from_millis(2500)
    );
}

#[test]
fn keep_alive() {
    assert_eq!(config(&["--keep-alive", "0s"]).keep_alive, Duration::ZERO);
}

#[test]
fn heartbeat() {
    assert_eq!(config(&["--heartbeat", "1m"]).hub.heartbeat, secs(60));
    let message = error(&["--heartbeat", "15"]).to_string();
    assert!(message.contains("time unit needed"), "{message}");
}

#[test]
fn retry() {
    assert_eq!(config(&["--retry", "500ms"]).hub.retry, Duration::from_millis(500));
}

#[test]
fn retain_events() {
    assert_eq!(config(&["--retain-events", "7"]).hub.retain_events, 7);
}

#[test]
fn retain_bytes() {
    assert_eq!(config(&["--retain-bytes", "16MiB"]).hub.retain_bytes, 16 << 20);
    assert_eq!(config(&["--retain-bytes", "4096"]).hub.retain_bytes, 4096);
    assert_eq!(config(&["--retain-bytes", "1M"]).hub.retain_bytes, 1_000_000);
    let message = error(&["--retain-bytes", "lots"]).to_string();
    assert!(message.contains("write a size as"), "{message}");
}

#[test]
fn retain_age() {
    assert_eq!(config(&["--retain-age", "1h30m"]).hub.retain_age, secs(5400));
}

#[test]
fn forget_after() {
    assert_eq!(config(&["--forget-after", "1day"]).hub.forget_after, secs(86_400));
}

#[test]
fn max_event() {
    assert_eq!(config(&["--max-event", "64KiB"]).hub.max_event, 65_536);
}

#[test]
fn max_topics_per_subscription() {
    assert_eq!(config(&["--max-topics-per-subscription", "8"]).hub.max_topics_per_subscription, 8);
}

#[test]
fn body_timeout() {
    assert_eq!(config(&["--body-timeout", "1s"]).hub.body_timeout, secs(1));
}

#[test]
fn idempotency_window() {
    assert_eq!(config(&["--idempotency-window", "0s"]).hub.idempotency_window, Duration::ZERO);
}

#[test]
fn allow_origin() {
    assert_eq!(config(&[]).hub.allow_origins, AllowedOrigins::None);
    let two = ["--allow-origin", "https://a.example,http://localhost:3000"];
    let AllowedOrigins::These(origins) = config(&two).hub.allow_origins else { panic!("two are named") };
    assert_eq!(
        origins.iter().map(|o| o.as_str()).collect::<Vec<_>>(),
        ["https://a.example", "http://localhost:3000"]
    );
    let any = ["--allow-origin", "https://a.example", "--allow-origin", "*"];
    assert_eq!(config(&any).hub.allow_origins, AllowedOrigins::Any);
    let message = error(&["--allow-origin", "https://a.example/"]).to_string();
    assert!(message.contains("such as https://a.example"), "{message}");
}

#[test]
fn jwt_key() {
    assert!(config(&[]).hub.access.keys.is_empty());
    let args = parse(&["--jwt-key", "hs256:/a,es256:env:B", "--jwt-key", "rs256:c"]);
    let named: Vec<_> = args.jwt_key.iter().map(KeyArg::to_string).collect();
    assert_eq!(named, ["hs256:/a", "es256:env:B", "rs256:c"]);
    assert!(args.config().is_err(), "there are no such files");
    assert_eq!(error(&["--jwt-key", "/etc/secret"]).kind(), ErrorKind::ValueValidation);
}

#[test]
fn jwt_audience_and_issuer() {
    let access = config(&["--jwt-audience", "us", "--jwt-issuer", "them"]).hub.access;
    assert_eq!((access.audience.as_deref(), access.issuer.as_deref()), (Some("us"), Some("them")));
}

#[test]
fn jwt_cookie() {
    assert_eq!(config(&[]).hub.access.cookie, "mercureAuthorization");
    assert_eq!(config(&["--jwt-cookie", "token"]).hub.access.cookie, "token");
}

#[test]
fn anonymous_subscribe() {
    assert!(!config(&[]).hub.access.anonymous_subscribe);
    assert!(config(&["--anonymous-subscribe"]).hub.access.anonymous_subscribe);
}

#[test]
fn allow_token_in_url() {
    assert!(!config(&[]).hub.access.token_in_url);
    assert!(config(&["--allow-token-in-url"]).hub.access.token_in_url);
}

#[test]
fn drain() {
    assert_eq!(config(&["--drain", "25s"]).hub.drain, secs(25));
}

#[test]
fn log_and_log_format() {
    let settings = parse(&["--log", "sse_server=trace", "--log-format", "json"]).log_settings();
    assert_eq!(settings.filter, "sse_server=trace");
    assert_eq!(settings.format, LogFormat::Json);
    assert_eq!(parse(&[]).log_settings().filter, "info");
    assert_eq!(error(&["--log", "=,="]).kind(), ErrorKind::ValueValidation);
    assert_eq!(error(&["--log-format", "xml"]).kind(), ErrorKind::InvalidValue);
}

#[test]
fn every_flag_has_a_variable_of_its_name() {
    for arg in Args::command().get_arguments() {
        let Some(long) = arg.get_long().filter(|long| !["help", "version"].contains(long)) else { continue };
        let expected = format!("SSE_{}", long.replace('-', "_").to_uppercase());
        assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(&*expected));
    }
}

#[test]
fn every_flag_for_a_size_says_which_units_are_powers_of_what() {
    let command = Args::command();
    let sizes = command.get_arguments().filter(|arg| {
        arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "SIZE"))
    });
    let helps: Vec<_> = sizes.map(|arg| arg.get_long_help().unwrap().to_string()).collect();
    assert!(!helps.is_empty());
    for help in helps {
        let help = help.replace('\n', " ");
        assert!(help.contains("KB and MB are powers of 1000, KiB and MiB of 1024"), "{help}");
    }
}

#[test]
fn the_examples_in_the_help_are_valid() {
    let lines = EXAMPLES.lines().map(str::trim);
    let mut commands = lines.filter(|line| line.starts_with("sse-server")).peekable();
    assert!(commands.peek().is_some());
    for command in commands {
        let args = Args::try_parse_from(command.split_whitespace()).unwrap();
        match args.config() {
            Ok(config) => assert_eq!(config.check(), Ok(()), "{command}"),
            Err(no_such_key) => assert!(command.contains("--jwt-key"), "{no_such_key}"),
        }
    }
}
