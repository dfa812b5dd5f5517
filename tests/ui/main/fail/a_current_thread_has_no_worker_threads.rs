hostkit::main!(flavor = "current_thread", worker_threads = 2);
