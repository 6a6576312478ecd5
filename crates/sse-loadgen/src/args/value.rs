//! How single values are written on the command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A time, as in `1500ms`, `15s` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

/// Nobody means to wait longer, and clocks can still be added to.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
        if time > LONGEST { Err("at most 30 days".to_owned()) } else { Ok(Self(time)) }
    }
}

/// How fast clients come: `2000/s`, or all within `10s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ramp {
    /// So many per second.
    Rate(f64),
    /// All, evenly, in this time.
    Within(Duration),
}

impl Ramp {
    /// How many come per second.
    #[must_use]
    pub fn per_second(self, clients: u32) -> f64 {
        match self {
            Self::Rate(rate) => rate,
            // All at once is as fast as can be.
            Self::Within(time) => f64::from(clients) / time.as_secs_f64().max(1e-3),
        }
    }
}

impl FromStr for Ramp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write a rate, such as 2000/s, or the time in which all are to come, such as 10s";
        let Some(rate) = text.strip_suffix("/s") else {
            return text.parse().map(|Span(time)| Self::Within(time)).map_err(|_| wrong);
        };
        let rate: f64 = rate.trim().parse().map_err(|_| wrong)?;
        if (0.01..=1e6).contains(&rate) {
            Ok(Self::Rate(rate))
        } else {
            Err("a rate is from 0.01/s to 1,000,000/s")
        }
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "{rate}/s"),
            Self::Within(time) => write!(f, "{}", humantime::format_duration(*time)),
        }
    }
}

/// A part of 1: `5%` or `0.05`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
        let share = number.trim().parse::<f64>().map_err(|_| "write a share, such as 5% or 0.05")? / of;
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err("a share is from 0% to 100%") }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_a_rate_or_a_time() {
        assert_eq!("2000/s".parse(), Ok(Ramp::Rate(2000.0)));
        assert_eq!("10s".parse::<Ramp>().unwrap().per_second(500), 50.0);
        for wrong in ["0/s", "1e-300/s", "600y", "-1/s", "NaN/s", "1e9/s", "fast", "2000"] {
            assert!(wrong.parse::<Ramp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_of_one_or_of_a_hundred() {
        assert_eq!("5%".parse(), Ok(Share(0.05)));
        assert_eq!("0.5".parse(), Ok(Share(0.5)));
        for wrong in ["101%", "-1%", "2", "NaN", "some"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }
}
