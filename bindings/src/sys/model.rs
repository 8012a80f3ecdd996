//! Data models: `sys/model.h`.

use core::ffi::{c_int, c_uint};

scalars! {
    "sys/model.h":

    /// A data model: `DATAMODEL_*`.
    model_t = c_uint;
}

constants! {
    "sys/model.h":

    DATAMODEL_MASK: c_int = 0xff00000;
    DATAMODEL_ILP32: c_int = 0x100000;
    DATAMODEL_LP64: c_int = 0x200000;
    DATAMODEL_NONE: c_int = 0;
    DATAMODEL_NATIVE: c_int = 0x200000;
}

functions! {
    "sys/model.h":

    /// The data model of the calling process: `DATAMODEL_LP64` or `DATAMODEL_ILP32`.
    fn get_udatamodel() -> model_t;
}
