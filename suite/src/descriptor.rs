//! Descriptors for a case to associate, closed at the end unless the case did.

use crate::check::{self, Failure};
use crate::{Ctx, Errno};

impl Ctx<'_> {
    /// A pipe: the reading and the writing end.
    #[track_caller]
    pub fn pipe(&self) -> Result<(i32, i32), Failure> {
        self.keep_both("pipe", self.sys.pipe())
    }

    /// A pair of connected stream sockets.
    #[track_caller]
    pub fn socketpair(&self) -> Result<(i32, i32), Failure> {
        self.keep_both("socketpair", self.sys.socketpair())
    }

    /// A regular file with this content: always ready.
    #[track_caller]
    pub fn file(&self, content: &[u8]) -> Result<i32, Failure> {
        let fd = check::granted("open of a regular file", self.sys.open_file(content))?;
        self.keep(fd);
        Ok(fd)
    }

    /// A device that is ready when the case says so.
    #[track_caller]
    pub fn device(&self) -> Result<i32, Failure> {
        let fd = check::granted("open of the device", self.sys.open_device())?;
        self.keep(fd);
        Ok(fd)
    }

    #[track_caller]
    fn keep_both(
        &self,
        what: &str,
        made: Result<(i32, i32), Errno>,
    ) -> Result<(i32, i32), Failure> {
        let (one, other) = check::granted(what, made)?;
        self.keep(one);
        self.keep(other);
        Ok((one, other))
    }
}
