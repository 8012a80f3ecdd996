//! Limits of `sys/param.h`.

use core::ffi::{c_int, c_longlong};

constants! {
    "sys/param.h":

    UID_NOBODY: c_int = 60001;
    GID_NOBODY: c_int = 60001;
    MAX_TASKID: c_int = 999999;
    MAX_MAXPID: c_int = 999999;
    MAXUID: c_int = 2147483647;
    MAXPROJID: c_int = 2147483647;
    MAXLINK: c_int = 32767;
    NOFILE: c_int = 20;
    MAXPATHLEN: c_int = 1024;
    MAXSYMLINKS: c_int = 20;
    MAXNAMELEN: c_int = 256;
    MAXLINKNAMELEN: c_int = 32;
    MAXBSIZE: c_int = 8192;
    DEV_BSIZE: c_int = 512;
    DEV_BSHIFT: c_int = 9;
    MAXOFF32_T: c_int = 2147483647;
    MAXOFFSET_T: c_longlong = 9223372036854775807;
}
