hostkit::main!(flavour = "current_thread");
