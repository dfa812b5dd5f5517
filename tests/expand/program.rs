// #[hostkit::program(flavor = "current_thread")]
// async fn main(host: &mut HostBuilder) -> anyhow::Result<()> {
//     setup(host).await
// }

async fn hostkit_main(host: &mut HostBuilder) -> anyhow::Result<()> {
    setup(host).await
}
fn main() -> ::hostkit::__private::ExitCode {
    ::hostkit::__private::main(&hostkit_wiring::PROGRAM, hostkit_wiring::setup())
}
mod hostkit_wiring {
    use ::hostkit::__private as __hk;
    pub(super) static PROGRAM: __hk::Program = __hk::Program {
        name: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        linked: &[],
        runtime: __hk::Runtime {
            flavor: __hk::Flavor::CurrentThread,
            worker_threads: __hk::None,
        },
    };
    pub(super) fn setup() -> __hk::Setup {
        __hk::Setup::asynchronous(|host| __hk::Box::pin(super::hostkit_main(host)))
    }
    #[cfg(test)]
    #[::core::prelude::v1::test]
    fn the_wiring_is_whole() {
        __hk::check_wiring(&PROGRAM, setup());
    }
}
