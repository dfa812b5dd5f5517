hostkit::main!(flavor = "current_thread", flavor = "multi_thread");
