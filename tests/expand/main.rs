// hostkit::main!(link(billing), worker_threads = 4);

fn main() -> ::hostkit::__private::ExitCode {
    ::hostkit::__private::main(&hostkit_wiring::PROGRAM, hostkit_wiring::setup())
}
mod hostkit_wiring {
    use ::hostkit::__private as __hk;
    pub(super) static PROGRAM: __hk::Program = __hk::Program {
        name: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        linked: &["billing"],
        runtime: __hk::Runtime {
            flavor: __hk::Flavor::MultiThread,
            worker_threads: __hk::Some(4),
        },
    };
    pub(super) fn setup() -> __hk::Setup {
        __hk::Setup::none()
    }
    #[cfg(test)]
    #[::core::prelude::v1::test]
    fn the_wiring_is_whole() {
        __hk::check_wiring(&PROGRAM, setup());
    }
}
const _: () = {
    use ::hostkit::__private as __hk;
    extern crate billing as _;
    __hk::linked!("billing");
};
