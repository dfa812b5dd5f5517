use hostkit::HostBuilder;

#[hostkit::program]
async fn main(host: &mut HostBuilder) -> Result<(), std::io::Error> {
    std::future::ready(()).await;
    host.set("background_service.work.on_complete", "done");
    Ok(())
}

#[hostkit::background_service]
async fn work() {}
