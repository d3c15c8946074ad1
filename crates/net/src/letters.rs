//! Letters between two processes of one machine: some text, and descriptors with it.
//!
//! A pair of connected sockets that keep the bounds of messages (`SOCK_SEQPACKET`). One end stays,
//! the other becomes the standard input of a child, which is the one descriptor that a child can be
//! given without doing anything to the table of its parent. All others go through the socket, where
//! the kernel makes new ones of them that close on exec.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use socket2::{Domain, SockRef, Type};

/// Longest text of a letter, in bytes: what several of them take is below the kernel's own bound on
/// a socket (`net.core.wmem_default`, 208 KiB).
pub const TEXT_BYTES_MAX: usize = 32 * 1024;

/// Most descriptors with one letter. The kernel takes 253.
pub const DESCRIPTORS_MAX: usize = 64;

/// One end of a conversation.
#[derive(Debug)]
pub struct Letters(OwnedFd);

/// What came with one message.
#[derive(Debug)]
pub struct Letter {
    /// The text.
    pub text: Vec<u8>,
    /// The descriptors, which close on exec.
    pub descriptors: Vec<OwnedFd>,
}

impl Letters {
    /// Both ends. The second is for a child's standard input.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (here, there) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(here), there))
    }

    /// The end that a parent made our standard input, which is `/dev/null` from now on.
    ///
    /// # Errors
    /// When standard input is something else.
    pub fn from_stdin() -> io::Result<Self> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        let of_socket = SockRef::from(&socket);
        if of_socket.domain()? != Domain::UNIX || of_socket.r#type()? != Type::SEQPACKET {
            return Err(io::Error::other("standard input is no socket of a parent of ours"));
        }
        rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
        Ok(Self(socket))
    }

    /// The second end, in this process.
    #[must_use]
    pub fn new(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Bounds how long a letter may take in either direction.
    ///
    /// # Errors
    /// None on Linux.
    pub fn limit(&self, time: Duration) -> io::Result<()> {
        let socket = SockRef::from(&self.0);
        socket.set_read_timeout(Some(time))?;
        socket.set_write_timeout(Some(time))
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// When it is too long, the other end is gone or does not read in time.
    pub fn send(&self, text: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || descriptors.len() > DESCRIPTORS_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a letter of no good size"));
        }
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other("no room for the descriptors of a letter"));
        }
        let text = [IoSlice::new(text)];
        retried(|| rustix::net::sendmsg(&self.0, &text, &mut control, SendFlags::NOSIGNAL))?;
        Ok(())
    }

    /// Waits for a letter; `None` once the other end is gone.
    ///
    /// # Errors
    /// When none comes in time (`WouldBlock`), or it is longer than any that [`Self::send`] sends.
    pub fn receive(&self) -> io::Result<Option<Letter>> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut text = vec![0; TEXT_BYTES_MAX];
        let received = retried(|| {
            let into = &mut [IoSliceMut::new(&mut text)];
            rustix::net::recvmsg(&self.0, into, &mut control, RecvFlags::CMSG_CLOEXEC)
        })?;
        let descriptors = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        });
        let descriptors = descriptors.collect();
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a letter was cut off"));
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        text.truncate(received.bytes);
        Ok(Some(Letter { text, descriptors }))
    }
}

/// Once more for as long as signals interrupt.
fn retried<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_letter_brings_its_text_and_its_descriptors() {
        let (here, there) = Letters::pair().unwrap();
        let there = Letters::new(there);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        here.send(b"first", &[listener.as_fd(), listener.as_fd()]).unwrap();
        here.send(&[7; TEXT_BYTES_MAX], &[]).unwrap();
        let first = there.receive().unwrap().unwrap();
        assert_eq!((first.text.as_slice(), first.descriptors.len()), (&b"first"[..], 2));
        let same = TcpListener::from(first.descriptors.into_iter().next().unwrap());
        assert_eq!(same.local_addr().unwrap(), listener.local_addr().unwrap());
        assert_eq!(there.receive().unwrap().unwrap().text.len(), TEXT_BYTES_MAX);
        drop(here);
        assert!(there.receive().unwrap().is_none());
    }

    #[test]
    fn nobody_waits_for_ever_and_nothing_is_sent_that_would_be_cut() {
        let (here, _there) = Letters::pair().unwrap();
        here.limit(Duration::from_millis(10)).unwrap();
        assert_eq!(here.receive().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let too_long = vec![0; TEXT_BYTES_MAX + 1];
        assert_eq!(here.send(&too_long, &[]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(here.send(b"", &[]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        // Whoever does not read is not waited for either.
        while here.send(&[0; TEXT_BYTES_MAX], &[]).is_ok() {}
    }
}
