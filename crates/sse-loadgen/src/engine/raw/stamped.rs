//! Reading with the kernel's word on when the data came: what the tester itself adds to a latency is what lies in between.
//!
//! For a sample of the clients only: such a read costs about a microsecond more. The kernel's time is that of the last
//! segment that was read, by the wall clock; it is moved to ours by a look at both.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use mio::net::TcpStream;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, cmsg_space, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use rustix::time::{ClockId, clock_gettime};

use crate::clock;

/// Room for the one control message that was asked for.
const CONTROL: usize = cmsg_space::<TimeSpec>();

/// Has the kernel note when data come. Linux 4.14 and later do, for TCP.
///
/// # Errors
///
/// The kernel refuses.
pub(super) fn ask(socket: &TcpStream) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::ReceiveTimestampns, &true)?)
}

/// Reads, and says when the data came, if the kernel does.
///
/// # Errors
///
/// As a read.
pub(super) fn read(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<(usize, Option<u64>)> {
    let mut control = [0; CONTROL];
    let mut slices = [IoSliceMut::new(buffer)];
    let read = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty())?;
    let wall = read.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(nanos(time.tv_sec(), time.tv_nsec())),
        _ => None,
    });
    Ok((read.bytes, wall.map(to_ours)))
}

fn to_ours(wall: u64) -> u64 {
    let ours = clock::now();
    let now = clock_gettime(ClockId::Realtime);
    ours.saturating_sub(nanos(now.tv_sec, now.tv_nsec).saturating_sub(wall))
}

fn nanos(seconds: i64, nanos: i64) -> u64 {
    seconds.cast_unsigned() * 1_000_000_000 + nanos.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_kernels_time_lies_between_sending_and_reading() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let client = TcpStream::from_std(client);
        ask(&client).unwrap();
        let mut buffer = [0; 16];
        // The kernel begins to take times a moment after the first socket asked for it.
        let arrived = (0..10_000).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            let before = clock::now();
            server.write_all(b"hello").unwrap();
            let (bytes, arrived) = read(&client, &mut buffer).unwrap();
            assert_eq!(&buffer[..bytes], b"hello");
            arrived.map(|arrived| (before, arrived, clock::now()))
        });
        let (before, arrived, after) = arrived.expect("this kernel takes times");
        // The two clocks are read one after the other: between them, the thread may have been interrupted, which moves the
        // time into the past.
        assert!(arrived <= after && arrived + 1_000_000_000 > before, "{before} {arrived} {after}");
    }
}
