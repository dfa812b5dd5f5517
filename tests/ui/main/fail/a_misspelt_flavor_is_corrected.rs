hostkit::main!(flavor = "current-thread");
