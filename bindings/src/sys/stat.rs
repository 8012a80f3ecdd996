//! File modes: `sys/stat.h`.

use core::ffi::c_int;

constants! {
    "sys/stat.h":

    S_IFMT: c_int = 0xf000;
    S_IAMB: c_int = 0x1ff;
    S_IFIFO: c_int = 0x1000;
    S_IFCHR: c_int = 0x2000;
    S_IFDIR: c_int = 0x4000;
    S_IFNAM: c_int = 0x5000;
    S_INSEM: c_int = 1;
    S_INSHD: c_int = 2;
    S_IFBLK: c_int = 0x6000;
    S_IFREG: c_int = 0x8000;
    S_IFLNK: c_int = 0xa000;
    S_IFSOCK: c_int = 0xc000;
    S_IFDOOR: c_int = 0xd000;
    S_IFPORT: c_int = 0xe000;
    S_ISUID: c_int = 0x800;
    S_ISGID: c_int = 0x400;
    S_ISVTX: c_int = 0x200;
    S_IREAD: c_int = 0x100;
    S_IWRITE: c_int = 0x80;
    S_IEXEC: c_int = 0x40;
    S_ENFMT: c_int = 0x400;
    S_IRWXU: c_int = 0x1c0;
    S_IRUSR: c_int = 0x100;
    S_IWUSR: c_int = 0x80;
    S_IXUSR: c_int = 0x40;
    S_IRWXG: c_int = 0x38;
    S_IRGRP: c_int = 0x20;
    S_IWGRP: c_int = 0x10;
    S_IXGRP: c_int = 8;
    S_IRWXO: c_int = 7;
    S_IROTH: c_int = 4;
    S_IWOTH: c_int = 2;
    S_IXOTH: c_int = 1;
}
