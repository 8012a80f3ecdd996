//! Flags of open(2) and fcntl(2): `sys/fcntl.h`.

use core::ffi::{c_int, c_uint};

constants! {
    "sys/fcntl.h":

    O_RDONLY: c_int = 0;
    O_WRONLY: c_int = 1;
    O_RDWR: c_int = 2;
    O_SEARCH: c_int = 2097152;
    O_EXEC: c_int = 4194304;
    O_NDELAY: c_int = 4;
    O_APPEND: c_int = 8;
    O_SYNC: c_int = 16;
    O_DSYNC: c_int = 64;
    O_RSYNC: c_int = 32768;
    O_NONBLOCK: c_int = 128;
    O_LARGEFILE: c_int = 8192;
    O_CREAT: c_int = 256;
    O_TRUNC: c_int = 512;
    O_EXCL: c_int = 1024;
    O_NOCTTY: c_int = 2048;
    O_XATTR: c_int = 16384;
    O_NOFOLLOW: c_int = 131072;
    O_NOLINKS: c_int = 262144;
    O_CLOEXEC: c_int = 8388608;
    O_DIRECTORY: c_int = 16777216;
    O_DIRECT: c_int = 33554432;
    O_CLOFORK: c_int = 67108864;
    F_DUPFD: c_int = 0;
    F_GETFD: c_int = 1;
    F_SETFD: c_int = 2;
    F_GETFL: c_int = 3;
    F_SETFL: c_int = 4;
    F_DUP2FD: c_int = 9;
    F_DUPFD_CLOEXEC: c_int = 0x25;
    F_SETLK: c_int = 6;
    F_SETLKW: c_int = 7;
    F_FREESP: c_int = 0xb;
    F_GETLK: c_int = 0xe;
    F_GETLK64: c_int = 0x21;
    F_RDLCK: c_int = 1;
    F_WRLCK: c_int = 2;
    F_UNLCK: c_int = 3;
    O_ACCMODE: c_int = 6291459;
    FD_CLOEXEC: c_int = 1;
    FD_CLOFORK: c_int = 2;
    AT_FDCWD: c_uint = 4291925331;
    AT_SYMLINK_NOFOLLOW: c_int = 0x1000;
    AT_SYMLINK_FOLLOW: c_int = 0x2000;
    AT_REMOVEDIR: c_int = 1;
    AT_EACCESS: c_int = 4;
}
