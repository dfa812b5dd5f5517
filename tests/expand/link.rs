// hostkit::link!(billing, shipping);

const _: () = {
    use ::hostkit::__private as __hk;
    extern crate billing as _;
    __hk::submit! {
        __hk::Registration::Linked("billing")
    }
    extern crate shipping as _;
    __hk::submit! {
        __hk::Registration::Linked("shipping")
    }
};
