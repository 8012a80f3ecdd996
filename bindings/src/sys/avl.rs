//! AVL trees of `sys/avl_impl.h`, as far as structures contain them.

use core::ffi::{c_int, c_void};

use super::flat::*;

layouts! {
    "sys/avl_impl.h":

    /// An AVL tree.
    struct avl_tree_t: 40, 8 {
        0 pub avl_root: *mut avl_node_t,
        8 pub avl_compar: Option<unsafe extern "C" fn(*const c_void, *const c_void) -> c_int>,
        16 pub avl_offset: size_t,
        24 pub avl_numnodes: ulong_t,
        32 pub avl_size: size_t,
    }

    /// The links of an object in an AVL tree.
    struct avl_node_t: 24, 8 {
        0 pub avl_child: [*mut avl_node_t; 2],
        16 pub avl_pcb: uintptr_t,
    }
}
