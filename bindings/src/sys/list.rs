//! Intrusive lists: `sys/list.h`, `sys/list_impl.h`.

use core::ffi::{c_int, c_void};

use super::flat::*;

layouts! {
    "sys/list_impl.h":

    /// An intrusive list; `list_head` is its sentinel.
    struct list_t: 32, 8 {
        /// size of an object
        0 pub list_size: size_t,
        /// where its node is
        8 pub list_offset: size_t,
        /// the sentinel
        16 pub list_head: list_node_t,
    }

    /// The links of an object that is on a `list_t`; both NULL when it is on none.
    struct list_node_t: 16, 8 {
        /// next node
        0 pub list_next: *mut list_node_t,
        /// previous node
        8 pub list_prev: *mut list_node_t,
    }
}

functions! {
    "sys/list.h":

    /// Makes an empty list of objects of `size` bytes whose node is at `offset`.
    fn list_create(list: *mut list_t, size: size_t, offset: size_t);
    /// Ends an empty list.
    fn list_destroy(list: *mut list_t);
    /// The first object, or NULL.
    fn list_head(list: *mut list_t) -> *mut c_void;
    /// The last object, or NULL.
    fn list_tail(list: *mut list_t) -> *mut c_void;
    /// The object after this one, or NULL.
    fn list_next(list: *mut list_t, object: *mut c_void) -> *mut c_void;
    /// The object before this one, or NULL.
    fn list_prev(list: *mut list_t, object: *mut c_void) -> *mut c_void;
    /// Puts the object at the front.
    fn list_insert_head(list: *mut list_t, object: *mut c_void);
    /// Puts the object at the back.
    fn list_insert_tail(list: *mut list_t, object: *mut c_void);
    /// Puts `nobject` behind `object`; at the front when `object` is NULL.
    fn list_insert_after(list: *mut list_t, object: *mut c_void, nobject: *mut c_void);
    /// Puts `nobject` in front of `object`; at the back when `object` is NULL.
    fn list_insert_before(list: *mut list_t, object: *mut c_void, nobject: *mut c_void);
    /// Takes the first object off the list; NULL when it is empty.
    fn list_remove_head(list: *mut list_t) -> *mut c_void;
    /// Takes the last object off the list; NULL when it is empty.
    fn list_remove_tail(list: *mut list_t) -> *mut c_void;
    /// Marks a node as being on no list.
    fn list_link_init(node: *mut list_node_t);
    /// Not 0 when the node is on a list.
    fn list_link_active(node: *mut list_node_t) -> c_int;
    /// Not 0 when the list has no object.
    fn list_is_empty(list: *mut list_t) -> c_int;
    /// Moves all objects of `src` behind those of `dst`.
    fn list_move_tail(dst: *mut list_t, src: *mut list_t);
    /// Takes the object off the list.
    fn list_remove(list: *mut list_t, object: *mut c_void);
}
