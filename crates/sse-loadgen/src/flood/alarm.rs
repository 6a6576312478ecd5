//! A clock that wakes a poll in time: a poll's own timeout is rounded up to whole milliseconds.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// See the module.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    due: u64,
}

impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, due: 0 })
    }

    /// Wakes the poll at this time, or at once if it is over; and not at any time that was said before.
    pub(super) fn set(&mut self, due: u64) -> io::Result<()> {
        if due == self.due {
            return Ok(());
        }
        self.due = due;
        // Zero would switch it off.
        let due = due.max(1);
        let spec = |nanos: u64| Timespec {
            tv_sec: (nanos / 1_000_000_000).cast_signed(),
            tv_nsec: (nanos % 1_000_000_000).cast_signed(),
        };
        let times = Itimerspec { it_interval: spec(0), it_value: spec(due) };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &times)?;
        Ok(())
    }
}
