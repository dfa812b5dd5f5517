// hostkit::link!(billing, shipping);

const _: () = {
    use ::hostkit::__private as __hk;
    extern crate billing as _;
    __hk::linked!("billing");
    extern crate shipping as _;
    __hk::linked!("shipping");
};
