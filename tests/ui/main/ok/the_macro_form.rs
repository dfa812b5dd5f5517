hostkit::main!(link(ui_support), flavor = "multi_thread", worker_threads = 2);

#[hostkit::on_started]
async fn stop(lifetime: hostkit::HostLifetime) {
    lifetime.request_stop();
}
